//! Keys by scope: the host's own, and one set for each tenant, opened once and kept.
//!
//! Keys of requests and of connections' secrets are opened for each use and not kept: there are
//! many of them, and a key that is erased must not live on in a cache.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use cordon_model::TenantId;
use cordon_model::commit::StoreError;

use super::{CannotSeal, KEY_BYTES, Place, SealKey};
use crate::row;
use crate::snapshot::Snapshot;
use crate::tables::{Key, Table};

/// The keys of one scope, derived from its one random key.
pub(crate) struct ScopeKeys {
    /// The row that the one key stands in, wrapped; tells a tenant from an earlier one of the
    /// same name. Empty for the host.
    pub(crate) wrapped: Vec<u8>,
    /// Seals rows.
    pub(crate) rows: SealKey,
    /// Wraps the keys of requests and secrets.
    pub(crate) wrap: SealKey,
    /// Hashes what an index must find and must not show.
    pub(crate) index: SealKey,
}

impl ScopeKeys {
    fn of(key: &SealKey, wrapped: Vec<u8>) -> Arc<Self> {
        Arc::new(Self {
            wrapped,
            rows: key.derive("cordon rows v1"),
            wrap: key.derive("cordon wrap v1"),
            index: key.derive("cordon index v1"),
        })
    }
}

/// All keys.
pub(crate) struct Keyring {
    root_wrap: SealKey,
    outside: SealKey,
    host: Arc<ScopeKeys>,
    tenants: RwLock<HashMap<TenantId, Arc<ScopeKeys>>>,
    tenants_max: usize,
}

impl Keyring {
    /// The keys under a root key.
    pub(crate) fn new(root: &SealKey, tenants_max: usize) -> Self {
        Self {
            root_wrap: root.derive("cordon tenant keys v1"),
            outside: root.derive("cordon keys outside the store v1"),
            host: ScopeKeys::of(&root.derive("cordon host v1"), Vec::new()),
            tenants: RwLock::default(),
            tenants_max,
        }
    }

    /// The host's own keys.
    pub(crate) fn host(&self) -> Arc<ScopeKeys> {
        Arc::clone(&self.host)
    }

    /// A key for a part of the host that is not the store.
    pub(crate) fn outside(&self, purpose: &str) -> [u8; KEY_BYTES] {
        *self.outside.derive(purpose).0
    }

    /// The keys of a tenant; none: there is no such tenant.
    ///
    /// Kept keys count only while the snapshot shows the row that they came from: the tenant may
    /// have been removed, and made again with other keys.
    pub(crate) fn tenant(
        &self,
        snapshot: &Snapshot,
        tenant: &TenantId,
    ) -> Result<Option<Arc<ScopeKeys>>, StoreError> {
        let row_key = Key::of(tenant).done();
        let Some(wrapped) = snapshot.get(Table::TenantKeys, &row_key)? else { return Ok(None) };
        let kept = self.tenants.read().unwrap_or_else(PoisonError::into_inner).get(tenant).cloned();
        if kept.as_ref().is_some_and(|kept| kept.wrapped == wrapped.value()) {
            return Ok(kept);
        }
        let place = Place::row(Table::TenantKeys, &row_key, b"");
        let key = self
            .root_wrap
            .unwrap(place, wrapped.value())
            .map_err(|_| row::damaged(Table::TenantKeys))?;
        let keys = ScopeKeys::of(&key, wrapped.value().to_vec());
        let mut kept = self.tenants.write().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= self.tenants_max {
            kept.clear();
        }
        kept.insert(tenant.clone(), Arc::clone(&keys));
        Ok(Some(keys))
    }

    /// Drops the keys of a tenant that is gone.
    pub(crate) fn forget(&self, tenant: &TenantId) {
        self.tenants.write().unwrap_or_else(PoisonError::into_inner).remove(tenant);
    }

    /// The keys of a tenant, or of the host.
    pub(crate) fn scope(
        &self,
        snapshot: &Snapshot,
        tenant: Option<&TenantId>,
    ) -> Result<Option<Arc<ScopeKeys>>, StoreError> {
        match tenant {
            Some(tenant) => self.tenant(snapshot, tenant),
            None => Ok(Some(self.host())),
        }
    }

    /// Keys for a tenant that is about to be created, and the row that holds them. They are kept
    /// only once they are read back: the commit may yet be refused.
    pub(crate) fn new_tenant(
        &self,
        tenant: &TenantId,
    ) -> Result<(Arc<ScopeKeys>, Vec<u8>), CannotSeal> {
        let key = SealKey::random()?;
        let row_key = Key::of(tenant).done();
        let wrapped = self.root_wrap.wrap(Place::row(Table::TenantKeys, &row_key, b""), &key)?;
        Ok((ScopeKeys::of(&key, wrapped.clone()), wrapped))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_for_another_part_of_the_host_is_the_same_at_every_start_and_differs_by_purpose() {
        let root = SealKey::random().unwrap();
        let key = |root: &SealKey, purpose: &str| Keyring::new(root, 1).outside(purpose);
        assert_eq!(key(&root, "a"), key(&root, "a"));
        assert_ne!(key(&root, "a"), key(&root, "b"));
        assert_ne!(key(&root, "a"), key(&SealKey::random().unwrap(), "a"));
    }
}
