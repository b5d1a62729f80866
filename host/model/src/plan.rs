//! What a configuration is going to send: a plugin's answer to `validate`, after the host looked
//! at it.

use std::collections::BTreeSet;

use crate::grant::Paths;
use crate::http_request::HttpRequest;
use crate::subject::IdentityKind;
use crate::{Action, Problem};

/// What `validate` is asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The whole connection object as it was written, as JSON.
    pub config: String,
    /// The capabilities of the connection.
    pub actions: Vec<Action>,
    /// What the policy stores for the connection, as JSON.
    pub policy_settings: Option<String>,
}

/// The plugin's answer, together with what the egress gate says of each planned request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Assessment {
    /// Everything that is wrong, the plugin's problems first.
    pub problems: Vec<Problem>,
    /// The requests that `run` and `test` will send.
    pub queries: Vec<Query>,
    /// What labels outside the plan may reach.
    pub egress: Vec<EgressNeed>,
}

/// A planned request as `run` will send it, `bind` left empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedRequest {
    /// JSON pointer of the query in the configuration.
    pub pointer: String,
    /// None: a test.
    pub action: Option<Action>,
    /// The identifier to find, for an identifiers query.
    pub wanted: Option<String>,
    /// What happens when an identity it names is not known.
    pub when_missing: WhenMissing,
    /// The request.
    pub request: HttpRequest,
}

/// What a query does when an identity it names is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenMissing {
    /// The task fails before its first query is sent.
    Fail,
    /// The query is skipped, and the report says so.
    Skip,
}

/// What the gate read out of one planned request: where it goes and what it carries. Kept with
/// the connection; the templates themselves are not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// JSON pointer of the query in the configuration.
    pub pointer: String,
    /// Its label.
    pub label: String,
    /// None: a test.
    pub action: Option<Action>,
    /// The identifier to find.
    pub wanted: Option<IdentityKind>,
    /// What happens when an identity it names is not known.
    pub when_missing: WhenMissing,
    /// `scheme://host[:port]`, lower case, without a default port.
    pub origin: String,
    /// Its path where that holds no value, else the whole segments before the first one.
    pub paths: Paths,
    /// The verb.
    pub method: String,
    /// Names of placeholders and secrets, and where they stand.
    pub names: BTreeSet<(String, Place)>,
    /// Whether certificates are checked.
    pub verify_tls: bool,
    /// Whether a body is filled in verbatim.
    pub raw: bool,
}

/// Where in a request a value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// Path or query of the URL.
    Url,
    /// A header.
    Header,
    /// The body.
    Body,
}

impl Place {
    /// The word used in grants.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Url => "url",
            Self::Header => "header",
            Self::Body => "body",
        }
    }
}

/// For a component that computes its requests: what labels outside the plan may reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EgressNeed {
    /// `scheme://host[:port]`.
    pub origin: String,
    /// Path prefix, by whole segments.
    pub path_prefix: String,
    /// Verbs.
    pub methods: Vec<String>,
    /// Secrets it sends there.
    pub secrets: Vec<String>,
}
