//! Lines of the audit ledger. The sequence is the row's key and stands in no record.

use cordon_model::audit::{Actor, AuditEvent};
use cordon_model::{ApiKeyId, RequestId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Stored, Unreadable};

#[derive(Serialize, Deserialize)]
pub(crate) struct AuditRecord {
    tenant: Option<TenantId>,
    request: Option<RequestId>,
    at: Timestamp,
    actor: ActorRecord,
    event: String,
    facts: Vec<(String, String)>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ActorRecord {
    Host,
    Key { id: ApiKeyId, name: String },
}

impl Stored for AuditEvent {
    type Record = AuditRecord;

    fn to_record(&self) -> AuditRecord {
        let Self { tenant, request, at, actor, event, facts } = self;
        AuditRecord {
            tenant: tenant.clone(),
            request: *request,
            at: *at,
            actor: match actor {
                Actor::Host => ActorRecord::Host,
                Actor::Key { id, name } => ActorRecord::Key { id: *id, name: name.clone() },
            },
            event: event.clone(),
            facts: facts.clone(),
        }
    }

    fn from_record(record: AuditRecord) -> Result<Self, Unreadable> {
        let AuditRecord { tenant, request, at, actor, event, facts } = record;
        let actor = match actor {
            ActorRecord::Host => Actor::Host,
            ActorRecord::Key { id, name } => Actor::Key { id, name },
        };
        Ok(Self { tenant, request, at, actor, event, facts })
    }
}
