//! Policy webhooks. Each belongs to a policy, which cannot be removed before them.

use cordon_model::commit::{CommitError, Target};
use cordon_model::webhook::PolicyWebhook;
use cordon_model::{PolicyKey, Revision, TenantId, WebhookId};

use super::object::{Object, Slot};
use super::{Operation, Preparing};
use crate::record;
use crate::row::{Head, Plain};
use crate::staged::Staged;
use crate::tables::{Key, Table};

struct Put {
    object: Object<Plain>,
    tenant: TenantId,
    policy: PolicyKey,
}

struct Delete {
    slot: Slot,
    revision: Revision,
}

pub(super) fn put(
    preparing: &mut Preparing<'_>,
    new: &PolicyWebhook,
) -> Result<Box<dyn Operation>, CommitError> {
    let keys = preparing.tenant_keys(&new.tenant)?;
    let head = Head { revision: new.revision, created_at: new.created_at, index: Plain {} };
    let slot = slot(&new.tenant, &new.policy, new.id);
    let object = Object::seal(slot, head, &keys.rows, &record::encode(new)?)?;
    Ok(Box::new(Put { object, tenant: new.tenant.clone(), policy: new.policy.clone() }))
}

pub(super) fn delete(
    tenant: &TenantId,
    policy: &PolicyKey,
    id: WebhookId,
    revision: Revision,
) -> Box<dyn Operation> {
    Box::new(Delete { slot: slot(tenant, policy, id), revision })
}

/// In no list by time: those of one policy are few, and have an order of their own.
fn slot(tenant: &TenantId, policy: &PolicyKey, id: WebhookId) -> Slot {
    Slot {
        table: Table::PolicyWebhooks,
        key: Key::of(tenant).text(policy.as_str()).uuid(id.as_uuid()).done(),
        line: None,
        target: Target::PolicyWebhook(id),
    }
}

impl Operation for Put {
    fn apply(self: Box<Self>, staged: &mut Staged<'_, '_>) -> Result<(), CommitError> {
        let Self { object, tenant, policy } = *self;
        if !staged.has(Table::Policies, &Key::of(&tenant).text(policy.as_str()).done())? {
            return Err(CommitError::Absent(Target::Policy(policy)));
        }
        object.put(staged)?;
        Ok(())
    }
}

impl Operation for Delete {
    fn apply(self: Box<Self>, staged: &mut Staged<'_, '_>) -> Result<(), CommitError> {
        let Self { slot, revision } = *self;
        slot.remove::<Plain>(staged, revision)?;
        Ok(())
    }
}
