//! What a privacy request asks a connection to do.

use std::fmt;
use std::str::FromStr;

/// One of the four things a connection can be asked for. The order is the order of the stages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Find further identities of the data subject.
    Identifiers,
    /// Return the data subject's records.
    Access,
    /// Delete the data subject's records.
    Delete,
    /// Opt the data subject out of sale or processing.
    Optout,
}

impl Action {
    /// Every action, in stage order.
    pub const ALL: [Self; 4] = [Self::Identifiers, Self::Access, Self::Delete, Self::Optout];

    /// The word used in the API, in logs and in policies.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Identifiers => "identifiers",
            Self::Access => "access",
            Self::Delete => "delete",
            Self::Optout => "optout",
        }
    }

    /// The word used in a connection's `capabilities` (seed: `privacy/access`).
    pub const fn capability(self) -> &'static str {
        match self {
            Self::Identifiers => "privacy/identifiers",
            Self::Access => "privacy/access",
            Self::Delete => "privacy/delete",
            Self::Optout => "privacy/optout",
        }
    }

    /// The action that a capability word names.
    pub fn from_capability(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.capability() == text)
    }

    /// Whether a run of this action only reads. There every verb counts as idempotent unless the
    /// query says otherwise (BEHAVIOUR C2: a POST that searches is the rule there).
    pub const fn only_reads(self) -> bool {
        match self {
            Self::Identifiers | Self::Access => true,
            Self::Delete | Self::Optout => false,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Action {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|action| action.as_str() == text).ok_or(())
    }
}
