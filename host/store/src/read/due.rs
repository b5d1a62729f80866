//! What the scheduler must look at, and when. Suspended tenants are the engine's matter.

use std::ops::Bound;

use cordon_model::commit::StoreError;
use cordon_model::{RequestId, TenantId, Timestamp};
use uuid::Uuid;

use super::View;
use crate::row;
use crate::snapshot::{Order, Scan};
use crate::tables::{TIME_BYTES, Table, after, time_bytes, time_from};

pub(crate) fn due(
    view: &View<'_>,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<(TenantId, RequestId)>, StoreError> {
    let now = time_bytes(now);
    let mut due = Vec::new();
    view.snapshot.scan(Table::Due, b"", Bound::Unbounded, Order::Ascending, |key, _| {
        let (time, rest) = key.split_at_checked(TIME_BYTES).ok_or_else(damaged)?;
        if due.len() == limit || time > now.as_slice() {
            return Ok(Scan::Stop);
        }
        due.push(request_of(rest)?);
        Ok(Scan::GoOn)
    })?;
    Ok(due)
}

pub(crate) fn next_due(view: &View<'_>, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
    // The first key that is not of this very moment.
    let from = match after(&time_bytes(now)) {
        Bound::Excluded(end) | Bound::Included(end) => Bound::Included(end),
        Bound::Unbounded => return Ok(None),
    };
    let mut next = None;
    view.snapshot.scan(Table::Due, b"", from, Order::Ascending, |key, _| {
        let (time, _) = key.split_at_checked(TIME_BYTES).ok_or_else(damaged)?;
        next = Some(time_from(time).ok_or_else(damaged)?);
        Ok(Scan::Stop)
    })?;
    Ok(next)
}

/// `tenant\0` and the id.
fn request_of(rest: &[u8]) -> Result<(TenantId, RequestId), StoreError> {
    let parts = || {
        let (tenant, id) = rest.split_at_checked(rest.iter().position(|byte| *byte == 0)?)?;
        let tenant = std::str::from_utf8(tenant).ok()?.parse().ok()?;
        let id = Uuid::from_slice(id.get(1..)?).ok()?;
        Some((tenant, RequestId::new(id)))
    };
    parts().ok_or_else(damaged)
}

fn damaged() -> StoreError {
    row::damaged(Table::Due)
}
