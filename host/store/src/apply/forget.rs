//! Forgetting answers whose time is over.
//!
//! No change asks for this: the port tells the time only to `replay`, which therefore sends it
//! along. A forgotten key is free again from the moment `replay` said so.

use cordon_model::Timestamp;
use cordon_model::commit::CommitError;

use super::{Operation, Prepared};
use crate::row;
use crate::staged::Staged;
use crate::tables::{Key, TIME_BYTES, Table, time_bytes};

/// Removes answers that expired.
pub(crate) struct Forget {
    /// Those that expired by now.
    pub(crate) now: Timestamp,
    /// This one, whatever stands before it in the list.
    pub(crate) first: Option<(Timestamp, Vec<u8>)>,
    /// At most this many.
    pub(crate) limit: usize,
}

impl Forget {
    /// As a commit of its own.
    pub(crate) fn prepared(self) -> Prepared {
        Prepared { operations: vec![Box::new(self)], files: Vec::new() }
    }
}

impl Operation for Forget {
    fn apply(self: Box<Self>, staged: &mut Staged<'_, '_>) -> Result<(), CommitError> {
        let Self { now, first, limit } = *self;
        let mut expired = staged.first_keys(Table::ReplaysByExpiry, &time_bytes(now), limit)?;
        expired
            .extend(first.map(|(expires_at, row_key)| {
                Key::unscoped().time(expires_at).raw(&row_key).done()
            }));
        for key in expired {
            // Answered, or claimed again, in between: then its expiry stands under another key.
            if !staged.has(Table::ReplaysByExpiry, &key)? {
                continue;
            }
            let row_key =
                key.get(TIME_BYTES..).ok_or_else(|| row::damaged(Table::ReplaysByExpiry))?;
            staged.remove(Table::Replays, row_key.to_vec());
            staged.remove(Table::ReplaysByExpiry, key);
        }
        Ok(())
    }
}
