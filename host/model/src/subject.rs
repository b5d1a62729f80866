//! The data subject and the identities that name them.

use std::fmt;
use std::str::FromStr;

use crate::{TaskId, WebhookId};

/// Longest identity value, in bytes (BEHAVIOUR B7).
pub const IDENTITY_BYTES_MAX: usize = 1024;

/// The person a privacy request is about: a set of identities, in the order they became known.
///
/// `Debug` shows counts only.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct DataSubject {
    /// Given ones first, then found ones. An index into this list names an identity for the
    /// life of the request.
    pub identities: Vec<Identity>,
}

/// One thing that names a person. `Debug` does not show the value.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    /// What it is.
    pub kind: IdentityKind,
    /// The value, as it was given or found.
    pub value: String,
    /// Where it came from.
    pub source: IdentitySource,
}

/// Where an identity came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdentitySource {
    /// It was submitted with the request.
    Submitted,
    /// An identifiers task found it.
    Task(TaskId),
    /// A webhook added it.
    Webhook(WebhookId),
}

impl DataSubject {
    /// Whether an identity of this kind is known.
    pub fn knows(&self, kind: &IdentityKind) -> bool {
        self.identities.iter().any(|identity| identity.kind == *kind)
    }

    /// The index of an identity with this kind and value.
    pub fn position(&self, kind: &IdentityKind, value: &str) -> Option<usize> {
        self.identities.iter().position(|i| i.kind == *kind && i.value == value)
    }
}

impl fmt::Debug for DataSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DataSubject({} identities)", self.identities.len())
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({}, …)", self.kind)
    }
}

/// `email`, `user_id`: snake_case, `[a-z][a-z0-9_]{0,63}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdentityKind(String);

impl IdentityKind {
    /// The kind as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for IdentityKind {
    type Err = InvalidKind;
    fn from_str(text: &str) -> Result<Self, InvalidKind> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        let starts = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
        if starts && text.len() <= 64 && text.bytes().all(plain) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidKind)
        }
    }
}

impl fmt::Display for IdentityKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is no identity kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a kind of identity is 1 to 64 characters of a-z, 0-9 and '_', and starts with a letter")]
pub struct InvalidKind;

/// Why a value cannot name a person (BEHAVIOUR B7). Never holds the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidIdentity {
    /// An empty value must never make a call (`DELETE /users/`).
    #[error("must not be empty")]
    Empty,
    /// Longer than [`IDENTITY_BYTES_MAX`].
    #[error("must be at most 1024 bytes")]
    TooLong,
    /// White space at an end.
    #[error("must not start or end with white space")]
    NotTrimmed,
    /// A control, bidirectional or zero-width character.
    #[error("must not contain control, bidirectional or zero-width characters")]
    Invisible,
}

/// Checks a value a person submitted, or that a connector found.
///
/// # Errors
/// The first rule of BEHAVIOUR B7 that the value breaks.
pub fn check_identity_value(value: &str) -> Result<(), InvalidIdentity> {
    if value.is_empty() {
        return Err(InvalidIdentity::Empty);
    }
    if value.len() > IDENTITY_BYTES_MAX {
        return Err(InvalidIdentity::TooLong);
    }
    if value.trim() != value {
        return Err(InvalidIdentity::NotTrimmed);
    }
    if value.chars().any(is_invisible) {
        return Err(InvalidIdentity::Invisible);
    }
    Ok(())
}

/// Control characters, bidirectional marks and overrides, zero-width characters, line and
/// paragraph separators, the soft hyphen, variation selectors' kin: what a reader cannot see.
pub fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
            | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FEFF}' | '\u{FFA0}'
            | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_that_could_make_a_wrong_call_is_refused() {
        assert_eq!(check_identity_value(""), Err(InvalidIdentity::Empty));
        assert_eq!(check_identity_value(" a"), Err(InvalidIdentity::NotTrimmed));
        assert_eq!(check_identity_value("a\u{202E}b"), Err(InvalidIdentity::Invisible));
        assert_eq!(check_identity_value("a\nb"), Err(InvalidIdentity::Invisible));
        assert_eq!(check_identity_value("a\u{200B}b"), Err(InvalidIdentity::Invisible));
        assert_eq!(check_identity_value(&"x".repeat(1025)), Err(InvalidIdentity::TooLong));
        assert_eq!(check_identity_value("peter+home@initech.example"), Ok(()));
        assert_eq!(check_identity_value("Zoë Ærøskøbing 李"), Ok(()));
    }

    #[test]
    fn debug_shows_no_identity() {
        let identity = Identity {
            kind: "email".parse().unwrap(),
            value: "p@x.com".to_owned(),
            source: IdentitySource::Submitted,
        };
        assert!(!format!("{identity:?}").contains("p@x.com"));
    }
}
