//! What the scheduler must look at. Suspended tenants are the engine's matter.
//!
//! Rows stand by tenant, so that one tenant with very many of them hides nobody else's: each
//! tenant's are found by a jump, however many another one has.

use std::ops::Bound;

use cordon_model::commit::StoreError;
use cordon_model::{RequestId, TenantId, Timestamp};
use uuid::Uuid;

use super::View;
use crate::row;
use crate::snapshot::{Order, Scan};
use crate::tables::{Key, TIME_BYTES, Table, after, time_bytes};

pub(crate) fn due(
    view: &View<'_>,
    now: Timestamp,
    per_tenant: usize,
) -> Result<Vec<(TenantId, Vec<RequestId>)>, StoreError> {
    let now = time_bytes(now);
    let mut due = Vec::new();
    let mut from = Bound::Unbounded;
    while let Some(tenant) = next_tenant(view, from)? {
        let prefix = Key::of(&tenant).done();
        let ids = due_of(view, &prefix, &now, per_tenant)?;
        if !ids.is_empty() {
            due.push((tenant, ids));
        }
        from = match after(&prefix) {
            Bound::Excluded(end) | Bound::Included(end) => Bound::Included(end),
            Bound::Unbounded => break,
        };
    }
    Ok(due)
}

/// The first tenant beyond a key that has any row.
fn next_tenant(view: &View<'_>, from: Bound<Vec<u8>>) -> Result<Option<TenantId>, StoreError> {
    let mut found = None;
    view.snapshot.scan(Table::Due, b"", from, Order::Ascending, |key, _| {
        let name = key.split(|byte| *byte == 0).next().and_then(|name| str::from_utf8(name).ok());
        found = Some(name.and_then(|name| name.parse().ok()).ok_or_else(damaged)?);
        Ok(Scan::Stop)
    })?;
    Ok(found)
}

fn due_of(
    view: &View<'_>,
    prefix: &[u8],
    now: &[u8],
    most: usize,
) -> Result<Vec<RequestId>, StoreError> {
    let mut ids = Vec::new();
    view.snapshot.scan(Table::Due, prefix, Bound::Unbounded, Order::Ascending, |key, _| {
        let rest = key.get(prefix.len()..).ok_or_else(damaged)?;
        let (time, id) = rest.split_at_checked(TIME_BYTES).ok_or_else(damaged)?;
        if ids.len() == most || time > now {
            return Ok(Scan::Stop);
        }
        ids.push(RequestId::new(Uuid::from_slice(id).map_err(|_| damaged())?));
        Ok(Scan::GoOn)
    })?;
    Ok(ids)
}

fn damaged() -> StoreError {
    row::damaged(Table::Due)
}
