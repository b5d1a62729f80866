//! Tenants. Creating one makes its keys.

use cordon_model::Revision;
use cordon_model::commit::{CommitError, Target};
use cordon_model::tenant::Tenant;

use super::object::{Object, Slot};
use super::{Operation, Preparing, cannot_seal};
use crate::record;
use crate::row::{Head, Plain};
use crate::staged::Staged;
use crate::tables::{Key, Table};

struct Put {
    object: Object<Plain>,
    /// The wrapped key of a tenant that is created.
    key: Option<Vec<u8>>,
}

pub(super) fn put(
    preparing: &mut Preparing<'_>,
    tenant: &Tenant,
) -> Result<Box<dyn Operation>, CommitError> {
    let row_key = Key::of(&tenant.id).done();
    let slot = Slot {
        table: Table::Tenants,
        key: row_key.clone(),
        list: Table::TenantsByTime,
        list_prefix: Vec::new(),
        name: row_key,
        target: Target::Tenant(tenant.id.clone()),
    };
    let head = Head { revision: tenant.revision, created_at: tenant.created_at, index: Plain {} };
    let host = preparing.keyring.host();
    let object = Object::seal(slot, head, &host.rows, &record::encode(tenant)?)?;
    let mut key = None;
    if tenant.revision == Revision::FIRST {
        let (keys, wrapped) = preparing.keyring.new_tenant(&tenant.id).map_err(cannot_seal)?;
        preparing.new_tenants.insert(tenant.id.clone(), keys);
        key = Some(wrapped);
    }
    Ok(Box::new(Put { object, key }))
}

impl Operation for Put {
    fn apply(self: Box<Self>, staged: &mut Staged<'_, '_>) -> Result<(), CommitError> {
        let row_key = self.object.slot.key.clone();
        self.object.put(staged)?;
        if let Some(key) = self.key {
            staged.put(Table::TenantKeys, row_key, key);
        }
        Ok(())
    }
}
