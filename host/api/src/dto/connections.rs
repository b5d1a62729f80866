//! Connections. What is written is looked at whole by the application, so only what is shown has
//! types here; [`ConnectionBody`] is for the OpenAPI document.

use cordon_engine::service::grants::waits_for;
use cordon_engine::service::secrets::StoredSecrets;
use cordon_model::connection::{Connection, TestResult};
use cordon_model::port::CredentialsSource;
use cordon_model::{Action, Problem, Severity};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::PluginView;
use super::grants::{GrantsView, approval};
use super::tasks::{FailureView, QueryView};

/// A connection as it is written. Its fields are those of the seed's connection object.
#[derive(ToSchema)]
#[schema(as = ConnectionObject)]
#[expect(dead_code, reason = "describes a body that is read as JSON, so that pointers match")]
pub(crate) struct ConnectionBody {
    /// A name for people, 1 to 200 characters.
    name: String,
    /// Version 4; left out: one is made.
    uuid: Option<String>,
    /// `privacy/access`, `privacy/delete`, `privacy/optout`, `privacy/identifiers`
    capabilities: Vec<String>,
    /// `live` or `test`
    mode: String,
    /// `api_proxy` (also written `APIProxy`), `manual_webhook`, …
    connector_type: String,
    /// The queries of an api_proxy connection.
    #[schema(value_type = Option<Object>)]
    queries: Option<Value>,
    /// The configuration of any other connection.
    #[schema(value_type = Option<Object>)]
    config: Option<Value>,
    /// Where the credentials are.
    credentials_location: Option<String>,
    /// Certificates (PEM) of authorities that this connection trusts beside the public ones.
    ca_bundle: Option<String>,
    /// Left out: made from the name.
    key: Option<String>,
    /// More for people.
    description: Option<String>,
    /// Left out: true.
    enabled: Option<bool>,
    /// What all queries of one type may take together; left out: the tenant's limit.
    #[schema(minimum = 1, maximum = 86400)]
    job_timeout_seconds: Option<u64>,
}

/// A connection.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Connection)]
pub(crate) struct ConnectionView {
    /// Its key.
    key: String,
    /// Its UUID.
    uuid: String,
    /// A name for people.
    name: String,
    /// More for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    /// What it is a use of.
    connector_type: String,
    /// Which component its configuration was checked with.
    plugin: PluginView,
    /// What it can be asked for.
    capabilities: Vec<&'static str>,
    /// `live` or `test`
    mode: &'static str,
    /// A disabled connection takes part in nothing.
    enabled: bool,
    /// As it was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    queries: Option<Value>,
    /// As it was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    config: Option<Value>,
    /// As it was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    credentials_location: Option<String>,
    /// Certificates of authorities that it trusts beside the public ones, as they were written.
    #[serde(skip_serializing_if = "Option::is_none")]
    ca_bundle: Option<String>,
    /// `vault`: secrets are stored with the host; `file`, `env`: the operator's own, which
    /// `credentials_location` names; `none`: nothing serves the connection.
    credentials_source: &'static str,
    /// The names of the secrets that are stored with the host.
    #[serde(skip_serializing_if = "Option::is_none")]
    secrets: Option<Vec<String>>,
    /// What all queries of one type may take together.
    #[serde(skip_serializing_if = "Option::is_none")]
    job_timeout_seconds: Option<u64>,
    /// What it was granted.
    grants: GrantsView,
    /// `granted`, or `waiting`: something that it needs is not granted, and nothing of it is sent.
    approval: &'static str,
    /// What was wrong with it when it was written, and did not refuse it.
    problems: Vec<ConnectionProblem>,
    /// How the last test went.
    last_test: Option<TestView>,
    /// RFC 3339.
    created_at: String,
    /// RFC 3339.
    updated_at: String,
}

/// A problem of a connection.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConnectionProblem {
    /// `warning` or `error`
    severity: &'static str,
    /// A stable word.
    code: String,
    /// JSON pointer into the connection.
    pointer: String,
    /// A sentence for a person.
    detail: String,
    /// 1-based, in characters of the text at the pointer.
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<u32>,
}

/// How a test went.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConnectionTest)]
pub(crate) struct TestView {
    /// Whether every query passed.
    healthy: bool,
    /// Each query.
    queries: Vec<QueryView>,
    /// What went wrong beside the queries.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<FailureView>,
    /// RFC 3339.
    at: String,
}

/// What is known of a connection's secrets.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StoredSecrets)]
pub(crate) struct SecretsView {
    /// The names that are stored now.
    names: Vec<String>,
    /// Always `vault`.
    credentials_source: &'static str,
    /// What is left to say about the connection.
    problems: Vec<ConnectionProblem>,
}

impl ConnectionView {
    pub(crate) fn of(connection: Connection, source: CredentialsSource) -> Self {
        let waits = waits_for(&connection);
        let as_written = |part: &str| connection.config.get(part).cloned();
        Self {
            key: connection.key.to_string(),
            uuid: connection.uuid.to_string(),
            plugin: (&connection.plugin).into(),
            capabilities: capabilities(&connection.config),
            mode: connection.mode.as_str(),
            enabled: connection.enabled,
            queries: as_written("queries"),
            config: as_written("config"),
            credentials_source: source.as_str(),
            secrets: connection.vault_secrets.map(|names| names.into_iter().collect()),
            job_timeout_seconds: connection.job_timeout.map(|timeout| timeout.as_secs()),
            approval: approval(waits.is_some()),
            grants: connection.grants.into(),
            problems: connection
                .problems
                .into_iter()
                .chain(waits)
                .map(ConnectionProblem::from)
                .collect(),
            last_test: connection.last_test.map(TestView::from),
            created_at: connection.created_at.to_string(),
            updated_at: connection.updated_at.to_string(),
            name: connection.name,
            description: connection.description,
            connector_type: connection.connector_type,
            credentials_location: connection.credentials_location,
            ca_bundle: connection.ca_bundle,
        }
    }
}

/// In the order in which they were written.
fn capabilities(config: &Value) -> Vec<&'static str> {
    let written = config.get("capabilities").and_then(Value::as_array).into_iter().flatten();
    let action = |word: &Value| Action::from_capability(word.as_str()?).map(Action::capability);
    written.filter_map(action).collect()
}

impl From<Problem> for ConnectionProblem {
    fn from(problem: Problem) -> Self {
        Self {
            severity: match problem.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            },
            code: problem.code,
            pointer: problem.pointer,
            detail: problem.message,
            column: problem.column,
        }
    }
}

impl From<TestResult> for TestView {
    fn from(result: TestResult) -> Self {
        Self {
            healthy: result.healthy,
            queries: result.queries.into_iter().map(QueryView::from).collect(),
            failure: result.failure.map(FailureView::from),
            at: result.at.to_string(),
        }
    }
}

impl From<StoredSecrets> for SecretsView {
    fn from(stored: StoredSecrets) -> Self {
        Self {
            names: stored.names.into_iter().collect(),
            credentials_source: CredentialsSource::Vault.as_str(),
            problems: stored.connection.problems.into_iter().map(ConnectionProblem::from).collect(),
        }
    }
}
