//! Writing: the state as one commit sees it while it is applied.
//!
//! A commit writes into a layer of its own over the batch's transaction. When one of its changes
//! is refused the layer is dropped and nothing of the commit ever was; when all are accepted the
//! layer goes into the transaction, where the next commit of the batch sees it. So validating and
//! writing are the same code and cannot disagree.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::PathBuf;

use cordon_model::TenantId;
use cordon_model::commit::StoreError;
use redb::{ReadableTable as _, WriteTransaction};

use crate::error::failed;
use crate::row;
use crate::snapshot::Scan;
use crate::tables::{ScopeAt, TIME_BYTES, Table, after};

type OpenTable<'t> = redb::Table<'t, &'static [u8], &'static [u8]>;

/// One batch: a write transaction and the tables that it opened.
pub(crate) struct Batch<'t> {
    transaction: &'t WriteTransaction,
    tables: BTreeMap<Table, OpenTable<'t>>,
}

/// One commit of a batch.
pub(crate) struct Staged<'b, 't> {
    batch: &'b mut Batch<'t>,
    /// Of the batch's rows these are gone, before the layer is laid over what is left. A rule and
    /// not a list of keys, so that removing millions of rows takes no memory.
    cleared: Vec<Cleared>,
    /// None: removed.
    layer: BTreeMap<(Table, Vec<u8>), Option<Vec<u8>>>,
    leftover: Leftover,
}

/// What a commit leaves to be done once it is durable.
#[derive(Default)]
pub(crate) struct Leftover {
    /// Sealed files that no row names any more.
    pub(crate) files: Vec<PathBuf>,
    /// Tenants that are gone.
    pub(crate) tenants: Vec<TenantId>,
}

/// Rows of one table that belong together.
struct Cleared {
    table: Table,
    at: ScopeAt,
    prefix: Vec<u8>,
}

impl Cleared {
    fn covers(&self, table: Table, key: &[u8], row: &[u8]) -> bool {
        let place = match self.at {
            ScopeAt::Nowhere => return false,
            ScopeAt::Key => key,
            ScopeAt::AfterTime => key.get(TIME_BYTES..).unwrap_or_default(),
            ScopeAt::Value => row,
        };
        self.table == table && place.starts_with(&self.prefix)
    }
}

impl<'t> Batch<'t> {
    /// An empty batch.
    pub(crate) fn new(transaction: &'t WriteTransaction) -> Self {
        Self { transaction, tables: BTreeMap::new() }
    }

    /// Begins a commit.
    pub(crate) fn stage(&mut self) -> Staged<'_, 't> {
        Staged {
            batch: self,
            cleared: Vec::new(),
            layer: BTreeMap::new(),
            leftover: Leftover::default(),
        }
    }

    fn table(&mut self, table: Table) -> Result<&mut OpenTable<'t>, StoreError> {
        use std::collections::btree_map::Entry;
        match self.tables.entry(table) {
            Entry::Occupied(open) => Ok(open.into_mut()),
            Entry::Vacant(closed) => {
                let open = self.transaction.open_table(table.definition()).map_err(failed)?;
                Ok(closed.insert(open))
            }
        }
    }
}

impl Staged<'_, '_> {
    /// A row, as this commit sees it.
    pub(crate) fn get(&mut self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        if let Some(staged) = self.layer.get(&(table, key.to_vec())) {
            return Ok(staged.clone());
        }
        let stored = self.batch.table(table)?.get(key).map_err(failed)?;
        let stored = stored.map(|row| row.value().to_vec());
        let cleared = |row: &Vec<u8>| self.cleared.iter().any(|c| c.covers(table, key, row));
        Ok(stored.filter(|row| !cleared(row)))
    }

    /// Whether there is a row.
    pub(crate) fn has(&mut self, table: Table, key: &[u8]) -> Result<bool, StoreError> {
        self.get(table, key).map(|row| row.is_some())
    }

    /// The head of a row.
    pub(crate) fn head<H: serde::de::DeserializeOwned>(
        &mut self,
        table: Table,
        key: &[u8],
    ) -> Result<Option<H>, StoreError> {
        self.get(table, key)?.map(|row| row::head(table, &row)).transpose()
    }

    /// Puts a row.
    pub(crate) fn put(&mut self, table: Table, key: Vec<u8>, row: Vec<u8>) {
        self.layer.insert((table, key), Some(row));
    }

    /// Removes a row.
    pub(crate) fn remove(&mut self, table: Table, key: Vec<u8>) {
        self.layer.insert((table, key), None);
    }

    /// The next number of a counter, from 1; counted in the same transaction as what it numbers,
    /// so that there are no gaps.
    pub(crate) fn next_number(&mut self, table: Table, key: &[u8]) -> Result<u64, StoreError> {
        let last = match self.get(table, key)? {
            None => 0,
            Some(bytes) => u64::from_be_bytes(bytes.try_into().map_err(|_| row::damaged(table))?),
        };
        let next = last + 1;
        self.put(table, key.to_vec(), next.to_be_bytes().to_vec());
        Ok(next)
    }

    /// Removes every row of a table whose key begins with `prefix`.
    pub(crate) fn remove_below(&mut self, table: Table, prefix: &[u8]) {
        self.clear(Cleared { table, at: ScopeAt::Key, prefix: prefix.to_vec() });
    }

    /// Removes every row of a scope, wherever a row of this table says that it is of it.
    pub(crate) fn remove_scope(&mut self, table: Table, scope: &[u8]) {
        if table.scope_at() == ScopeAt::Nowhere {
            return;
        }
        self.clear(Cleared { table, at: table.scope_at(), prefix: scope.to_vec() });
    }

    fn clear(&mut self, cleared: Cleared) {
        for ((table, key), row) in &mut self.layer {
            if row.as_ref().is_some_and(|row| cleared.covers(*table, key, row)) {
                *row = None;
            }
        }
        self.cleared.push(cleared);
    }

    /// Visits the rows whose keys begin with `prefix`, as this commit sees them, in no order,
    /// until the visitor says stop.
    pub(crate) fn scan(
        &mut self,
        table: Table,
        prefix: &[u8],
        mut visit: impl FnMut(&[u8], &[u8]) -> Result<Scan, StoreError>,
    ) -> Result<(), StoreError> {
        let Self { batch, cleared, layer, leftover: _ } = self;
        let below = layer.range((table, prefix.to_vec())..);
        let below = below.take_while(|((of, key), _)| *of == table && key.starts_with(prefix));
        for ((_, key), row) in below {
            if let Some(row) = row
                && visit(key, row)? == Scan::Stop
            {
                return Ok(());
            }
        }
        let end = after(prefix);
        let range = (Bound::Included(prefix), end.as_ref().map(Vec::as_slice));
        for row in batch.table(table)?.range::<&[u8]>(range).map_err(failed)? {
            let (key, row) = row.map_err(failed)?;
            let (key, row) = (key.value(), row.value());
            let gone = layer.contains_key(&(table, key.to_vec()))
                || cleared.iter().any(|cleared| cleared.covers(table, key, row));
            if !gone && visit(key, row)? == Scan::Stop {
                return Ok(());
            }
        }
        Ok(())
    }

    /// A sealed file that no row names once this commit is durable.
    pub(crate) fn unname(&mut self, path: PathBuf) {
        self.leftover.files.push(path);
    }

    /// A tenant that is gone once this commit is durable.
    pub(crate) fn dismiss(&mut self, tenant: TenantId) {
        self.leftover.tenants.push(tenant);
    }

    /// The first rows of an index, up to and including those that begin with `until`.
    pub(crate) fn first_keys(
        &mut self,
        table: Table,
        until: &[u8],
        limit: usize,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        let end = after(until);
        let end = end.as_ref().map(Vec::as_slice);
        let rows = self.batch.table(table)?;
        let rows = rows.range::<&[u8]>((Bound::Unbounded, end)).map_err(failed)?;
        rows.take(limit).map(|row| Ok(row.map_err(failed)?.0.value().to_vec())).collect()
    }

    /// Writes what is cleared and the layer into the transaction. Returns what is to be done once
    /// it is durable.
    pub(crate) fn accept(self) -> Result<Leftover, StoreError> {
        for cleared in self.cleared {
            let table = self.batch.table(cleared.table)?;
            let kept = |key: &[u8], row: &[u8]| !cleared.covers(cleared.table, key, row);
            if cleared.at == ScopeAt::Key {
                let end = after(&cleared.prefix);
                let below =
                    (Bound::Included(cleared.prefix.as_slice()), end.as_ref().map(Vec::as_slice));
                table.retain_in::<&[u8], _>(below, kept).map_err(failed)?;
            } else {
                table.retain(kept).map_err(failed)?;
            }
        }
        for ((table, key), row) in self.layer {
            let table = self.batch.table(table)?;
            match row {
                Some(row) => {
                    table.insert(key.as_slice(), row.as_slice()).map_err(failed)?;
                }
                None => {
                    table.remove(key.as_slice()).map_err(failed)?;
                }
            }
        }
        Ok(self.leftover)
    }
}
