//! The ledger.

use cordon_model::audit::AuditEntry;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::events::ActorView;

/// One entry of the ledger. Ids, words and counts only.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditEntry)]
pub(crate) struct AuditView {
    /// Its place in the ledger.
    sequence: u64,
    /// RFC 3339.
    at: String,
    /// Who did it.
    actor: ActorView,
    /// What: a stable dotted word.
    event: String,
    /// The privacy request that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<String>,
    /// What exactly, by name.
    #[schema(value_type = Object)]
    facts: Map<String, Value>,
}

impl From<AuditEntry> for AuditView {
    fn from(entry: AuditEntry) -> Self {
        let event = entry.event;
        Self {
            sequence: entry.sequence,
            at: event.at.to_string(),
            actor: event.actor.into(),
            event: event.event,
            request: event.request.map(|request| request.to_string()),
            facts: event.facts.into_iter().map(|(name, fact)| (name, fact.into())).collect(),
        }
    }
}
