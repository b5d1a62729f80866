//! Writing: the state as one commit sees it while it is applied.
//!
//! A commit writes into a layer of its own over the batch's transaction. When one of its changes
//! is refused the layer is dropped and nothing of the commit ever was; when all are accepted the
//! layer goes into the transaction, where the next commit of the batch sees it. So validating and
//! writing are the same code and cannot disagree.

use std::collections::BTreeMap;
use std::path::PathBuf;

use cordon_model::commit::StoreError;
use redb::{ReadableTable as _, WriteTransaction};

use crate::error::failed;
use crate::row;
use crate::tables::Table;

type OpenTable<'t> = redb::Table<'t, &'static [u8], &'static [u8]>;

/// One batch: a write transaction and the tables that it opened.
pub(crate) struct Batch<'t> {
    transaction: &'t WriteTransaction,
    tables: BTreeMap<Table, OpenTable<'t>>,
}

/// One commit of a batch.
pub(crate) struct Staged<'b, 't> {
    batch: &'b mut Batch<'t>,
    /// None: removed.
    layer: BTreeMap<(Table, Vec<u8>), Option<Vec<u8>>>,
    unnamed: Vec<PathBuf>,
}

impl<'t> Batch<'t> {
    /// An empty batch.
    pub(crate) fn new(transaction: &'t WriteTransaction) -> Self {
        Self { transaction, tables: BTreeMap::new() }
    }

    /// Begins a commit.
    pub(crate) fn stage(&mut self) -> Staged<'_, 't> {
        Staged { batch: self, layer: BTreeMap::new(), unnamed: Vec::new() }
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
        Ok(stored.map(|row| row.value().to_vec()))
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

    /// A sealed file that no row names once this commit is durable.
    pub(crate) fn unname(&mut self, path: PathBuf) {
        self.unnamed.push(path);
    }

    /// The first rows of an index, up to and including those that begin with `until`.
    pub(crate) fn first_keys(
        &mut self,
        table: Table,
        until: &[u8],
        limit: usize,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        let end = crate::tables::after(until);
        let end = end.as_ref().map(Vec::as_slice);
        let rows = self.batch.table(table)?;
        let rows = rows.range::<&[u8]>((std::ops::Bound::Unbounded, end)).map_err(failed)?;
        rows.take(limit).map(|row| Ok(row.map_err(failed)?.0.value().to_vec())).collect()
    }

    /// Writes the layer into the transaction. Returns the files to remove once it is durable.
    pub(crate) fn accept(self) -> Result<Vec<PathBuf>, StoreError> {
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
        Ok(self.unnamed)
    }
}
