//! Remembered answers to a `POST` with an `Idempotency-Key`.
//!
//! First a claim without an answer, then the answer in its place. Route and key are known by a
//! keyed hash only: people put e-mail addresses into keys.

use cordon_model::TenantId;
use cordon_model::commit::{CommitError, ReplayRecord, Target};

use super::object::seal_row;
use super::{Operation, Preparing};
use crate::record::{self, Answer};
use crate::row::ReplayHead;
use crate::seal::keyring::ScopeKeys;
use crate::staged::Staged;
use crate::tables::{Key, Table};

struct Put {
    key: String,
    row_key: Vec<u8>,
    head: ReplayHead,
    row: Vec<u8>,
}

/// The key of a row.
pub(crate) fn row_key(
    keys: &ScopeKeys,
    tenant: Option<&TenantId>,
    route: &str,
    key: &str,
) -> Vec<u8> {
    let hash = keys.index.mac(&[b"replay", route.as_bytes(), key.as_bytes()]);
    Key::scoped(tenant).raw(&hash).done()
}

/// The entry of a row in the list by expiry.
pub(super) fn expiry_key(head: &ReplayHead, row_key: &[u8]) -> Vec<u8> {
    Key::unscoped().time(head.expires_at).raw(row_key).done()
}

pub(super) fn put(
    preparing: &mut Preparing<'_>,
    new: ReplayRecord,
) -> Result<Box<dyn Operation>, CommitError> {
    let ReplayRecord { tenant, route, key, body_sha256, answer, expires_at } = new;
    let keys = preparing.scope_keys(tenant.as_ref())?;
    let row_key = row_key(&keys, tenant.as_ref(), &route, &key);
    let head = ReplayHead { expires_at, answered: answer.is_some() };
    let record = record::encode(&Answer { body_sha256, answer })?;
    let row = seal_row(Table::Replays, &row_key, &head, &keys.rows, &record)?;
    Ok(Box::new(Put { key, row_key, head, row }))
}

impl Operation for Put {
    fn apply(self: Box<Self>, staged: &mut Staged<'_, '_>) -> Result<(), CommitError> {
        let Self { key, row_key, head, row } = *self;
        let stored: Option<ReplayHead> = staged.head(Table::Replays, &row_key)?;
        if let Some(stored) = stored {
            let completes = head.answered && !stored.answered;
            if !completes {
                return Err(CommitError::Exists(Target::Replay(key)));
            }
            staged.remove(Table::ReplaysByExpiry, expiry_key(&stored, &row_key));
        }
        staged.put(Table::ReplaysByExpiry, expiry_key(&head, &row_key), Vec::new());
        staged.put(Table::Replays, row_key, row);
        Ok(())
    }
}
