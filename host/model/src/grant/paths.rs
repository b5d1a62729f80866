//! Which paths of an origin a grant or a need is about: one of them, or all below a prefix.
//!
//! Everything that compares paths goes through here, so that a grant, a need and a request that is
//! sent are held to the same rule. What is compared is the path as it is sent: no reading of ours
//! makes two paths one.

use std::fmt;

use super::{ExactPath, InvalidGrant, PathPrefix};

/// Paths of an origin.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Paths {
    /// This path alone.
    Exactly(ExactPath),
    /// A prefix, by whole segments: the path itself, and every path below it.
    Under(PathPrefix),
}

impl Paths {
    /// Every path.
    pub fn all() -> Self {
        Self::Under(PathPrefix::root())
    }

    /// From the two ways to write it. Neither: every path.
    ///
    /// # Errors
    /// [`InvalidGrant::Path`] or [`InvalidGrant::PathPrefix`] for what cannot be enforced,
    /// [`InvalidGrant::PathAndPrefix`] when both are given.
    pub fn read(path: Option<&str>, path_prefix: Option<&str>) -> Result<Self, InvalidGrant> {
        match (path, path_prefix) {
            (Some(_), Some(_)) => Err(InvalidGrant::PathAndPrefix),
            (Some(path), None) => path.parse().map(Self::Exactly),
            (None, Some(prefix)) => prefix.parse().map(Self::Under),
            (None, None) => Ok(Self::all()),
        }
    }

    /// The least that covers a path: the path itself, or the longest prefix of it where no grant
    /// can say the path, as with an empty segment.
    pub fn least(path: &str) -> Self {
        path.parse().map_or_else(|_| Self::Under(PathPrefix::above(path)), Self::Exactly)
    }

    /// The one path, where there is only one.
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::Exactly(path) => Some(path.as_str()),
            Self::Under(_) => None,
        }
    }

    /// The prefix, where there is one.
    pub fn path_prefix(&self) -> Option<&str> {
        match self {
            Self::Exactly(_) => None,
            Self::Under(prefix) => Some(prefix.as_str()),
        }
    }

    /// The path or the prefix, as it is written.
    pub fn text(&self) -> &str {
        match self {
            Self::Exactly(path) => path.as_str(),
            Self::Under(prefix) => prefix.as_str(),
        }
    }

    /// Whether a path is among them. The path is as it is sent.
    pub fn covers(&self, path: &str) -> bool {
        match self {
            Self::Exactly(exact) => exact.covers(path),
            Self::Under(prefix) => prefix.covers(path),
        }
    }

    /// Whether all of the others are among them.
    pub fn covers_all(&self, others: &Self) -> bool {
        match (self, others) {
            (Self::Exactly(_), Self::Under(_)) => false,
            (Self::Exactly(_) | Self::Under(_), Self::Exactly(path)) => self.covers(path.as_str()),
            (Self::Under(_), Self::Under(prefix)) => self.covers(prefix.as_str()),
        }
    }

    /// What is among both; none: nothing.
    pub fn intersect(&self, others: &Self) -> Option<Self> {
        match (self, others) {
            (Self::Under(prefix), Self::Under(other)) => prefix.intersect(other).map(Self::Under),
            (Self::Exactly(path), _) => others.covers(path.as_str()).then(|| self.clone()),
            (_, Self::Exactly(path)) => self.covers(path.as_str()).then(|| others.clone()),
        }
    }
}

/// For people: `exactly /members`, or `/members and below`.
impl fmt::Display for Paths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(path) => write!(f, "exactly {path}"),
            Self::Under(prefix) => write!(f, "{prefix} and below"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn exactly(path: &str) -> Paths {
        Paths::read(Some(path), None).unwrap()
    }

    fn under(prefix: &str) -> Paths {
        Paths::read(None, Some(prefix)).unwrap()
    }

    #[test]
    fn it_is_written_in_one_of_two_ways_and_left_out_for_every_path() {
        assert_eq!(Paths::read(None, None), Ok(Paths::all()));
        assert_eq!(Paths::all(), under("/"));
        assert_ne!(exactly("/"), under("/"));
        let both = Paths::read(Some("/a"), Some("/a"));
        assert_eq!(both, Err(InvalidGrant::PathAndPrefix));
        assert_eq!(Paths::read(Some("/a/*"), None), Err(InvalidGrant::Path));
        assert_eq!(Paths::read(None, Some("/a/*")), Err(InvalidGrant::PathPrefix));
    }

    #[test]
    fn a_prefix_covers_an_exact_path_below_it_and_never_the_other_way() {
        assert!(under("/members").covers_all(&exactly("/members")));
        assert!(under("/members").covers_all(&exactly("/members/")));
        assert!(under("/members").covers_all(&exactly("/members/7/points")));
        assert!(under("/").covers_all(&exactly("/")));
        assert!(!under("/members").covers_all(&exactly("/memberships")));
        assert!(!under("/members").covers_all(&exactly("/")));
        assert!(!exactly("/members").covers_all(&under("/members")));
        assert!(!exactly("/").covers_all(&under("/")));
        assert!(!exactly("/members").covers_all(&exactly("/members/")));
    }

    #[test]
    fn the_least_for_a_path_is_the_path_where_a_grant_can_say_it() {
        for (path, least) in [
            ("/", exactly("/")),
            ("/v0/users", exactly("/v0/users")),
            ("/v0/users/", exactly("/v0/users/")),
            ("/v0//users", under("/v0")),
            ("/v0/a*b/c", under("/v0")),
            ("//", under("/")),
        ] {
            assert_eq!(Paths::least(path), least, "{path}");
            assert!(least.covers(path), "{path}");
        }
    }

    fn any_paths() -> impl Strategy<Value = Paths> {
        let text = "/|(/[ab]{1,2}){1,3}";
        prop_oneof![
            text.prop_map(|path| exactly(&path)),
            text.prop_map(|path| exactly(&path)),
            text.prop_map(|prefix| under(&prefix)),
        ]
    }

    /// Paths that a request could be sent to, trailing and doubled slashes included.
    fn sent() -> &'static str {
        "(/[ab]{0,2}){1,4}"
    }

    proptest! {
        #[test]
        fn what_is_among_both_is_exactly_what_each_covers(
            one in any_paths(), other in any_paths(), path in sent()
        ) {
            let both = one.intersect(&other);
            let covered = both.as_ref().is_some_and(|both| both.covers(&path));
            prop_assert_eq!(covered, one.covers(&path) && other.covers(&path));
            prop_assert_eq!(both, other.intersect(&one));
        }

        #[test]
        fn what_covers_all_of_others_covers_each_of_their_paths(
            one in any_paths(), other in any_paths(), path in sent()
        ) {
            if one.covers_all(&other) && other.covers(&path) {
                prop_assert!(one.covers(&path));
            }
            prop_assert_eq!(one.covers_all(&other), one.intersect(&other).as_ref() == Some(&other));
        }

        #[test]
        fn the_least_for_a_path_covers_it_and_lies_within_every_other_that_does(
            path in sent(), other in any_paths()
        ) {
            let least = Paths::least(&path);
            prop_assert!(least.covers(&path));
            if other.covers(&path) {
                prop_assert!(other.covers_all(&least));
            }
        }

        #[test]
        fn an_exact_path_never_covers_anything_else(path in "(/[ab]{1,2}){1,3}/?", other in sent()) {
            prop_assert_eq!(exactly(&path).covers(&other), path == other);
        }
    }
}
