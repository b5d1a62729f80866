//! The operator's outbound proxy: `CONNECT` to the vetted address, so that the proxy decides
//! nothing that the gate has not decided before.
//!
//! The proxy is asked for an address and a port and never for a name: it resolves nothing, and
//! what was vetted is what is dialed. Everything, plain HTTP included, goes through a tunnel, and
//! TLS inside it is checked against the name of the target. The proxy's own address is the
//! operator's to choose and is no subject of the address guard. Called by the dialer.

use std::net::SocketAddr;
use std::str::FromStr;

use http::{HeaderValue, Uri};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use url::{Host, Url};

/// Longest answer to `CONNECT`, in bytes: a status and a few headers.
const ANSWER_BYTES_MAX: usize = 8 * 1024;

/// The operator's proxy. `Debug` shows no credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxy {
    uri: Uri,
    /// Marked as sensitive.
    authorization: Option<HeaderValue>,
}

/// Why a text names no proxy, or cannot be its authorization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidProxy {
    /// Not a URL of the form that is expected.
    #[error("must be http://host:port or https://host:port, without a path")]
    Url,
    /// Credentials in a place where they would be shown.
    #[error("must not hold a user or a password; use a file for the Proxy-Authorization")]
    UserInfo,
    /// No header value.
    #[error("must be one line of printable ASCII, like: Basic dXNlcjpwYXNzd29yZA==")]
    Authorization,
}

impl Proxy {
    /// The same proxy, told this value of `Proxy-Authorization` with every `CONNECT`.
    ///
    /// # Errors
    /// When it can stand in no header.
    pub fn with_authorization(mut self, value: &str) -> Result<Self, InvalidProxy> {
        let plain = !value.is_empty() && value.bytes().all(|b| b == b' ' || b.is_ascii_graphic());
        let mut value = HeaderValue::from_str(value)
            .ok()
            .filter(|_| plain)
            .ok_or(InvalidProxy::Authorization)?;
        value.set_sensitive(true);
        self.authorization = Some(value);
        Ok(self)
    }

    /// Where it is.
    pub(crate) fn uri(&self) -> &Uri {
        &self.uri
    }

    /// Opens a tunnel to an address over a connection to the proxy. Nothing of the request has
    /// gone out when this fails.
    pub(crate) async fn open_tunnel(
        &self,
        stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
        to: SocketAddr,
    ) -> Result<(), ProxyError> {
        let mut connect = format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n").into_bytes();
        if let Some(value) = &self.authorization {
            connect.extend_from_slice(b"Proxy-Authorization: ");
            connect.extend_from_slice(value.as_bytes());
            connect.extend_from_slice(b"\r\n");
        }
        connect.extend_from_slice(b"\r\n");
        stream.write_all(&connect).await.map_err(|_| ProxyError::Broken)?;
        stream.flush().await.map_err(|_| ProxyError::Broken)?;
        let mut answer = Vec::new();
        let mut buffer = [0; 1024];
        loop {
            let read = stream.read(&mut buffer).await.map_err(|_| ProxyError::Broken)?;
            answer.extend_from_slice(buffer.get(..read).unwrap_or_default());
            if let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") {
                // In a tunnel the client speaks first.
                let nothing_more = answer.len() == end + 4;
                return judge(&answer, nothing_more);
            }
            if read == 0 || answer.len() > ANSWER_BYTES_MAX {
                return Err(ProxyError::Broken);
            }
        }
    }
}

impl FromStr for Proxy {
    type Err = InvalidProxy;

    fn from_str(text: &str) -> Result<Self, InvalidProxy> {
        let url = Url::parse(text).map_err(|_| InvalidProxy::Url)?;
        if !url.username().is_empty() || url.password().is_some() || text.contains('@') {
            return Err(InvalidProxy::UserInfo);
        }
        let host = match url.host() {
            Some(Host::Domain(name)) => name.to_owned(),
            Some(Host::Ipv4(address)) => address.to_string(),
            Some(Host::Ipv6(address)) => format!("[{address}]"),
            None => return Err(InvalidProxy::Url),
        };
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        if !matches!(url.scheme(), "http" | "https") || !bare {
            return Err(InvalidProxy::Url);
        }
        let port = url.port_or_known_default().ok_or(InvalidProxy::Url)?;
        let uri = format!("{}://{host}:{port}", url.scheme());
        Ok(Self { uri: uri.parse().map_err(|_| InvalidProxy::Url)?, authorization: None })
    }
}

/// Why there is no tunnel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProxyError {
    /// 407.
    #[error("the operator's proxy asks for authorization (407)")]
    AuthorizationRequired,
    /// Any other answer that says no.
    #[error("the operator's proxy refused the connection ({0})")]
    Refused(u16),
    /// 5xx: it could not reach the address.
    #[error("the operator's proxy could not connect ({0})")]
    Failed(u16),
    /// No answer, or none that is one.
    #[error("the operator's proxy did not answer as a proxy does")]
    Broken,
}

impl ProxyError {
    /// The stable word, where it is a refusal and no matter of reaching anybody.
    pub(crate) const fn code(self) -> Option<&'static str> {
        match self {
            Self::AuthorizationRequired => Some("proxy_authorization_required"),
            Self::Refused(_) => Some("proxy_refused"),
            Self::Failed(_) | Self::Broken => None,
        }
    }
}

/// Reads the status line of a whole answer.
fn judge(answer: &[u8], nothing_more: bool) -> Result<(), ProxyError> {
    let line = answer.split(|byte| *byte == b'\r').next().and_then(|l| std::str::from_utf8(l).ok());
    let status = line
        .and_then(|line| line.strip_prefix("HTTP/1."))
        .and_then(|rest| rest.split(' ').nth(1))
        .filter(|digits| digits.len() == 3)
        .and_then(|digits| digits.parse::<u16>().ok());
    match status {
        Some(200..=299) if nothing_more => Ok(()),
        Some(407) => Err(ProxyError::AuthorizationRequired),
        Some(status @ 500..=599) => Err(ProxyError::Failed(status)),
        Some(status @ 300..=499) => Err(ProxyError::Refused(status)),
        Some(_) | None => Err(ProxyError::Broken),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_a_host_and_a_port() {
        for (text, uri) in [
            ("http://proxy.corp:3128", "http://proxy.corp:3128/"),
            ("http://10.0.0.1", "http://10.0.0.1:80/"),
            ("https://proxy.corp/", "https://proxy.corp:443/"),
            ("http://[::1]:3128", "http://[::1]:3128/"),
        ] {
            assert_eq!(text.parse::<Proxy>().unwrap().uri().to_string(), uri);
        }
        for (text, expected) in [
            ("", InvalidProxy::Url),
            ("proxy.corp:3128", InvalidProxy::Url),
            ("socks5://proxy.corp", InvalidProxy::Url),
            ("http://proxy.corp/x", InvalidProxy::Url),
            ("http://proxy.corp/?x", InvalidProxy::Url),
            ("http://user:hunter2@proxy.corp", InvalidProxy::UserInfo),
        ] {
            assert_eq!(text.parse::<Proxy>(), Err(expected), "{text}");
        }
    }

    #[test]
    fn credentials_are_shown_nowhere() {
        let proxy: Proxy = "http://proxy.corp:3128".parse().unwrap();
        for wrong in ["", "Basic\r\nX: 1", "Bäsic"] {
            let refused = proxy.clone().with_authorization(wrong);
            assert_eq!(refused, Err(InvalidProxy::Authorization));
        }
        let proxy = proxy.with_authorization("Basic aHVudGVyMg==").unwrap();
        assert!(!format!("{proxy:?}").contains("aHVudGVyMg"));
    }

    async fn answered(answer: &'static [u8]) -> Result<(), ProxyError> {
        let (mut near, mut far) = tokio::io::duplex(64 * 1024);
        let proxy: Proxy = "http://proxy.corp:3128".parse().unwrap();
        far.write_all(answer).await.unwrap();
        far.shutdown().await.unwrap();
        proxy.open_tunnel(&mut near, "93.184.215.14:443".parse().unwrap()).await
    }

    #[tokio::test]
    async fn only_a_whole_2xx_and_nothing_behind_it_is_a_tunnel() {
        use ProxyError as No;
        for (answer, expected) in [
            (b"HTTP/1.1 200 Connection established\r\nX: y\r\n\r\n".as_slice(), Ok(())),
            (b"HTTP/1.0 200 \r\n\r\n", Ok(())),
            (b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK", Err(No::Broken)),
            (b"HTTP/1.1 407 X\r\n\r\n", Err(No::AuthorizationRequired)),
            (b"HTTP/1.1 403 X\r\ncontent-length: 2\r\n\r\nno", Err(No::Refused(403))),
            (b"HTTP/1.1 302 X\r\nlocation: http://x\r\n\r\n", Err(No::Refused(302))),
            (b"HTTP/1.1 502 X\r\n\r\n", Err(No::Failed(502))),
            (b"HTTP/1.1 2000 X\r\n\r\n", Err(No::Broken)),
            (b"HTTP/1.1 200 OK\r\n", Err(No::Broken)),
            (b"SSH-2.0-x\r\n\r\n", Err(No::Broken)),
            (b"", Err(No::Broken)),
            (&[b'x'; 32 * 1024], Err(No::Broken)),
        ] {
            assert_eq!(answered(answer).await, expected, "{}", answer.escape_ascii());
        }
    }
}
