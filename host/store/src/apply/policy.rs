//! Policies, and the manual webhooks under them.

use cordon_model::commit::{CommitError, Target};
use cordon_model::policy::{ManualWebhook, Policy};
use cordon_model::{ConnectionKey, PolicyKey, Revision, TenantId};

use super::object::{Line, Object, Slot};
use super::{Operation, Preparing};
use crate::record;
use crate::row::{Head, Plain, WebhookIndex};
use crate::snapshot::Scan;
use crate::staged::Staged;
use crate::tables::{Key, Table};

struct Put {
    object: Object<Plain>,
}

struct Delete {
    slot: Slot,
    revision: Revision,
}

struct PutWebhook {
    object: Object<WebhookIndex>,
}

struct DeleteWebhook {
    tenant: TenantId,
    connection: ConnectionKey,
    revision: Revision,
}

pub(super) fn put(
    preparing: &mut Preparing<'_>,
    new: &Policy,
) -> Result<Box<dyn Operation>, CommitError> {
    let keys = preparing.tenant_keys(&new.tenant)?;
    let head = Head { revision: new.revision, created_at: new.created_at, index: Plain {} };
    let slot = slot(&new.tenant, &new.key);
    let object = Object::seal(slot, head, &keys.rows, &record::encode(new)?)?;
    Ok(Box::new(Put { object }))
}

pub(super) fn delete(tenant: &TenantId, key: PolicyKey, revision: Revision) -> Box<dyn Operation> {
    Box::new(Delete { slot: slot(tenant, &key), revision })
}

pub(super) fn put_webhook(
    preparing: &mut Preparing<'_>,
    new: &ManualWebhook,
) -> Result<Box<dyn Operation>, CommitError> {
    let keys = preparing.tenant_keys(&new.tenant)?;
    let index = WebhookIndex { policy: new.policy.clone() };
    let head = Head { revision: new.revision, created_at: new.created_at, index };
    let slot = webhook_slot(&new.tenant, &new.policy, &new.connection);
    let object = Object::seal(slot, head, &keys.rows, &record::encode(new)?)?;
    Ok(Box::new(PutWebhook { object }))
}

pub(super) fn delete_webhook(
    tenant: &TenantId,
    connection: ConnectionKey,
    revision: Revision,
) -> Box<dyn Operation> {
    Box::new(DeleteWebhook { tenant: tenant.clone(), connection, revision })
}

fn slot(tenant: &TenantId, key: &PolicyKey) -> Slot {
    Slot {
        table: Table::Policies,
        key: Key::of(tenant).text(key.as_str()).done(),
        line: Some(Line {
            list: Table::PoliciesByTime,
            prefix: Key::of(tenant).done(),
            name: Key::unscoped().text(key.as_str()).done(),
        }),
        target: Target::Policy(key.clone()),
    }
}

fn webhook_slot(tenant: &TenantId, policy: &PolicyKey, connection: &ConnectionKey) -> Slot {
    Slot {
        table: Table::Webhooks,
        key: Key::of(tenant).text(connection.as_str()).done(),
        line: Some(Line {
            list: Table::WebhooksByPolicy,
            prefix: Key::of(tenant).text(policy.as_str()).done(),
            name: Key::unscoped().text(connection.as_str()).done(),
        }),
        target: Target::ManualWebhook(connection.clone()),
    }
}

impl Operation for Put {
    fn apply(self: Box<Self>, staged: &mut Staged<'_, '_>) -> Result<(), CommitError> {
        self.object.put(staged)?;
        Ok(())
    }
}

impl Operation for Delete {
    fn apply(self: Box<Self>, staged: &mut Staged<'_, '_>) -> Result<(), CommitError> {
        let Self { slot, revision } = *self;
        let (row_key, target) = (slot.key.clone(), slot.target.clone());
        slot.remove::<Plain>(staged, revision)?;
        // Put in between: whoever looks again sees it. Their keys begin with the policy's.
        let mut any = false;
        staged.scan(Table::PolicyWebhooks, &row_key, |_, _| {
            any = true;
            Ok(Scan::Stop)
        })?;
        if any { Err(CommitError::Conflict(target)) } else { Ok(()) }
    }
}

impl Operation for PutWebhook {
    fn apply(self: Box<Self>, staged: &mut Staged<'_, '_>) -> Result<(), CommitError> {
        let policy = self.object.head.index.policy.clone();
        let target = self.object.slot.target.clone();
        let replaced = self.object.put(staged)?;
        if replaced.is_some_and(|replaced| replaced.index.policy != policy) {
            return Err(CommitError::Exists(target));
        }
        Ok(())
    }
}

impl Operation for DeleteWebhook {
    fn apply(self: Box<Self>, staged: &mut Staged<'_, '_>) -> Result<(), CommitError> {
        let Self { tenant, connection, revision } = *self;
        let row_key = Key::of(&tenant).text(connection.as_str()).done();
        let stored: Option<Head<WebhookIndex>> = staged.head(Table::Webhooks, &row_key)?;
        let Some(stored) = stored else {
            return Err(CommitError::Absent(Target::ManualWebhook(connection)));
        };
        let slot = webhook_slot(&tenant, &stored.index.policy, &connection);
        slot.remove::<WebhookIndex>(staged, revision)?;
        Ok(())
    }
}
