//! What all objects with revisions have in common: the comparison of revisions, the row, and its
//! place in the list by time.

use cordon_model::commit::{CommitError, StoreError, Target};
use cordon_model::{Revision, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::cannot_seal;
use crate::row::{self, Head};
use crate::seal::{Place, SealKey};
use crate::staged::Staged;
use crate::tables::{Key, Table};

/// Where an object stands: its row and its line in the list by time.
#[derive(Clone)]
pub(super) struct Slot {
    /// The table of its row.
    pub(super) table: Table,
    /// The key of its row.
    pub(super) key: Vec<u8>,
    /// Its line; none: it stands in no list by time.
    pub(super) line: Option<Line>,
    /// What a refusal names.
    pub(super) target: Target,
}

/// A line of a list by time.
#[derive(Clone)]
pub(super) struct Line {
    /// The list.
    pub(super) list: Table,
    /// What its keys begin with, before the time.
    pub(super) prefix: Vec<u8>,
    /// What they end with, after the time.
    pub(super) name: Vec<u8>,
}

/// An object, sealed, on its way into its slot.
pub(super) struct Object<X> {
    pub(super) slot: Slot,
    pub(super) head: Head<X>,
    row: Vec<u8>,
}

impl Slot {
    fn line_key(&self, created_at: Timestamp) -> Option<(Table, Vec<u8>)> {
        let Line { list, prefix, name } = self.line.as_ref()?;
        Some((*list, Key::unscoped().raw(prefix).time(created_at).raw(name).done()))
    }

    /// Removes the object, which must have this revision.
    pub(super) fn remove<X: DeserializeOwned>(
        self,
        staged: &mut Staged<'_, '_>,
        revision: Revision,
    ) -> Result<Head<X>, CommitError> {
        let stored: Option<Head<X>> = staged.head(self.table, &self.key)?;
        let Some(stored) = stored else { return Err(CommitError::Absent(self.target)) };
        if stored.revision != revision {
            return Err(CommitError::Conflict(self.target));
        }
        if let Some((list, key)) = self.line_key(stored.created_at) {
            staged.remove(list, key);
        }
        staged.remove(self.table, self.key);
        Ok(stored)
    }
}

impl<X: Serialize + DeserializeOwned> Object<X> {
    /// Seals the record of an object for its slot.
    pub(super) fn seal(
        slot: Slot,
        head: Head<X>,
        key: &SealKey,
        record: &[u8],
    ) -> Result<Self, StoreError> {
        let row = seal_row(slot.table, &slot.key, &head, key, record)?;
        Ok(Self { slot, head, row })
    }

    /// Compares revisions, and puts row and list entry. Returns the head it replaces.
    pub(super) fn put(self, staged: &mut Staged<'_, '_>) -> Result<Option<Head<X>>, CommitError> {
        let Self { slot, head, row } = self;
        let stored: Option<Head<X>> = staged.head(slot.table, &slot.key)?;
        check(stored.as_ref().map(|stored| stored.revision), head.revision, &slot.target)?;
        if let Some((list, key)) =
            stored.as_ref().and_then(|stored| slot.line_key(stored.created_at))
        {
            staged.remove(list, key);
        }
        if let Some((list, key)) = slot.line_key(head.created_at) {
            staged.put(list, key, Vec::new());
        }
        staged.put(slot.table, slot.key, row);
        Ok(stored)
    }
}

/// Seals the rest of a row under its head.
pub(super) fn seal_row(
    table: Table,
    row_key: &[u8],
    head: &impl Serialize,
    key: &SealKey,
    record: &[u8],
) -> Result<Vec<u8>, StoreError> {
    let head = row::head_bytes(head)?;
    let sealed = key.seal(Place::row(table, row_key, &head), record).map_err(cannot_seal)?;
    Ok(row::join(&head, &sealed))
}

/// Revision 1 creates; a later one replaces the one before it.
fn check(stored: Option<Revision>, new: Revision, target: &Target) -> Result<(), CommitError> {
    match (stored, new) {
        (None, Revision::FIRST) => Ok(()),
        (None, _) => Err(CommitError::Absent(target.clone())),
        (Some(_), Revision::FIRST) => Err(CommitError::Exists(target.clone())),
        (Some(stored), new) if stored.next() == new => Ok(()),
        (Some(_), _) => Err(CommitError::Conflict(target.clone())),
    }
}
