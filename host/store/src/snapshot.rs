//! Reading: one redb read transaction, which sees every commit that was acknowledged before it
//! began, and nothing of any other.
//!
//! Never held across an await: it lives inside one blocking closure.

use std::ops::Bound;

use cordon_model::commit::StoreError;
use redb::{AccessGuard, ReadTransaction, TableError};

use crate::error::failed;
use crate::tables::{Table, after};

/// The bytes of a row.
pub(crate) type Row = AccessGuard<'static, &'static [u8]>;

/// A table of a read transaction.
type ReadTable = redb::ReadOnlyTable<&'static [u8], &'static [u8]>;

/// A read transaction.
pub(crate) struct Snapshot {
    transaction: ReadTransaction,
}

/// Which way a range is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Ascending,
    Descending,
}

impl Snapshot {
    /// Reads what this transaction sees.
    pub(crate) fn new(transaction: ReadTransaction) -> Self {
        Self { transaction }
    }

    /// One row.
    pub(crate) fn get(&self, table: Table, key: &[u8]) -> Result<Option<Row>, StoreError> {
        let Some(table) = self.open(table)? else { return Ok(None) };
        table.get(key).map_err(failed)
    }

    /// Visits the rows whose keys begin with `prefix` and lie beyond `from`, which is such a key
    /// too, until the visitor says stop.
    pub(crate) fn scan(
        &self,
        table: Table,
        prefix: &[u8],
        from: Bound<Vec<u8>>,
        order: Order,
        mut visit: impl FnMut(&[u8], &[u8]) -> Result<Scan, StoreError>,
    ) -> Result<(), StoreError> {
        let Some(table) = self.open(table)? else { return Ok(()) };
        let whole = || (Bound::Included(prefix.to_vec()), after(prefix));
        let (low, high) = match (order, from) {
            (_, Bound::Unbounded) => whole(),
            (Order::Ascending, from) => (from, after(prefix)),
            (Order::Descending, from) => (Bound::Included(prefix.to_vec()), from),
        };
        if is_empty(&low, &high) {
            return Ok(());
        }
        let low = low.as_ref().map(Vec::as_slice);
        let high = high.as_ref().map(Vec::as_slice);
        let mut rows = table.range::<&[u8]>((low, high)).map_err(failed)?;
        loop {
            let row = match order {
                Order::Ascending => rows.next(),
                Order::Descending => rows.next_back(),
            };
            let Some(row) = row else { return Ok(()) };
            let (key, value) = row.map_err(failed)?;
            if visit(key.value(), value.value())? == Scan::Stop {
                return Ok(());
            }
        }
    }

    /// How many rows have keys that begin with `prefix`.
    pub(crate) fn count(&self, table: Table, prefix: &[u8]) -> Result<u64, StoreError> {
        let mut count = 0;
        self.scan(table, prefix, Bound::Unbounded, Order::Ascending, |_, _| {
            count += 1;
            Ok(Scan::GoOn)
        })?;
        Ok(count)
    }

    /// A table; none: nothing was ever written to it.
    fn open(&self, table: Table) -> Result<Option<ReadTable>, StoreError> {
        match self.transaction.open_table(table.definition()) {
            Ok(table) => Ok(Some(table)),
            Err(TableError::TableDoesNotExist(_)) => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }
}

/// Whether a scan goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scan {
    GoOn,
    Stop,
}

/// redb panics over a range whose ends are the wrong way around, which a made-up cursor can ask
/// for.
fn is_empty(low: &Bound<Vec<u8>>, high: &Bound<Vec<u8>>) -> bool {
    match (low, high) {
        (Bound::Included(low), Bound::Included(high)) => low > high,
        (
            Bound::Included(low) | Bound::Excluded(low),
            Bound::Included(high) | Bound::Excluded(high),
        ) => low >= high,
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
    }
}
