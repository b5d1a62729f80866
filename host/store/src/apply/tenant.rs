//! Tenants. Creating one makes its keys; removing one removes them, and every row of its own.

use std::collections::BTreeMap;
use std::sync::Arc;

use cordon_model::commit::{CommitError, Target};
use cordon_model::tenant::Tenant;
use cordon_model::{Revision, TenantId};

use super::content::{FILING, unname_below};
use super::object::{Line, Object, Slot};
use super::{Operation, Preparing, cannot_seal};
use crate::blob::Blobs;
use crate::record;
use crate::row::{Head, TenantIndex};
use crate::seal::keyring::ScopeKeys;
use crate::snapshot::Scan;
use crate::staged::Staged;
use crate::tables::{Key, Table};

struct Put {
    object: Object<TenantIndex>,
    /// The wrapped key of a tenant that is created.
    key: Option<Vec<u8>>,
}

struct Delete {
    slot: Slot,
    tenant: TenantId,
    revision: Revision,
    blobs: Blobs,
}

struct Idle {
    tenant: TenantId,
}

struct Unchanged {
    tenants: BTreeMap<TenantId, Arc<ScopeKeys>>,
    comes_in: bool,
}

pub(super) fn put(
    preparing: &mut Preparing<'_>,
    tenant: &Tenant,
) -> Result<Box<dyn Operation>, CommitError> {
    let index = TenantIndex { removing: tenant.removing_since.is_some() };
    let head = Head { revision: tenant.revision, created_at: tenant.created_at, index };
    let host = preparing.keyring.host();
    let object = Object::seal(slot(&tenant.id), head, &host.rows, &record::encode(tenant)?)?;
    let mut key = None;
    if tenant.revision == Revision::FIRST {
        let (keys, wrapped) = preparing.keyring.new_tenant(&tenant.id).map_err(cannot_seal)?;
        preparing.new_tenants.insert(tenant.id.clone(), keys);
        key = Some(wrapped);
    }
    Ok(Box::new(Put { object, key }))
}

/// All in one transaction, however much it is: nobody ever sees half a tenant, and its name is
/// free at once. Other commits wait meanwhile; memory is taken for the names of its sealed files
/// only.
pub(super) fn delete(
    preparing: &mut Preparing<'_>,
    tenant: TenantId,
    revision: Revision,
) -> Box<dyn Operation> {
    preparing.dismiss(&tenant);
    Box::new(Delete { slot: slot(&tenant), tenant, revision, blobs: preparing.blobs.clone() })
}

/// A tenant without a request that is not final: refuses the commit otherwise.
pub(super) fn idle(tenant: TenantId) -> Box<dyn Operation> {
    Box::new(Idle { tenant })
}

/// The tenants that a commit was sealed for are still there, with the keys that it was sealed
/// under; and none of them is being removed, if something new `comes_in`.
pub(super) fn unchanged(
    tenants: BTreeMap<TenantId, Arc<ScopeKeys>>,
    comes_in: bool,
) -> Box<dyn Operation> {
    Box::new(Unchanged { tenants, comes_in })
}

fn slot(tenant: &TenantId) -> Slot {
    let row_key = Key::of(tenant).done();
    Slot {
        table: Table::Tenants,
        key: row_key.clone(),
        line: Some(Line { list: Table::TenantsByTime, prefix: Vec::new(), name: row_key }),
        target: Target::Tenant(tenant.clone()),
    }
}

impl Operation for Unchanged {
    fn apply(self: Box<Self>, staged: &mut Staged<'_, '_>) -> Result<(), CommitError> {
        for (tenant, keys) in self.tenants {
            let row_key = Key::of(&tenant).done();
            let wrapped = staged.get(Table::TenantKeys, &row_key)?;
            let head: Option<Head<TenantIndex>> = staged.head(Table::Tenants, &row_key)?;
            // Nothing is acknowledged that is about to be erased.
            let removing = head.is_some_and(|head| head.index.removing);
            if self.comes_in && removing || wrapped.as_ref() != Some(&keys.wrapped) {
                return Err(CommitError::Absent(Target::Tenant(tenant)));
            }
        }
        Ok(())
    }
}

impl Operation for Idle {
    fn apply(self: Box<Self>, staged: &mut Staged<'_, '_>) -> Result<(), CommitError> {
        let mut any = false;
        staged.scan(Table::OpenByPolicy, &Key::of(&self.tenant).done(), |_, _| {
            any = true;
            Ok(Scan::Stop)
        })?;
        if any { Err(CommitError::Conflict(Target::Tenant(self.tenant))) } else { Ok(()) }
    }
}

impl Operation for Delete {
    fn apply(self: Box<Self>, staged: &mut Staged<'_, '_>) -> Result<(), CommitError> {
        let Self { slot, tenant, revision, blobs } = *self;
        let scope = slot.key.clone();
        slot.remove::<TenantIndex>(staged, revision)?;
        for table in FILING {
            unname_below(staged, &blobs, table, &tenant, &scope)?;
        }
        super::plugin::unname_all(staged, &blobs, &tenant)?;
        for table in Table::ALL {
            staged.remove_scope(*table, &scope);
        }
        staged.dismiss(tenant);
        Ok(())
    }
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
