//! The kinds of value a key may have, each readable from TOML and from a variable's text.

use std::net::SocketAddr;
use std::path::PathBuf;

use ipnet::IpNet;
use toml::Value;

use super::LogFormat;

/// A kind of value.
pub(super) trait Setting: Sized {
    /// What a problem says was expected.
    const EXPECTED: &'static str;

    /// From a variable, or from a TOML string.
    fn from_text(text: &str) -> Option<Self>;

    /// From TOML.
    fn from_value(value: &Value) -> Option<Self> {
        Self::from_text(value.as_str()?)
    }
}

impl Setting for SocketAddr {
    const EXPECTED: &'static str = "an address and a port, like \"127.0.0.1:7070\"";

    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Setting for PathBuf {
    const EXPECTED: &'static str = "a path";

    fn from_text(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self::from(text))
    }
}

impl Setting for bool {
    const EXPECTED: &'static str = "true or false";

    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn from_value(value: &Value) -> Option<Self> {
        value.as_bool()
    }
}

impl Setting for u64 {
    const EXPECTED: &'static str = "a whole number";

    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn from_value(value: &Value) -> Option<Self> {
        value.as_integer().and_then(|number| Self::try_from(number).ok())
    }
}

impl Setting for Vec<IpNet> {
    const EXPECTED: &'static str =
        "a list of networks, like [\"127.0.0.0/8\", \"::1/128\"]; in a variable, with commas";

    fn from_text(text: &str) -> Option<Self> {
        text.split(',').map(|network| network.trim().parse().ok()).collect()
    }

    fn from_value(value: &Value) -> Option<Self> {
        value.as_array()?.iter().map(|network| network.as_str()?.parse().ok()).collect()
    }
}

/// A SHA-256 digest.
pub(super) struct KeyHash(pub(super) [u8; 32]);

impl Setting for KeyHash {
    const EXPECTED: &'static str = "the SHA-256 of the key, as 64 hexadecimal digits";

    fn from_text(text: &str) -> Option<Self> {
        let mut hash = [0; 32];
        hex::decode_to_slice(text, &mut hash).ok()?;
        Some(Self(hash))
    }
}

impl Setting for LogFormat {
    const EXPECTED: &'static str = "\"text\" or \"json\"";

    fn from_text(text: &str) -> Option<Self> {
        match text {
            "text" => Some(Self::Text),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

impl Setting for tracing::Level {
    const EXPECTED: &'static str = "\"error\", \"warn\", \"info\", \"debug\" or \"trace\"";

    fn from_text(text: &str) -> Option<Self> {
        // The library reads digits too; one way to say it is enough.
        let word = text.bytes().all(|b| b.is_ascii_alphabetic());
        text.parse().ok().filter(|_| word)
    }
}
