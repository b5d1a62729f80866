//! Which paths of an origin: a prefix, matched by whole segments.

use std::fmt;
use std::str::FromStr;

use super::InvalidGrant;

/// A path prefix; `/` is every path. `/v0` covers `/v0` and `/v0/users`, not `/v00`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathPrefix(String);

impl PathPrefix {
    /// Every path.
    pub fn root() -> Self {
        Self("/".to_owned())
    }

    /// The longest that covers a path. What no grant can say, like an empty segment, is cut off
    /// with what is below it.
    pub fn above(path: &str) -> Self {
        let mut rest = path;
        loop {
            match rest.parse() {
                Ok(prefix) => return prefix,
                Err(_) => match rest.rfind('/').and_then(|at| rest.get(..at)) {
                    Some(shorter) if !shorter.is_empty() => rest = shorter,
                    Some(_) | None => return Self::root(),
                },
            }
        }
    }

    /// As it is written, without a trailing slash.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a path lies below it.
    pub fn covers(&self, path: &str) -> bool {
        let prefix = self.0.strip_suffix('/').unwrap_or(&self.0);
        path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// What lies below both; none: nothing.
    pub fn intersect(&self, other: &Self) -> Option<Self> {
        if self.covers(&other.0) {
            Some(other.clone())
        } else {
            other.covers(&self.0).then(|| self.clone())
        }
    }
}

impl fmt::Display for PathPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for PathPrefix {
    type Err = InvalidGrant;

    fn from_str(text: &str) -> Result<Self, InvalidGrant> {
        let inner = text.strip_prefix('/').ok_or(InvalidGrant::PathPrefix)?;
        let inner = inner.strip_suffix('/').unwrap_or(inner);
        if inner.is_empty() {
            return if text == "/" { Ok(Self::root()) } else { Err(InvalidGrant::PathPrefix) };
        }
        if inner.split('/').all(is_segment) {
            Ok(Self(format!("/{inner}")))
        } else {
            Err(InvalidGrant::PathPrefix)
        }
    }
}

/// Characters of RFC 3986, nothing that a server could take for a step or a slash, and no `*`,
/// which would look like a wildcard.
pub(super) fn is_segment(segment: &str) -> bool {
    let decoded = segment.replace("%2e", ".").replace("%2E", ".");
    let mut bytes = segment.bytes();
    while let Some(byte) = bytes.next() {
        let fine = match byte {
            b'%' => match (bytes.next(), bytes.next()) {
                (Some(a), Some(b)) if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => {
                    !matches!((a, b.to_ascii_lowercase()), (b'0' | b'1', _) | (b'2', b'f'))
                        && !matches!((a, b.to_ascii_lowercase()), (b'5', b'c') | (b'7', b'f'))
                }
                _ => false,
            },
            b if b.is_ascii_alphanumeric() => true,
            b => b"-._~!$&'()+,;=:@".contains(&b),
        };
        if !fine {
            return false;
        }
    }
    !matches!(decoded.as_str(), "" | "." | "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(text: &str) -> PathPrefix {
        text.parse().unwrap()
    }

    #[test]
    fn a_path_prefix_is_matched_by_whole_segments() {
        assert!(prefix("/v0").covers("/v0"));
        assert!(prefix("/v0/").covers("/v0/users"));
        assert!(prefix("/").covers("/anything"));
        assert!(!prefix("/v0").covers("/v00"));
        assert!(!prefix("/v0").covers("/"));
    }

    #[test]
    fn of_two_prefixes_the_longer_counts() {
        assert_eq!(prefix("/v0").intersect(&prefix("/v0/users")), Some(prefix("/v0/users")));
        assert_eq!(prefix("/v0/users").intersect(&prefix("/")), Some(prefix("/v0/users")));
        assert_eq!(prefix("/v0").intersect(&prefix("/v1")), None);
    }

    #[test]
    fn the_longest_prefix_above_a_path_ends_before_what_no_grant_can_say() {
        for (path, above) in [
            ("/", "/"),
            ("/v0/users", "/v0/users"),
            ("/v0/users/", "/v0/users"),
            ("/v0//users", "/v0"),
            ("/v0/a*b/c", "/v0"),
            ("/*", "/"),
            ("//", "/"),
            ("", "/"),
        ] {
            assert_eq!(PathPrefix::above(path), prefix(above), "{path}");
        }
    }

    #[test]
    fn what_a_server_could_read_as_another_path_is_refused() {
        for text in [
            "",
            "v0",
            "//",
            "/a//b",
            "/a/../b",
            "/a/./b",
            "/%2e%2E/b",
            "/a%2fb",
            "/a%5Cb",
            "/a%0d",
            "/a%",
            "/a%4",
            "/v0/*",
            "/a?b",
            "/a#b",
            "/a b",
            "/ä",
        ] {
            assert_eq!(text.parse::<PathPrefix>(), Err(InvalidGrant::PathPrefix), "{text}");
        }
    }
}
