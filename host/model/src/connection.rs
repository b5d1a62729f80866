//! A tenant's configured use of a connector.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;
use uuid::Uuid;

use crate::grant::Grants;
use crate::plan::Query;
use crate::plugin::PluginRef;
use crate::{Action, ConnectionKey, Problem, Revision, TenantId, Timestamp};

/// A connection as it is stored. Every write makes a new revision; old ones stay readable for
/// the tasks that pin them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// Whose it is.
    pub tenant: TenantId,
    /// Its key.
    pub key: ConnectionKey,
    /// Its UUID (version 4), unique in the tenant.
    pub uuid: Uuid,
    /// A name for people.
    pub name: String,
    /// More for people.
    pub description: Option<String>,
    /// What it is a use of.
    pub connector_type: String,
    /// Which component its configuration was checked with.
    pub plugin: PluginRef,
    /// What it can be asked for.
    pub capabilities: BTreeSet<Action>,
    /// Whether it takes part in live requests.
    pub mode: Mode,
    /// A disabled connection takes part in nothing.
    pub enabled: bool,
    /// Where the credentials are, as it was written.
    pub credentials_location: Option<String>,
    /// The names of the secrets that are stored for it in the vault; none: nothing is stored.
    pub vault_secrets: Option<BTreeSet<String>>,
    /// Certificates (PEM) of authorities that this connection trusts beside the public ones.
    pub ca_bundle: Option<String>,
    /// What all queries of one type may take together; none: the tenant's limit.
    pub job_timeout: Option<Duration>,
    /// The whole connection object as it was written, so that pointers match.
    pub config: Value,
    /// What the plan asks for.
    pub queries: Vec<Query>,
    /// What the plan needs.
    pub needs: Grants,
    /// What was granted. What is needed and not granted waits for approval.
    pub grants: Grants,
    /// Warnings of the configuration.
    pub problems: Vec<Problem>,
    /// How the last test went.
    pub last_test: Option<TestResult>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last written.
    pub updated_at: Timestamp,
    /// Counts its writes.
    pub revision: Revision,
}

impl Connection {
    /// What it needs and was not granted. While there is any, nothing of it is sent.
    pub fn missing(&self) -> Grants {
        self.needs.beyond(&self.grants)
    }
}

/// Whether a connection takes part in live requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It does.
    Live,
    /// It answers tests and dry runs only.
    Test,
}

impl Mode {
    /// The word of the seed.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Test => "test",
        }
    }
}

/// How a connection's test went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestResult {
    /// When.
    pub at: Timestamp,
    /// Whether every query passed.
    pub healthy: bool,
    /// Each query.
    pub queries: Vec<crate::task::CallReport>,
    /// What went wrong beside the queries: a code, when there is one.
    pub failure: Option<crate::Failure>,
}
