//! A value that must not be seen.

use std::collections::BTreeMap;
use std::fmt;

use zeroize::Zeroizing;

/// A secret's value: no `Debug`, no `Display`, wiped when dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the value over.
    pub fn new(value: String) -> Self {
        Self(Zeroizing::new(value))
    }

    /// The value. Only the egress gate, at the moment of sending, and the sealing of the store
    /// have a reason to call this.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The credentials of one connection, by name.
pub type Credentials = BTreeMap<String, Secret>;
