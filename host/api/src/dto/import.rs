//! Imports. The document is looked at whole by the application; [`AgentConfigBody`] is for the
//! OpenAPI document.

use cordon_engine::Services;
use cordon_engine::service::grants::waits_for;
use cordon_engine::service::import::{Import, Imported, NotImported, Unused};
use cordon_model::Problem;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::connections::ConnectionProblem;
use super::grants::approval;

/// A whole `DataGrailAgentConfig`. A member that the format does not have is refused by name.
#[derive(ToSchema)]
#[schema(as = DataGrailAgentConfig)]
#[expect(dead_code, reason = "describes a body that is read as JSON, so that pointers match")]
pub(crate) struct AgentConfigBody {
    /// Connection objects, as for `POST /v1/connections`.
    #[schema(value_type = Vec<Object>)]
    connections: Vec<Value>,
    /// Becomes the tenant's limit, unless that was set to something else.
    #[schema(minimum = 1, maximum = 86400)]
    job_timeout_seconds: Option<u64>,
    /// Not used: listed in the answer.
    customer_domain: Option<String>,
    /// Not used: listed in the answer.
    datagrail_agent_credentials_location: Option<String>,
    /// Not used: listed in the answer.
    datagrail_credentials_location: Option<String>,
    /// `credentials_manager` and `storage_manager`. Not used: listed in the answer.
    #[schema(value_type = Option<Object>)]
    platform: Option<Value>,
    /// Not used: listed in the answer.
    redis_url: Option<String>,
}

/// What an import made, or would make.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Import)]
pub(crate) struct ImportView {
    /// Connections that were made.
    created: Vec<ImportedView>,
    /// Connections that were there already and say the same.
    unchanged: Vec<ImportedView>,
    /// Connections whose type no plugin serves.
    not_imported: Vec<NotImportedView>,
    /// What else of the document has no effect here.
    unused: Vec<UnusedView>,
    /// The tenant, as it is afterwards.
    tenant: ImportedTenant,
    /// Nothing was written.
    dry_run: bool,
}

/// A connection of the document.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImportedConnection)]
pub(crate) struct ImportedView {
    /// JSON pointer into the document.
    pointer: String,
    /// Its key.
    key: String,
    /// Its UUID.
    uuid: String,
    /// Its name.
    name: String,
    /// What it is a use of.
    connector_type: String,
    /// `vault`, `file`, `env`, or `none`: nothing serves it, and `problems` has the remedy.
    credentials_source: &'static str,
    /// `granted`, or `waiting`: something that it needs is not granted, and nothing of it is sent.
    approval: &'static str,
    /// What did not refuse it. Pointers are into the document.
    problems: Vec<ConnectionProblem>,
}

/// A connection of the document that was left out.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NotImportedConnection)]
pub(crate) struct NotImportedView {
    /// JSON pointer into the document.
    pointer: String,
    /// Its name, when it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Its type, as it was written.
    connector_type: String,
    /// A sentence for a person.
    reason: String,
}

/// A member of the document that has no effect here.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UnusedMember)]
pub(crate) struct UnusedView {
    /// JSON pointer into the document.
    pointer: &'static str,
    /// Why, and what does its part here.
    reason: &'static str,
}

/// The tenant after an import.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImportedTenant {
    /// Its key.
    name: String,
    /// What all queries of one type of one connection may take together, in seconds.
    job_timeout_seconds: u64,
    /// Whether the import set that.
    changed: bool,
}

impl ImportView {
    pub(crate) fn of(services: &Services, import: Import) -> Self {
        let shown = |imported: Vec<Imported>| {
            imported.into_iter().map(|one| ImportedView::of(services, one)).collect()
        };
        Self {
            created: shown(import.created),
            unchanged: shown(import.unchanged),
            not_imported: import.not_imported.into_iter().map(NotImportedView::from).collect(),
            unused: import.unused.into_iter().map(UnusedView::from).collect(),
            tenant: ImportedTenant {
                name: import.tenant.id.to_string(),
                job_timeout_seconds: import.job_timeout.as_secs(),
                changed: import.limit_set,
            },
            dry_run: import.dry_run,
        }
    }
}

impl ImportedView {
    fn of(services: &Services, imported: Imported) -> Self {
        let Imported { pointer, connection } = imported;
        let waits = waits_for(&connection);
        let source = services.credentials_source(&connection);
        let located = |problem: Problem| {
            let pointer = format!("{pointer}{}", problem.pointer);
            ConnectionProblem::from(Problem { pointer, ..problem })
        };
        Self {
            approval: approval(waits.is_some()),
            problems: connection.problems.into_iter().chain(waits).map(located).collect(),
            key: connection.key.to_string(),
            uuid: connection.uuid.to_string(),
            name: connection.name,
            connector_type: connection.connector_type,
            credentials_source: source.as_str(),
            pointer,
        }
    }
}

impl From<NotImported> for NotImportedView {
    fn from(left_out: NotImported) -> Self {
        Self {
            pointer: left_out.pointer,
            name: left_out.name,
            connector_type: left_out.connector_type,
            reason: left_out.reason,
        }
    }
}

impl From<Unused> for UnusedView {
    fn from(unused: Unused) -> Self {
        Self { pointer: unused.pointer, reason: unused.reason }
    }
}
