//! Typed ids. A key is what a person chose; an id is what the host made.
//!
//! Ids are the only model types that derive serde: they stand as they are in records and DTOs.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Why a text is no id of the wanted kind. Names the rule, never the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidId {
    /// The key does not match `[a-z0-9][a-z0-9_-]{0,63}`.
    #[error(
        "a key is 1 to 64 characters of a-z, 0-9, '_' and '-', and starts with a letter or digit"
    )]
    Key,
    /// The key could be mistaken for a UUID.
    #[error("a key must not look like a UUID")]
    LooksLikeUuid,
    /// Not the UUID that was expected.
    #[error("not an id of this kind")]
    Id,
    /// Not 64 hexadecimal digits.
    #[error("a digest is 64 hexadecimal digits")]
    Digest,
}

fn check_key(text: &str) -> Result<(), InvalidId> {
    let mut bytes = text.bytes();
    let first = bytes.next().ok_or(InvalidId::Key)?;
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    if text.len() > 64 || !plain(first) || !bytes.all(|b| plain(b) || b == b'_' || b == b'-') {
        return Err(InvalidId::Key);
    }
    if Uuid::parse_str(text).is_ok() {
        return Err(InvalidId::LooksLikeUuid);
    }
    Ok(())
}

macro_rules! key {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The key as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// A key made from a display name: lower case, everything else becomes `-`.
            ///
            /// # Errors
            /// When nothing of the name can stand in a key.
            pub fn from_name(name: &str) -> Result<Self, InvalidId> {
                let mut key = String::new();
                for c in name.chars() {
                    if c.is_ascii_alphanumeric() || (c == '_' && !key.is_empty()) {
                        key.push(c.to_ascii_lowercase());
                    } else if !key.is_empty() && !key.ends_with('-') {
                        key.push('-');
                    }
                    if key.len() == 64 {
                        break;
                    }
                }
                key.trim_end_matches('-').parse()
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                check_key(text)?;
                Ok(Self(text.to_owned()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                check_key(&text)?;
                Ok(Self(text))
            }
        }

        impl From<$name> for String {
            fn from(key: $name) -> String {
                key.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

key!(
    /// Names a tenant. A fresh store has one called `default`.
    TenantId
);
key!(
    /// Names a connection within its tenant; chosen when it is created, never changes.
    ConnectionKey
);
key!(
    /// Names a policy within its tenant.
    PolicyKey
);

impl TenantId {
    /// The tenant that every fresh store has.
    pub fn default_tenant() -> Self {
        Self("default".to_owned())
    }
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps a UUID made by the caller (version 7, so that ids sort by time).
            pub const fn new(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID itself.
            pub const fn as_uuid(&self) -> &Uuid {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Uuid::parse_str(text).map(Self).map_err(|_| InvalidId::Id)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

uuid_id!(
    /// Names a privacy request; a version 7 UUID, so ids sort by creation.
    RequestId
);
uuid_id!(
    /// Names a task; a version 7 UUID.
    TaskId
);
uuid_id!(
    /// Names a policy webhook; a version 7 UUID.
    WebhookId
);
uuid_id!(
    /// Names an API key; a version 7 UUID.
    ApiKeyId
);

/// SHA-256 of a component's bytes: what a task pins.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PluginDigest([u8; 32]);

impl PluginDigest {
    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        use sha2::Digest as _;
        Self(sha2::Sha256::digest(bytes).into())
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for PluginDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for PluginDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<String> for PluginDigest {
    type Error = InvalidId;
    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl FromStr for PluginDigest {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| InvalidId::Digest)?;
        Ok(Self(bytes))
    }
}

impl From<PluginDigest> for String {
    fn from(digest: PluginDigest) -> String {
        digest.to_string()
    }
}

/// How often an object was written: 1 when created. What `commit` compares and an `ETag` shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(pub u64);

impl Revision {
    /// The revision of an object that was just created.
    pub const FIRST: Self = Self(1);

    /// The revision after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_of_lower_case_letters_digits_dashes_and_underscores() {
        for good in ["a", "0", "user-service", "a_b", &"x".repeat(64)] {
            assert!(good.parse::<ConnectionKey>().is_ok(), "{good}");
        }
        for bad in ["", "-a", "_a", "A", "a b", "ä", &"x".repeat(65)] {
            assert_eq!(bad.parse::<ConnectionKey>(), Err(InvalidId::Key), "{bad}");
        }
    }

    #[test]
    fn a_key_never_looks_like_a_uuid() {
        for uuid in ["44d9e703-b8cf-40a8-a138-3cc110319b0d", "44d9e703b8cf40a8a1383cc110319b0d"] {
            assert_eq!(uuid.parse::<PolicyKey>(), Err(InvalidId::LooksLikeUuid));
        }
    }

    #[test]
    fn a_key_is_derived_from_a_name() {
        let key = |name: &str| ConnectionKey::from_name(name).map(String::from);
        assert_eq!(key("User Service"), Ok("user-service".to_owned()));
        assert_eq!(key("  CRM (EU) "), Ok("crm-eu".to_owned()));
        assert_eq!(key("日本"), Err(InvalidId::Key));
    }
}
