//! Remembered answers.

use std::ops::Bound;

use cordon_model::commit::{ReplayRecord, StoreError};
use cordon_model::{TenantId, Timestamp};

use super::{View, open_row};
use crate::apply::replay::row_key;
use crate::record::Answer;
use crate::row::{self, ReplayHead};
use crate::snapshot::{Order, Scan};
use crate::tables::{TIME_BYTES, Table, time_bytes};

/// What is known of a key.
pub(crate) struct Remembered {
    /// The answer, when there is one that is not forgotten.
    pub(crate) record: Option<ReplayRecord>,
    /// The row of an answer to this key that is to be forgotten: its expiry and its key.
    pub(crate) expired: Option<(Timestamp, Vec<u8>)>,
    /// Whether any answer is to be forgotten.
    pub(crate) any_expired: bool,
}

pub(crate) fn replay(
    view: &View<'_>,
    tenant: Option<&TenantId>,
    route: &str,
    key: &str,
    now: Timestamp,
) -> Result<Remembered, StoreError> {
    let mut remembered =
        Remembered { record: None, expired: None, any_expired: any_expired(view, now)? };
    let Some(keys) = view.scope(tenant)? else { return Ok(remembered) };
    let row_key = row_key(&keys, tenant, route, key);
    let Some(row) = view.snapshot.get(Table::Replays, &row_key)? else { return Ok(remembered) };
    let head: ReplayHead = row::head(Table::Replays, row.value())?;
    let Answer { body_sha256, answer } =
        open_row(Table::Replays, &row_key, &keys.rows, row.value())?;
    if head.expires_at <= now {
        remembered.expired = Some((head.expires_at, row_key));
        return Ok(remembered);
    }
    remembered.record = Some(ReplayRecord {
        tenant: tenant.cloned(),
        route: route.to_owned(),
        key: key.to_owned(),
        body_sha256,
        answer,
        expires_at: head.expires_at,
    });
    Ok(remembered)
}

fn any_expired(view: &View<'_>, now: Timestamp) -> Result<bool, StoreError> {
    let now = time_bytes(now);
    let mut any = false;
    let index = Table::ReplaysByExpiry;
    view.snapshot.scan(index, b"", Bound::Unbounded, Order::Ascending, |key, _| {
        any = key.get(..TIME_BYTES).is_some_and(|time| time <= now.as_slice());
        Ok(Scan::Stop)
    })?;
    Ok(any)
}
