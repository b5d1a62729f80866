//! Connections, their revisions and their secrets.

use cordon_model::commit::{CommitError, Target};
use cordon_model::connection::Connection;
use cordon_model::secret::Credentials;
use cordon_model::{ConnectionKey, Revision, TenantId};
use uuid::Uuid;

use super::object::{Line, Object, Slot, seal_row};
use super::{Operation, Preparing, cannot_seal};
use crate::record;
use crate::row::{self, ConnectionIndex, Head, Plain};
use crate::seal::{Place, SealKey};
use crate::staged::Staged;
use crate::tables::{Key, Table};

struct Put {
    object: Object<ConnectionIndex>,
    key: ConnectionKey,
    scope: Vec<u8>,
    revision_key: Vec<u8>,
    revision_row: Vec<u8>,
}

struct Delete {
    slot: Slot,
    scope: Vec<u8>,
    revision: Revision,
}

struct PutSecrets {
    row_key: Vec<u8>,
    key: ConnectionKey,
    row: Vec<u8>,
}

pub(super) fn put(
    preparing: &mut Preparing<'_>,
    new: &Connection,
) -> Result<Box<dyn Operation>, CommitError> {
    let keys = preparing.tenant_keys(&new.tenant)?;
    let record = record::encode(new)?;
    let index = ConnectionIndex { uuid: new.uuid };
    let head = Head { revision: new.revision, created_at: new.created_at, index };
    let object = Object::seal(slot(&new.tenant, &new.key), head, &keys.rows, &record)?;
    let revision_key = Key::of(&new.tenant).text(new.key.as_str()).number(new.revision.0).done();
    let revision_row =
        seal_row(Table::ConnectionRevisions, &revision_key, &Plain {}, &keys.rows, &record)?;
    let scope = Key::of(&new.tenant).done();
    Ok(Box::new(Put { object, key: new.key.clone(), scope, revision_key, revision_row }))
}

pub(super) fn delete(
    tenant: &TenantId,
    key: ConnectionKey,
    revision: Revision,
) -> Box<dyn Operation> {
    Box::new(Delete { slot: slot(tenant, &key), scope: Key::of(tenant).done(), revision })
}

/// Every write makes a new key, so that replaced secrets cannot be opened any more even where
/// their bytes survive on the disk.
pub(super) fn put_secrets(
    preparing: &mut Preparing<'_>,
    tenant: &TenantId,
    key: ConnectionKey,
    credentials: &Credentials,
) -> Result<Box<dyn Operation>, CommitError> {
    let keys = preparing.tenant_keys(tenant)?;
    let row_key = Key::of(tenant).text(key.as_str()).done();
    let record = record::encode(credentials)?;
    let seal = || {
        let secret = SealKey::random()?;
        let wrapped = keys.wrap.wrap(Place::row(Table::Vault, &row_key, b"key"), &secret)?;
        let sealed = secret.seal(Place::row(Table::Vault, &row_key, b"secrets"), &record)?;
        Ok(row::join(&wrapped, &sealed))
    };
    let row = seal().map_err(cannot_seal)?;
    Ok(Box::new(PutSecrets { row_key, key, row }))
}

fn slot(tenant: &TenantId, key: &ConnectionKey) -> Slot {
    Slot {
        table: Table::Connections,
        key: Key::of(tenant).text(key.as_str()).done(),
        line: Some(Line {
            list: Table::ConnectionsByTime,
            prefix: Key::of(tenant).done(),
            name: Key::unscoped().text(key.as_str()).done(),
        }),
        target: Target::Connection(key.clone()),
    }
}

fn uuid_key(scope: &[u8], uuid: &Uuid) -> Vec<u8> {
    Key::unscoped().raw(scope).uuid(uuid).done()
}

impl Operation for Put {
    fn apply(self: Box<Self>, staged: &mut Staged<'_, '_>) -> Result<(), CommitError> {
        let Self { object, key, scope, revision_key, revision_row } = *self;
        let uuid = object.head.index.uuid;
        let replaced = object.put(staged)?;
        let by_uuid = uuid_key(&scope, &uuid);
        let owner = staged.get(Table::ConnectionsByUuid, &by_uuid)?;
        if owner.is_some_and(|owner| owner != key.as_str().as_bytes()) {
            return Err(CommitError::Exists(Target::ConnectionUuid(uuid)));
        }
        if let Some(replaced) = replaced {
            staged.remove(Table::ConnectionsByUuid, uuid_key(&scope, &replaced.index.uuid));
        }
        staged.put(Table::ConnectionsByUuid, by_uuid, key.as_str().as_bytes().to_vec());
        staged.put(Table::ConnectionRevisions, revision_key, revision_row);
        Ok(())
    }
}

impl Operation for Delete {
    /// Revision rows stay: tasks may pin them.
    fn apply(self: Box<Self>, staged: &mut Staged<'_, '_>) -> Result<(), CommitError> {
        let Self { slot, scope, revision } = *self;
        let row_key = slot.key.clone();
        let removed: Head<ConnectionIndex> = slot.remove(staged, revision)?;
        staged.remove(Table::ConnectionsByUuid, uuid_key(&scope, &removed.index.uuid));
        staged.remove(Table::Vault, row_key);
        Ok(())
    }
}

impl Operation for PutSecrets {
    fn apply(self: Box<Self>, staged: &mut Staged<'_, '_>) -> Result<(), CommitError> {
        let Self { row_key, key, row } = *self;
        if !staged.has(Table::Connections, &row_key)? {
            return Err(CommitError::Absent(Target::Connection(key)));
        }
        staged.put(Table::Vault, row_key, row);
        Ok(())
    }
}
