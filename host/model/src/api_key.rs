//! Keys of the API: whom they belong to and what they may do.

use std::fmt;
use std::str::FromStr;

use crate::{ApiKeyId, TenantId, Timestamp};

/// A stored key. The key itself is never stored: only its SHA-256.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// Whose it is.
    pub owner: KeyOwner,
    /// A name for people and for the audit log.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// SHA-256 of the key as it was shown.
    pub hash: [u8; 32],
    /// After this it answers 401.
    pub expires_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Whom a key belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyOwner {
    /// The operator of this host: every scope, every tenant.
    Operator,
    /// One tenant.
    Tenant(TenantId),
}

macro_rules! scopes {
    ($($name:ident = $text:literal, $doc:literal;)*) => {
        /// One right of a key.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Scope { $(#[doc = $doc] $name,)* }

        impl Scope {
            /// Every scope.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The word used in the API.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

scopes! {
    RequestsRead = "requests:read", "Read privacy requests, events and packages.";
    RequestsWrite = "requests:write", "Submit, approve, deny, cancel, resume and retry.";
    ConnectionsRead = "connections:read", "Read connections and connection types.";
    ConnectionsWrite = "connections:write", "Write connections and secrets, and run tests.";
    PoliciesRead = "policies:read", "Read policies and manual webhooks.";
    PoliciesWrite = "policies:write", "Write policies and manual webhooks.";
    InputsWrite = "inputs:write", "Read forms and supply manual inputs.";
    PluginsRead = "plugins:read", "List plugins.";
    PluginsWrite = "plugins:write", "Upload, activate and delete plugins.";
    AuditRead = "audit:read", "Read the tenant's ledger: who did what.";
    TenantsRead = "tenants:read", "Read the tenant and its keys.";
    TenantsWrite = "tenants:write", "Create and revoke the tenant's keys.";
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.iter().copied().find(|scope| scope.as_str() == text).ok_or(())
    }
}
