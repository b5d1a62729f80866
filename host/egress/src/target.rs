//! The strict reading of a URL: what is written is what is dialed.
//!
//! URL parsers disagree, and they repair. So nothing that a parser would repair is accepted: the
//! text is checked byte by byte, then parsed, and must serialize to itself again, apart from the
//! case of scheme and host, a spelled-out default port and an empty path. That one rule removes
//! octal and hexadecimal addresses, encoded hosts, look-alike letters and dot segments at once.
//!
//! Deliberately knows nothing of grants or addresses. Called by `inspect` with probes in place of
//! values, and by `render` with the finished URL.

use std::net::IpAddr;

use url::Url;

/// Why a URL is refused: a stable word and a sentence with the remedy.
pub(crate) type Fault = (&'static str, &'static str);

/// Where a URL points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Host {
    /// A DNS name, lower case.
    Name(String),
    /// An address written out.
    Address(IpAddr),
}

/// A URL that means the same to every parser.
#[derive(Clone)]
pub(crate) struct Target {
    /// The URL as it is dialed.
    pub(crate) url: Url,
    /// Where it points.
    pub(crate) host: Host,
    /// `scheme://host[:port]`, lower case, without a default port.
    pub(crate) origin: String,
}

impl Target {
    /// The port that is dialed.
    pub(crate) fn port(&self) -> u16 {
        // Both schemes have one.
        self.url.port_or_known_default().unwrap_or_default()
    }

    /// Reads a URL strictly.
    pub(crate) fn parse(text: &str) -> Result<Self, Fault> {
        check_characters(text).map_err(|(fault, _)| fault)?;
        let (scheme, rest) = split_scheme(text)?;
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, tail) = rest.split_at_checked(end).unwrap_or((rest, ""));
        let (host_text, port) = split_authority(authority)?;
        let host_text = host_text.to_ascii_lowercase();
        let (path, query) = match tail.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (tail, None),
        };
        check_path(path)?;

        let mut expected = format!("{scheme}://{host_text}");
        let default_port = if scheme == "https" { 443 } else { 80 };
        if let Some(port) = port.filter(|port| *port != default_port) {
            expected.push_str(&format!(":{port}"));
        }
        let origin = expected.clone();
        expected.push_str(if path.is_empty() { "/" } else { path });
        if let Some(query) = query {
            expected.push('?');
            expected.push_str(query);
        }
        let url = Url::parse(&expected).map_err(|_| NOT_A_URL)?;
        let host = match url.host() {
            Some(url::Host::Domain(name)) => Host::Name(check_name(name)?),
            Some(url::Host::Ipv4(ip)) => Host::Address(IpAddr::V4(ip)),
            Some(url::Host::Ipv6(ip)) => Host::Address(IpAddr::V6(ip)),
            None => return Err(NOT_A_URL),
        };
        if url.as_str() == expected {
            Ok(Self { url, host, origin })
        } else {
            Err(not_itself(&host_text, &url, path))
        }
    }
}

const NOT_A_URL: Fault = ("url_invalid", "is not an http or https URL with a host");

/// Says which part a parser would have rewritten.
fn not_itself(host: &str, url: &Url, path: &str) -> Fault {
    if url.host_str() != Some(host) {
        ("url_host_form", "the host must be a plain name or an address in its usual form")
    } else if !path.is_empty() && url.path() != path {
        ("url_path_form", "the path must not hold '.' or '..' segments")
    } else {
        (
            "url_form",
            "must be written as it is sent: use %27 for ' and no characters that need encoding",
        )
    }
}

/// RFC 3986 characters only, and `[ ]` in the query, where they are in common use. A refusal says
/// how many characters stand before the place.
pub(crate) fn check_characters(text: &str) -> Result<(), (Fault, usize)> {
    let before = |at: usize| text.get(..at).map_or(0, |before| before.chars().count());
    if let Some(at) = text.find(['{', '}']) {
        let fault = ("url_braces", "literal braces must not stand in a URL; write %7B and %7D");
        return Err((fault, before(at)));
    }
    if let Some(at) = text.find('#') {
        return Err((("url_fragment", "a fragment is never sent; remove it"), before(at)));
    }
    let mut bytes = text.bytes();
    let mut at = 0;
    while let Some(byte) = bytes.next() {
        let allowed = match byte {
            b'%' => {
                let digits = [bytes.next(), bytes.next()];
                digits.iter().all(|d| d.is_some_and(|d| d.is_ascii_hexdigit()))
            }
            b if b.is_ascii_alphanumeric() => true,
            b => b"-._~:/?[]@!$&'()*+,;=".contains(&b),
        };
        if !allowed {
            let fault = (
                "url_character",
                "holds a character that must be percent-encoded, or a broken percent-encoding",
            );
            return Err((fault, before(at)));
        }
        at = text.len() - bytes.len();
    }
    Ok(())
}

fn split_scheme(text: &str) -> Result<(&'static str, &str), Fault> {
    let (scheme, rest) = text.split_once("://").ok_or(NOT_A_URL)?;
    if scheme.eq_ignore_ascii_case("https") {
        Ok(("https", rest))
    } else if scheme.eq_ignore_ascii_case("http") {
        Ok(("http", rest))
    } else {
        Err(("url_scheme", "only http and https exist here"))
    }
}

/// Host text and port. The port must be written without padding.
fn split_authority(authority: &str) -> Result<(&str, Option<u16>), Fault> {
    const PORT: Fault = ("url_port", "the port must be a number from 1 to 65535, written plainly");
    if authority.contains('@') {
        return Err(("url_userinfo", "user and password must not stand in a URL; use a header"));
    }
    let host_end = if authority.starts_with('[') {
        authority.find(']').map(|at| at + 1).ok_or(NOT_A_URL)?
    } else {
        authority.find(':').unwrap_or(authority.len())
    };
    let (host, rest) = authority.split_at_checked(host_end).ok_or(NOT_A_URL)?;
    if host.is_empty() {
        return Err(NOT_A_URL);
    }
    let Some(digits) = rest.strip_prefix(':') else {
        return if rest.is_empty() { Ok((host, None)) } else { Err(NOT_A_URL) };
    };
    let plain = digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
    match digits.parse::<u16>() {
        Ok(port) if plain => Ok((host, Some(port))),
        _ => Err(PORT),
    }
}

/// A server that decodes before it routes must not see another path than the one that was
/// granted.
fn check_path(path: &str) -> Result<(), Fault> {
    let mut rest = path;
    while let Some((_, after)) = rest.split_once('%') {
        let code = after.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match code {
            Some(b'/' | b'\\') => {
                return Err(("url_path_form", "the path must not hold an encoded slash"));
            }
            Some(code) if code.is_ascii_control() => {
                return Err(("url_path_form", "the path must not hold encoded control characters"));
            }
            _ => rest = after,
        }
    }
    if path.contains(['[', ']']) {
        return Err(("url_character", "'[' and ']' must be percent-encoded in a path"));
    }
    Ok(())
}

/// Letters, digits, `-` and `_` in labels of 1 to 63, nothing that could be an address.
fn check_name(name: &str) -> Result<String, Fault> {
    const NAME: Fault = ("url_host_form", "the host must be a plain name, without a trailing dot");
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    let label = |l: &str| !l.is_empty() && l.len() <= 63 && l.bytes().all(plain);
    let numeric = name.rsplit('.').next().is_some_and(|l| l.bytes().all(|b| b.is_ascii_digit()));
    if name.len() > 253 || numeric || !name.split('.').all(label) {
        return Err(NAME);
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> &'static str {
        match Target::parse(text) {
            Ok(_) => "ok",
            Err((code, _)) => code,
        }
    }

    #[test]
    fn an_ordinary_url_keeps_its_path_and_query() {
        let target = Target::parse("https://api.acme.com/v0/users?a=%20b&c[d]=e+f").unwrap();
        assert_eq!(target.origin, "https://api.acme.com");
        assert_eq!(target.url.as_str(), "https://api.acme.com/v0/users?a=%20b&c[d]=e+f");
        assert_eq!(target.host, Host::Name("api.acme.com".to_owned()));
    }

    #[test]
    fn case_default_port_and_empty_path_are_the_only_liberties() {
        for text in ["HTTPS://API.acme.com", "https://api.acme.com:443/", "https://api.acme.com/"] {
            let target = Target::parse(text).unwrap();
            assert_eq!(target.url.as_str(), "https://api.acme.com/", "{text}");
            assert_eq!(target.origin, "https://api.acme.com", "{text}");
        }
        assert_eq!(Target::parse("http://a.b:443/").unwrap().origin, "http://a.b:443");
        assert_eq!(Target::parse("http://a.b?x=1").unwrap().url.as_str(), "http://a.b/?x=1");
    }

    #[test]
    fn what_parsers_repair_is_refused() {
        for (text, expected) in [
            ("", "url_invalid"),
            ("https:api.acme.com/v0", "url_invalid"),
            ("//api.acme.com/v0", "url_invalid"),
            ("https:///v0", "url_invalid"),
            ("ftp://api.acme.com/", "url_scheme"),
            ("https://user@api.acme.com/", "url_userinfo"),
            ("https://api.acme.com/#x", "url_fragment"),
            ("https://api.acme.com/{x}", "url_braces"),
            ("https://api.acme.com/a b", "url_character"),
            ("https://api.acme.com\\@evil.example/", "url_character"),
            ("https://api.acme.com/%zz", "url_character"),
            ("https://api.acme.com/%4", "url_character"),
            ("https://bücher.example/", "url_character"),
            ("https://api.acme.com/a%2Fb", "url_path_form"),
            ("https://api.acme.com/a%5cb", "url_path_form"),
            ("https://api.acme.com/a%0d%0ab", "url_path_form"),
            ("https://api.acme.com/a/../b", "url_path_form"),
            ("https://api.acme.com/a/%2e%2E/b", "url_path_form"),
            ("https://api.acme.com/?q='x'", "url_form"),
            ("https://api.acme.com./", "url_host_form"),
            ("https://a..acme.com/", "url_host_form"),
            ("https://api%2eacme.com/", "url_host_form"),
            ("http://127.1/", "url_host_form"),
            ("http://0x7f000001/", "url_host_form"),
            ("http://2130706433/", "url_host_form"),
            ("http://0177.0.0.1/", "url_host_form"),
            ("http://127.0.0.1./", "url_host_form"),
            ("http://[::ffff:127.0.0.1]/", "url_host_form"),
            ("http://[0:0::1]/", "url_host_form"),
            ("http://[fe80::1%25eth0]/", "url_invalid"),
            ("http://[v1.x]/", "url_invalid"),
            ("https://api.acme.com:0/", "url_port"),
            ("https://api.acme.com:0443/", "url_port"),
            ("https://api.acme.com:/", "url_port"),
            ("https://api.acme.com:65536/", "url_port"),
            ("https://api.acme.com:+443/", "url_port"),
        ] {
            assert_eq!(code(text), expected, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics_and_what_is_accepted_is_a_fixed_point(text in "(https?://)?.{0,40}") {
            if let Ok(target) = Target::parse(&text) {
                let again = Target::parse(target.url.as_str()).map_err(|f| f.0);
                proptest::prop_assert_eq!(again.map(|t| t.origin), Ok(target.origin));
            }
        }
    }
}
