//! One path of an origin and no other. Written when a whole request is known before it is sent.

use std::fmt;
use std::str::FromStr;

use super::InvalidGrant;
use super::path_prefix::is_segment;

/// A path as it is sent: `/members` is neither `/members/` nor `/members/7`. The query is no part
/// of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExactPath(String);

impl ExactPath {
    /// As it is written, a trailing slash included.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is this path, byte for byte: upper and lower case, and two ways to encode a
    /// character, are different paths.
    pub fn covers(&self, path: &str) -> bool {
        self.0 == path
    }
}

impl fmt::Display for ExactPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ExactPath {
    type Err = InvalidGrant;

    fn from_str(text: &str) -> Result<Self, InvalidGrant> {
        let inner = text.strip_prefix('/').ok_or(InvalidGrant::Path)?;
        let segments = inner.strip_suffix('/').unwrap_or(inner);
        if inner.is_empty() || segments.split('/').all(is_segment) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidGrant::Path)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn exact(text: &str) -> ExactPath {
        text.parse().unwrap()
    }

    #[test]
    fn an_exact_path_is_itself_and_nothing_beside_it() {
        for text in ["/", "/members", "/members/", "/a/b%20c", "/a%C3%A9", "/v1.0/x;y=1"] {
            assert_eq!(exact(text).as_str(), text);
            assert!(exact(text).covers(text));
        }
        for (path, other) in [
            ("/members", "/members/"),
            ("/members/", "/members"),
            ("/members", "/members/7"),
            ("/members", "/Members"),
            ("/members", "/memberships"),
            ("/members", "/member%73"),
            ("/a%C3%A9", "/a%c3%a9"),
            ("/members", "/members?mail=x"),
            ("/members", "/members//"),
            ("/members", "//members"),
            ("/members", "/x/../members"),
            ("/members", ""),
            ("/", ""),
            ("/", "//"),
        ] {
            assert!(!exact(path).covers(other), "{path} {other}");
        }
    }

    #[test]
    fn what_a_server_could_read_as_another_path_is_refused() {
        for text in [
            "",
            "members",
            "//",
            "/a//b",
            "/a//",
            "/a/../b",
            "/a/./b",
            "/a/..",
            "/a/../",
            "/%2e%2E/b",
            "/a%2fb",
            "/a%5Cb",
            "/a%0d",
            "/a%",
            "/a%4",
            "/members/*",
            "/a?b",
            "/a#b",
            "/a b",
            "/ä",
        ] {
            assert_eq!(text.parse::<ExactPath>(), Err(InvalidGrant::Path), "{text}");
        }
    }

    proptest! {
        #[test]
        fn it_never_covers_anything_else(path in "(/[a-c]{0,2}){1,3}", other in "(/[a-c.%]{0,3}){0,4}") {
            if let Ok(exact) = path.parse::<ExactPath>() {
                prop_assert_eq!(exact.covers(&other), path == other);
            }
        }
    }
}
