//! What happened to a request.

use cordon_model::audit::{Actor, AuditEntry};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// One thing that happened. Ids, words and counts only.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Event)]
pub(crate) struct EventView {
    /// Its place in the tenant's ledger.
    sequence: u64,
    /// RFC 3339.
    at: String,
    /// Who did it.
    actor: ActorView,
    /// What: a stable dotted word.
    event: String,
    /// What exactly, by name.
    #[schema(value_type = Object)]
    facts: Map<String, Value>,
}

/// Who did something.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Actor)]
pub(crate) struct ActorView {
    /// `host` or `key`
    r#type: &'static str,
    /// Id of the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// Name of the key when it acted.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

impl From<AuditEntry> for EventView {
    fn from(entry: AuditEntry) -> Self {
        let event = entry.event;
        Self {
            sequence: entry.sequence,
            at: event.at.to_string(),
            actor: event.actor.into(),
            event: event.event,
            facts: event.facts.into_iter().map(|(name, fact)| (name, fact.into())).collect(),
        }
    }
}

impl From<Actor> for ActorView {
    fn from(actor: Actor) -> Self {
        match actor {
            Actor::Host => Self { r#type: "host", id: None, name: None },
            Actor::Key { id, name } => {
                Self { r#type: "key", id: Some(id.to_string()), name: Some(name) }
            }
        }
    }
}
