//! Which hosts, whatever their port: for what a host may call that no grant names, like webhooks.

use std::fmt;
use std::str::FromStr;

use super::InvalidGrant;
use super::origin::Host;

/// A host by name or address, or all names below one: `*.acme.com` is one or more labels before
/// `.acme.com`, never `acme.com` itself. There is no pattern for every host.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostPattern(Host);

impl HostPattern {
    /// Whether a wildcard keeps to the hosts of one owner. Asked where a pattern is written, not
    /// where it is read: the list of public suffixes changes.
    ///
    /// # Errors
    /// When it stands over a public suffix, or over a domain that holds some.
    pub fn check_width(&self) -> Result<(), InvalidGrant> {
        self.0.check_width()
    }

    /// Whether a host is meant, which is written as in a URL: lower case, an IPv6 address in
    /// brackets. What is no plain host is not covered.
    pub fn covers(&self, host: &str) -> bool {
        Host::read(host).is_ok_and(|host| self.0.covers(&host))
    }
}

impl FromStr for HostPattern {
    type Err = InvalidGrant;

    fn from_str(text: &str) -> Result<Self, InvalidGrant> {
        match Host::read(&text.to_ascii_lowercase())? {
            Host::Any => Err(InvalidGrant::Wildcard),
            host => Ok(Self(host)),
        }
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_covers_its_host_or_the_names_below() {
        let covers = |pattern: &str, host| pattern.parse::<HostPattern>().unwrap().covers(host);
        assert!(covers("hooks.acme.com", "hooks.acme.com"));
        assert!(covers("HOOKS.acme.com", "hooks.acme.com"));
        assert!(covers("*.acme.com", "a.b.acme.com"));
        assert!(covers("127.0.0.1", "127.0.0.1"));
        assert!(covers("[::1]", "[::1]"));
        for (pattern, host) in [
            ("*.acme.com", "acme.com"),
            ("*.acme.com", "myacme.com"),
            ("*.acme.com", "*.acme.com.evil.example"),
            ("hooks.acme.com", "hooks.acme.com."),
            ("hooks.acme.com", "evil.example"),
            ("hooks.acme.com", "*"),
        ] {
            assert!(!covers(pattern, host), "{pattern} {host}");
        }
    }

    #[test]
    fn what_is_no_host_or_every_host_is_refused() {
        for (text, expected) in [
            ("*", InvalidGrant::Wildcard),
            ("https://hooks.acme.com", InvalidGrant::Host),
            ("hooks.acme.com:8443", InvalidGrant::Host),
            ("hooks.*.com", InvalidGrant::Wildcard),
            ("hooks.acme.com/x", InvalidGrant::Host),
            ("", InvalidGrant::Host),
        ] {
            assert_eq!(text.parse::<HostPattern>(), Err(expected), "{text}");
        }
    }

    #[test]
    fn a_wildcard_over_everybodys_hosts_is_too_wide() {
        let width = |text: &str| text.parse::<HostPattern>().unwrap().check_width();
        assert_eq!(width("*.github.io"), Err(InvalidGrant::PublicSuffix));
        assert_eq!(width("*.acme.github.io"), Ok(()));
    }

    #[test]
    fn what_is_written_is_shown_again() {
        for text in ["hooks.acme.com", "*.acme.com", "10.0.0.1", "[fd12::1]"] {
            assert_eq!(text.parse::<HostPattern>().unwrap().to_string(), text);
        }
    }
}
