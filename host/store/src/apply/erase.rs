//! Erasing a tenant that is being removed, in steps that hold up nobody.
//!
//! No change asks for this: a step is no commit that is told of, and how much it takes is the
//! host's matter. The first step makes everything unreadable, so that a crash between two steps
//! leaves nothing but waste. Does not look whether the tenant is marked: that is sealed, and the
//! caller's matter.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cordon_model::TenantId;
use cordon_model::commit::{CommitError, StoreError};

use super::content::{self, FILING};
use super::{Operation, Prepared};
use crate::blob::Blobs;
use crate::snapshot::Scan;
use crate::staged::Staged;
use crate::tables::{Key, ScopeAt, Table};

/// What goes with the tenant's key, because it is read without the tenant: by the hash of a key,
/// and at a start. A tenant has few of them.
const FIRST: [Table; 6] = [
    Table::ApiKeys,
    Table::ApiKeysByTime,
    Table::ApiKeysByHash,
    Table::Plugins,
    Table::PluginFiles,
    Table::PluginNewest,
];

/// One step.
pub(crate) struct Erase {
    tenant: TenantId,
    rows_max: usize,
    blobs: Blobs,
    is_done: Arc<AtomicBool>,
}

impl Erase {
    /// A step, and what says afterwards whether it was the last one.
    pub(crate) fn of(tenant: TenantId, rows_max: usize, blobs: Blobs) -> (Self, Arc<AtomicBool>) {
        let is_done = Arc::new(AtomicBool::new(false));
        (Self { tenant, rows_max, blobs, is_done: Arc::clone(&is_done) }, is_done)
    }

    /// As a commit of its own.
    pub(crate) fn prepared(self) -> Prepared {
        Prepared { operations: vec![Box::new(self)], files: Vec::new() }
    }

    /// Without this key nothing of the tenant can be opened, by anybody.
    fn shred(&self, scope: &[u8], staged: &mut Staged<'_, '_>) -> Result<(), StoreError> {
        super::plugin::unname_all(staged, &self.blobs, &self.tenant)?;
        for table in FIRST {
            staged.remove_scope(table, scope);
        }
        staged.remove(Table::TenantKeys, scope.to_vec());
        staged.dismiss(self.tenant.clone());
        Ok(())
    }

    /// How many of `rows_max` rows of a table are left to be removed elsewhere.
    fn thin_out(
        &self,
        table: Table,
        rows_max: usize,
        staged: &mut Staged<'_, '_>,
    ) -> Result<usize, StoreError> {
        let scope = Key::of(&self.tenant).done();
        let (mut keys, mut paths) = (Vec::new(), Vec::new());
        if rows_max > 0 {
            staged.scan(table, &scope, |key, row| {
                if FILING.contains(&table) {
                    paths.extend(content::file_of(&self.blobs, table, &self.tenant, key, row)?);
                }
                keys.push(key.to_vec());
                Ok(if keys.len() == rows_max { Scan::Stop } else { Scan::GoOn })
            })?;
        }
        let left = rows_max - keys.len();
        keys.into_iter().for_each(|key| staged.remove(table, key));
        paths.into_iter().for_each(|path| staged.unname(path));
        Ok(left)
    }
}

impl Operation for Erase {
    fn apply(self: Box<Self>, staged: &mut Staged<'_, '_>) -> Result<(), CommitError> {
        let scope = Key::of(&self.tenant).done();
        if staged.has(Table::TenantKeys, &scope)? {
            return Ok(self.shred(&scope, staged)?);
        }
        let mut left = self.rows_max;
        let own = |table: &&Table| table.scope_at() == ScopeAt::Key && **table != Table::Tenants;
        for table in Table::ALL.iter().filter(own) {
            left = self.thin_out(*table, left, staged)?;
        }
        self.is_done.store(left > 0, Ordering::Release);
        Ok(())
    }
}
