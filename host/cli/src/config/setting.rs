//! The kinds of value a key may have, each readable from TOML and from a variable's text.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;

use cordon_egress::Proxy;
use cordon_model::TenantId;
use cordon_model::grant::{OriginPattern, PrivateNetwork};
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

impl Setting for Proxy {
    const EXPECTED: &'static str = "\"http://host:port\" or \"https://host:port\", without user, \
                                    password or path";

    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok()
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

impl Setting for Vec<OriginPattern> {
    const EXPECTED: &'static str = "a list of origins without paths, like \
        [\"https://api.acme.com\", \"https://*.acme.com:8443\", \"https://*\"]; in a variable, with commas";

    fn from_text(text: &str) -> Option<Self> {
        text.split(',').map(|origin| origin.trim().parse().ok()).collect()
    }

    fn from_value(value: &Value) -> Option<Self> {
        value.as_array()?.iter().map(|origin| origin.as_str()?.parse().ok()).collect()
    }
}

impl Setting for Vec<PrivateNetwork> {
    const EXPECTED: &'static str = "a list of private networks without host bits, like \
        [\"10.20.0.0/16\", \"fd12:3456::/32\"]; in a variable, with commas";

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

/// Names of tenants, one at least.
pub(super) struct Tenants(pub(super) BTreeSet<TenantId>);

impl Setting for Tenants {
    const EXPECTED: &'static str = "a list of one or more names of tenants, like [\"default\"]";

    /// No variable holds one.
    fn from_text(_: &str) -> Option<Self> {
        None
    }

    fn from_value(value: &Value) -> Option<Self> {
        let tenants = value.as_array()?.iter().map(|name| name.as_str()?.parse().ok());
        tenants.collect::<Option<BTreeSet<_>>>().filter(|set| !set.is_empty()).map(Self)
    }
}

/// Values of `credentials_location` that mean an entry, beside its own.
pub(super) struct Locations(pub(super) BTreeSet<String>);

impl Setting for Locations {
    const EXPECTED: &'static str = "a list of texts as they stand in credentials_location; none \
                                    may be empty or begin with file: or env:";

    /// No variable holds one.
    fn from_text(_: &str) -> Option<Self> {
        None
    }

    fn from_value(value: &Value) -> Option<Self> {
        let free = |text: &&str| {
            !text.is_empty() && !text.starts_with("file:") && !text.starts_with("env:")
        };
        let texts = value.as_array()?.iter().map(|text| text.as_str().filter(free));
        texts.map(|text| text.map(str::to_owned)).collect::<Option<_>>().map(Self)
    }
}

/// The name of a variable of the process.
pub(super) struct VariableName(pub(super) String);

impl Setting for VariableName {
    const EXPECTED: &'static str = "the name of a variable, like \"CRM_CREDENTIALS\"";

    fn from_text(text: &str) -> Option<Self> {
        let first = text.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
        let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        (first && plain).then(|| Self(text.to_owned()))
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
