//! The HTTP client with which the CLI talks to the Cordon server that its operator named.
//!
//! The operator chose the address, so there is no guard; the rest is as for the gate: no proxy
//! from the environment, no redirects, no retries. Nothing else in the host uses it.

use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use http_body_util::Full;
use tokio::time::timeout;

use crate::client::{self, Chunks, Client};
use crate::options::Error;

/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest wait for a whole answer: a plugin that is uploaded is compiled before it is answered.
const TIMEOUT: Duration = Duration::from_secs(300);
/// Largest answer; packages are the largest there are.
const ANSWER_BYTES_MAX: usize = 1024 * 1024 * 1024;

/// Talks to a server the operator named.
pub struct OperatorClient {
    client: Client,
}

/// What the server answered.
#[derive(Debug, Clone)]
pub struct OperatorResponse {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

/// Builds the client.
///
/// # Errors
/// When the system has no root certificates.
pub fn operator_client() -> Result<OperatorClient, Error> {
    Ok(OperatorClient { client: client::unguarded(CONNECT_TIMEOUT)? })
}

impl OperatorClient {
    /// Sends one request and reads the whole answer. The body comes with its media type.
    ///
    /// # Errors
    /// When the URL or a header is none, or no complete answer came.
    pub async fn request(
        &self,
        method: &str,
        url: &str,
        bearer: Option<&str>,
        headers: &[(&str, &str)],
        body: Option<(&str, Bytes)>,
    ) -> Result<OperatorResponse, Error> {
        let method = Method::from_bytes(method.as_bytes())
            .map_err(|_| Error::Url(format!("{method} is no method")))?;
        let url = url::Url::parse(url).map_err(|error| Error::Url(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Error::Url("the server's URL begins with http:// or https://".to_owned()));
        }
        let uri = Uri::try_from(url.as_str()).map_err(|error| Error::Url(error.to_string()))?;
        let mut request = Request::new(Full::<Bytes>::default());
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        let sent = request.headers_mut();
        sent.insert(
            USER_AGENT,
            HeaderValue::from_static(concat!("cordon/", env!("CARGO_PKG_VERSION"))),
        );
        for (name, value) in headers {
            let parsed = HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| Error::Header((*name).to_owned()))?;
            sent.append(parsed, header_value(name, value)?);
        }
        if let Some(bearer) = bearer {
            let mut value = header_value("Authorization", &format!("Bearer {bearer}"))?;
            value.set_sensitive(true);
            sent.insert(AUTHORIZATION, value);
        }
        if let Some((content_type, bytes)) = body {
            sent.insert(CONTENT_TYPE, header_value("Content-Type", content_type)?);
            *request.body_mut() = bytes.into();
        }
        timeout(TIMEOUT, Box::pin(self.exchange(request))).await.unwrap_or(Err(Error::Broken))
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<OperatorResponse, Error> {
        let answer = self.client.execute(request).await;
        let answer = answer.map_err(|error| Error::Unreachable(client::cause(&error)))?;
        let (head, body) = answer.into_parts();
        let mut chunks = Chunks::of(body);
        let mut body = Vec::new();
        while let Some(chunk) = chunks.next().await.map_err(|()| Error::Broken)? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(Error::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        let status = head.status.as_u16();
        Ok(OperatorResponse { status, headers: head.headers, body: body.into() })
    }
}

fn header_value(name: &str, value: &str) -> Result<HeaderValue, Error> {
    HeaderValue::from_str(value).map_err(|_| Error::Header(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::tests::upstream::Upstream;

    #[tokio::test]
    async fn a_request_carries_its_key_and_a_redirect_comes_back_as_it_is() {
        let answer = "HTTP/1.1 307 X\r\nlocation: /elsewhere\r\ncontent-length: 2\r\n\r\n{}";
        let upstream = Upstream::answering(answer).await;
        let client = operator_client().unwrap();
        let body = Some(("application/json", Bytes::from_static(b"[1]")));
        let headers = [("Idempotency-Key", "k")];
        let url = upstream.url("/v1/policies");
        let response = client.request("POST", &url, Some("key"), &headers, body).await.unwrap();
        assert_eq!((response.status, response.body.as_ref()), (307, b"{}".as_slice()));
        assert_eq!(response.headers["location"], "/elsewhere");
        let seen = upstream.request();
        assert!(seen.starts_with("POST /v1/policies HTTP/1.1\r\n"), "{seen}");
        assert!(seen.contains("authorization: Bearer key\r\n"), "{seen}");
        assert!(seen.contains("idempotency-key: k\r\n"), "{seen}");
        assert!(seen.contains("content-type: application/json\r\n"), "{seen}");
        assert!(seen.ends_with("\r\n\r\n[1]"), "{seen}");
    }

    #[tokio::test]
    async fn what_cannot_be_sent_is_said_before_anything_is() {
        let client = operator_client().unwrap();
        let error = async |url: &str, bearer: &str| {
            client.request("GET", url, Some(bearer), &[], None).await.unwrap_err()
        };
        assert!(matches!(error("file:///etc/passwd", "k").await, Error::Url(_)));
        assert!(matches!(error("not a url", "k").await, Error::Url(_)));
        let header = error("http://127.0.0.1:1/", "k\r\nX: 1").await;
        assert!(matches!(&header, Error::Header(name) if name == "Authorization"), "{header}");
        assert!(matches!(error("http://127.0.0.1:1/", "k").await, Error::Unreachable(_)));
    }
}
