//! API keys. They have no revisions: a key is made once and revoked once.

use cordon_model::api_key::{ApiKey, KeyOwner};
use cordon_model::commit::{CommitError, Target};
use cordon_model::{ApiKeyId, TenantId};

use super::object::seal_row;
use super::{Operation, Preparing};
use crate::record;
use crate::row::{self, ApiKeyHead};
use crate::staged::Staged;
use crate::tables::{Key, Table};

struct Put {
    id: ApiKeyId,
    row_key: Vec<u8>,
    list_key: Vec<u8>,
    hash: [u8; 32],
    row: Vec<u8>,
}

struct Delete {
    id: ApiKeyId,
    scope: Vec<u8>,
}

pub(super) fn put(
    preparing: &mut Preparing<'_>,
    new: &ApiKey,
) -> Result<Box<dyn Operation>, CommitError> {
    let tenant = match &new.owner {
        KeyOwner::Operator => None,
        KeyOwner::Tenant(tenant) => Some(tenant),
    };
    let keys = preparing.scope_keys(tenant)?;
    let row_key = Key::scoped(tenant).uuid(new.id.as_uuid()).done();
    let list_key = Key::scoped(tenant).time(new.created_at).uuid(new.id.as_uuid()).done();
    let head = ApiKeyHead { created_at: new.created_at, hash: hex::encode(new.hash) };
    let row = seal_row(Table::ApiKeys, &row_key, &head, &keys.rows, &record::encode(new)?)?;
    Ok(Box::new(Put { id: new.id, row_key, list_key, hash: new.hash, row }))
}

pub(super) fn delete(tenant: Option<&TenantId>, id: ApiKeyId) -> Box<dyn Operation> {
    Box::new(Delete { id, scope: Key::scoped(tenant).done() })
}

impl Operation for Put {
    fn apply(self: Box<Self>, staged: &mut Staged<'_, '_>) -> Result<(), CommitError> {
        let Self { id, row_key, list_key, hash, row } = *self;
        if staged.has(Table::ApiKeys, &row_key)? || staged.has(Table::ApiKeysByHash, &hash)? {
            return Err(CommitError::Exists(Target::ApiKey(id)));
        }
        staged.put(Table::ApiKeysByHash, hash.to_vec(), row_key.clone());
        staged.put(Table::ApiKeysByTime, list_key, Vec::new());
        staged.put(Table::ApiKeys, row_key, row);
        Ok(())
    }
}

impl Operation for Delete {
    fn apply(self: Box<Self>, staged: &mut Staged<'_, '_>) -> Result<(), CommitError> {
        let Self { id, scope } = *self;
        let row_key = Key::unscoped().raw(&scope).uuid(id.as_uuid()).done();
        let head: Option<ApiKeyHead> = staged.head(Table::ApiKeys, &row_key)?;
        let Some(ApiKeyHead { created_at, hash }) = head else {
            return Err(CommitError::Absent(Target::ApiKey(id)));
        };
        let hash = hex::decode(hash).map_err(|_| row::damaged(Table::ApiKeys))?;
        let list_key = Key::unscoped().raw(&scope).time(created_at).uuid(id.as_uuid()).done();
        staged.remove(Table::ApiKeysByHash, hash);
        staged.remove(Table::ApiKeysByTime, list_key);
        staged.remove(Table::ApiKeys, row_key);
        Ok(())
    }
}
