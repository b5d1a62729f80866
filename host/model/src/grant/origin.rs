//! Where a request may go: `scheme://host[:port]`, exact or with a wildcard.
//!
//! One reading for grants, for what plugins need and for the operator's policy. `*.acme.com` is
//! one or more labels before `.acme.com`, never `acme.com` itself; `*` is every host; the port
//! `*` is every port, and no port is the scheme's own. Knows nothing of addresses that must not be
//! dialed: that is the gate's.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use super::InvalidGrant;
use super::public_suffix::covers_strangers;

/// An origin, or a pattern over origins. What it accepts, it can be held to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OriginPattern {
    scheme: Scheme,
    host: Host,
    port: Port,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Scheme {
    Https,
    Http,
}

/// A host, or a pattern over hosts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Host {
    /// This name, lower case.
    Name(String),
    /// This address.
    Address(IpAddr),
    /// One or more labels before this name and its dot.
    Below(String),
    /// Every host.
    Any,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Port {
    Is(u16),
    Any,
}

impl OriginPattern {
    /// Whether everything that `other` stands for is in here.
    pub fn covers(&self, other: &Self) -> bool {
        self.intersect(other).as_ref() == Some(other)
    }

    /// What both stand for; none: nothing.
    pub fn intersect(&self, other: &Self) -> Option<Self> {
        let port = match (self.port, other.port) {
            (Port::Any, port) | (port, Port::Any) => port,
            (a, b) if a == b => a,
            _ => return None,
        };
        let host = self.host.intersect(&other.host)?;
        (self.scheme == other.scheme).then_some(Self { scheme: self.scheme, host, port })
    }

    /// Whether it stands for one origin alone.
    pub fn is_exact(&self) -> bool {
        self.names_its_host() && matches!(self.port, Port::Is(_))
    }

    /// Whether its host is written out, without a wildcard.
    pub fn names_its_host(&self) -> bool {
        matches!(self.host, Host::Name(_) | Host::Address(_))
    }

    /// Whether its host is every host.
    pub fn is_any_host(&self) -> bool {
        self.host == Host::Any
    }

    /// Whether its wildcard keeps to the hosts of one owner, as it must in a grant. Not asked where
    /// a pattern is read: policies only narrow, and the list of public suffixes changes under what
    /// was granted before.
    ///
    /// # Errors
    /// When it stands over a public suffix, or over a domain that holds some.
    pub fn check_width(&self) -> Result<(), InvalidGrant> {
        self.host.check_width()
    }

    /// The address, where one is written out.
    pub fn address(&self) -> Option<IpAddr> {
        match self.host {
            Host::Address(address) => Some(address),
            Host::Name(_) | Host::Below(_) | Host::Any => None,
        }
    }

    /// Every host and port of both schemes: the widest there is.
    pub fn everything() -> [Self; 2] {
        [Scheme::Https, Scheme::Http].map(|scheme| Self {
            scheme,
            host: Host::Any,
            port: Port::Any,
        })
    }
}

impl Host {
    /// Reads a host in lower case, an IPv6 address in brackets.
    pub(super) fn read(host: &str) -> Result<Self, InvalidGrant> {
        if host == "*" {
            return Ok(Self::Any);
        }
        if let Some(address) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            let read: Ipv6Addr = address.parse().map_err(|_| InvalidGrant::Host)?;
            let usual = text_of(read) == address;
            return if usual { Ok(Self::Address(read.into())) } else { Err(InvalidGrant::Host) };
        }
        if let Some(suffix) = host.strip_prefix("*.").filter(|suffix| !suffix.contains('*')) {
            check_name(suffix)?;
            return Ok(Self::Below(suffix.into()));
        }
        if host.contains('*') {
            return Err(InvalidGrant::Wildcard);
        }
        if let Ok(address) = host.parse::<Ipv4Addr>() {
            return Ok(Self::Address(address.into()));
        }
        check_name(host)?;
        Ok(Self::Name(host.to_owned()))
    }

    /// Whether a wildcard keeps to the hosts of one owner. Every host is nobody's in particular.
    pub(super) fn check_width(&self) -> Result<(), InvalidGrant> {
        match self {
            Self::Below(suffix) if covers_strangers(suffix) => Err(InvalidGrant::PublicSuffix),
            Self::Below(_) | Self::Name(_) | Self::Address(_) | Self::Any => Ok(()),
        }
    }

    /// Whether everything that `other` stands for is in here.
    pub(super) fn covers(&self, other: &Self) -> bool {
        self.intersect(other).as_ref() == Some(other)
    }

    fn intersect(&self, other: &Self) -> Option<Self> {
        let below = |name: &str, suffix: &str| {
            name.strip_suffix(suffix).is_some_and(|rest| rest.ends_with('.'))
        };
        match (self, other) {
            (Self::Any, host) | (host, Self::Any) => Some(host.clone()),
            (a, b) if a == b => Some(a.clone()),
            (Self::Below(suffix), narrow @ (Self::Name(name) | Self::Below(name)))
            | (narrow @ (Self::Name(name) | Self::Below(name)), Self::Below(suffix))
                if below(name, suffix) =>
            {
                Some(narrow.clone())
            }
            _ => None,
        }
    }
}

impl Scheme {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
        }
    }

    const fn port(self) -> u16 {
        match self {
            Self::Https => 443,
            Self::Http => 80,
        }
    }
}

impl FromStr for OriginPattern {
    type Err = InvalidGrant;

    fn from_str(text: &str) -> Result<Self, InvalidGrant> {
        let (scheme, rest) = text.split_once("://").ok_or(InvalidGrant::Scheme)?;
        let scheme = [Scheme::Https, Scheme::Http]
            .into_iter()
            .find(|known| scheme.eq_ignore_ascii_case(known.as_str()))
            .ok_or(InvalidGrant::Scheme)?;
        if rest.contains('@') {
            return Err(InvalidGrant::UserInfo);
        }
        if rest.contains(['/', '\\', '?', '#']) {
            return Err(InvalidGrant::PathInOrigin);
        }
        let end = match rest.find(']') {
            Some(end) => end + 1,
            None if rest.starts_with('[') => return Err(InvalidGrant::Host),
            None => rest.find(':').unwrap_or(rest.len()),
        };
        let (host, port) = rest.split_at_checked(end).ok_or(InvalidGrant::Host)?;
        let port = match port.strip_prefix(':') {
            None if port.is_empty() => Port::Is(scheme.port()),
            None => return Err(InvalidGrant::Host),
            Some("*") => Port::Any,
            Some(digits) => Port::Is(read_port(digits)?),
        };
        Ok(Self { scheme, host: Host::read(&host.to_ascii_lowercase())?, port })
    }
}

impl fmt::Display for OriginPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.as_str(), self.host)?;
        match self.port {
            Port::Is(port) if port == self.scheme.port() => Ok(()),
            Port::Is(port) => write!(f, ":{port}"),
            Port::Any => f.write_str(":*"),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V4(address)) => write!(f, "{address}"),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{}]", text_of(*address)),
            Self::Below(suffix) => write!(f, "*.{suffix}"),
            Self::Any => f.write_str("*"),
        }
    }
}

/// As URLs write it (RFC 5952, without IPv4 in it).
fn text_of(address: Ipv6Addr) -> String {
    match (address.to_ipv4_mapped(), address.segments()) {
        (Some(_), [.., high, low]) => format!("::ffff:{high:x}:{low:x}"),
        (None, _) => address.to_string(),
    }
}

fn read_port(digits: &str) -> Result<u16, InvalidGrant> {
    let plain = digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
    digits.parse().ok().filter(|_| plain).ok_or(InvalidGrant::Port)
}

/// Labels of 1 to 63 letters, digits, `-` and `_`, the last of which no parser takes for a number.
fn check_name(name: &str) -> Result<(), InvalidGrant> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    let label = |l: &str| (1..=63).contains(&l.len()) && l.bytes().all(plain);
    let last = name.rsplit('.').next().unwrap_or(name);
    let hexadecimal = |l: &str| {
        l.strip_prefix("0x").is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))
    };
    let number = last.bytes().all(|b| b.is_ascii_digit()) || hexadecimal(last);
    if name.len() <= 253 && !number && name.split('.').all(label) {
        Ok(())
    } else {
        Err(InvalidGrant::Host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> OriginPattern {
        text.parse().unwrap()
    }

    #[test]
    fn what_is_written_is_shown_again_without_its_default_port() {
        for (text, shown) in [
            ("https://api.acme.com", "https://api.acme.com"),
            ("HTTPS://API.acme.com:443", "https://api.acme.com"),
            ("http://legacy.acme.com:8080", "http://legacy.acme.com:8080"),
            ("https://*.acme.com:8443", "https://*.acme.com:8443"),
            ("http://*:*", "http://*:*"),
            ("https://10.20.3.4:8443", "https://10.20.3.4:8443"),
            ("https://[fd12:3456::10]:8443", "https://[fd12:3456::10]:8443"),
            ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
            ("http://localhost:*", "http://localhost:*"),
            ("http://[::ffff:7f00:1]", "http://[::ffff:7f00:1]"),
        ] {
            assert_eq!(pattern(text).to_string(), shown);
            assert_eq!(pattern(shown), pattern(text));
        }
    }

    #[test]
    fn what_cannot_be_enforced_is_refused_with_a_reason() {
        use InvalidGrant as No;
        for (text, expected) in [
            ("*", No::Scheme),
            ("", No::Scheme),
            ("api.acme.com", No::Scheme),
            ("ftp://api.acme.com", No::Scheme),
            ("https://u:p@api.acme.com", No::UserInfo),
            ("https://api.acme.com/", No::PathInOrigin),
            ("https://api.acme.com/v0", No::PathInOrigin),
            ("https://api.acme.com?x", No::PathInOrigin),
            ("https://api.acme.com\\x", No::PathInOrigin),
            ("https://api.*.com", No::Wildcard),
            ("https://*api.acme.com", No::Wildcard),
            ("https://*.*.acme.com", No::Wildcard),
            ("https://**", No::Wildcard),
            ("https://*.", No::Host),
            ("https://", No::Host),
            ("https://api.acme.com.", No::Host),
            ("https://a..acme.com", No::Host),
            ("https://bücher.example", No::Host),
            ("https://api acme.com", No::Host),
            ("https://0x7f.1:8443", No::Host),
            ("https://127.0.0.0x1", No::Host),
            ("https://127.1", No::Host),
            ("https://010.0.0.1", No::Host),
            ("https://2130706433", No::Host),
            ("https://[0:0::1]", No::Host),
            ("https://[::ffff:127.0.0.1]", No::Host),
            ("https://[::1", No::Host),
            ("https://[::1]x", No::Host),
            ("https://api.acme.com:0", No::Port),
            ("https://api.acme.com:0443", No::Port),
            ("https://api.acme.com:", No::Port),
            ("https://api.acme.com:65536", No::Port),
        ] {
            assert_eq!(text.parse::<OriginPattern>(), Err(expected), "{text}");
        }
    }

    #[test]
    fn a_wildcard_over_everybodys_hosts_is_too_wide_for_a_grant() {
        for text in [
            "https://*.com",
            "https://*.internal",
            "https://*.co.uk",
            "https://*.com.au",
            "https://*.github.io",
            "https://*.amazonaws.com",
        ] {
            assert_eq!(pattern(text).check_width(), Err(InvalidGrant::PublicSuffix), "{text}");
        }
        for text in [
            "https://*.acme.com",
            "https://*.acme.github.io",
            "https://acme.github.io",
            "https://s3.amazonaws.com",
            "https://*.corp.internal",
            "https://*",
        ] {
            assert_eq!(pattern(text).check_width(), Ok(()), "{text}");
        }
    }

    #[test]
    fn a_wildcard_is_one_or_more_labels_and_never_the_apex() {
        let wild = pattern("https://*.acme.com");
        for inside in ["https://api.acme.com", "https://a.b.acme.com", "https://*.b.acme.com"] {
            assert!(wild.covers(&pattern(inside)), "{inside}");
        }
        for outside in [
            "https://acme.com",
            "https://myacme.com",
            "https://api.acme.com:8443",
            "http://api.acme.com",
            "https://*.acme.com:*",
            "https://*",
        ] {
            assert!(!wild.covers(&pattern(outside)), "{outside}");
        }
    }

    #[test]
    fn any_host_is_any_host_on_the_ports_it_says() {
        let any = pattern("https://*");
        assert!(any.covers(&pattern("https://10.0.0.1")));
        assert!(any.covers(&pattern("https://*.acme.com")));
        assert!(!any.covers(&pattern("https://api.acme.com:8443")));
        assert!(pattern("https://*:*").covers(&pattern("https://api.acme.com:8443")));
    }

    const PATTERNS: &[&str] = &[
        "https://*:*",
        "https://*",
        "https://*.acme.com",
        "https://*.eu.acme.com:*",
        "https://api.eu.acme.com",
        "https://acme.com:8443",
        "http://*:*",
        "http://10.0.0.1:*",
        "http://10.0.0.1",
    ];

    #[test]
    fn an_intersection_is_in_both_and_holds_whatever_is_in_both() {
        for a in PATTERNS.iter().map(|text| pattern(text)) {
            assert!(a.covers(&a));
            for b in PATTERNS.iter().map(|text| pattern(text)) {
                let both = a.intersect(&b);
                assert_eq!(both, b.intersect(&a), "{a} {b}");
                if let Some(both) = &both {
                    assert!(a.covers(both) && b.covers(both), "{a} {b} {both}");
                }
                for c in PATTERNS.iter().map(|text| pattern(text)) {
                    let in_both = a.covers(&c) && b.covers(&c);
                    let held = both.as_ref().is_some_and(|both| both.covers(&c));
                    assert_eq!(in_both, held, "{a} {b} {c}");
                }
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics_and_what_is_accepted_reads_back(text in "(https?://)?[a-z0-9.*:\\[\\]/@-]{0,30}") {
            if let Ok(read) = text.parse::<OriginPattern>() {
                proptest::prop_assert_eq!(read.to_string().parse(), Ok(read));
            }
        }
    }
}
