//! The ledger: of one request in order, of a scope newest first.

use std::ops::Bound;

use cordon_model::audit::AuditEntry;
use cordon_model::commit::StoreError;
use cordon_model::page::{Listing, Page};
use cordon_model::{RequestId, TenantId};

use super::list::{limit, nothing};
use super::{View, open_row};
use crate::cursor;
use crate::row;
use crate::seal::keyring::ScopeKeys;
use crate::snapshot::{Order, Scan};
use crate::tables::{Key, Table};

/// Oldest first, unlike lists: this is a story.
pub(crate) fn events(
    view: &View<'_>,
    tenant: &TenantId,
    request: RequestId,
    page: &Page,
) -> Result<Listing<AuditEntry>, StoreError> {
    let Some(keys) = view.scope(Some(tenant))? else { return Ok(nothing()) };
    let prefix = Key::of(tenant).uuid(request.as_uuid()).done();
    let mut from = Bound::Unbounded;
    if let Some(cursor) = &page.cursor {
        let Some(rest) = cursor::decode(cursor) else { return Ok(nothing()) };
        from = Bound::Excluded(Key::unscoped().raw(&prefix).raw(&rest).done());
    }
    // One more than the page has, to know whether there is a next one.
    let mut sequences = sequences(view, &prefix, from, limit(page) + 1)?;
    let more = sequences.len() > limit(page);
    sequences.truncate(limit(page));
    let next_cursor =
        sequences.last().filter(|_| more).map(|last| cursor::encode(&last.to_be_bytes()));
    let items = sequences.into_iter().map(|sequence| entry(view, tenant, &keys, sequence));
    Ok(Listing { items: items.collect::<Result<_, _>>()?, next_cursor })
}

pub(crate) fn events_after(
    view: &View<'_>,
    tenant: &TenantId,
    request: RequestId,
    after_sequence: u64,
    limit: usize,
) -> Result<Vec<AuditEntry>, StoreError> {
    let Some(keys) = view.scope(Some(tenant))? else { return Ok(Vec::new()) };
    let prefix = Key::of(tenant).uuid(request.as_uuid()).done();
    let from = Bound::Excluded(Key::unscoped().raw(&prefix).number(after_sequence).done());
    let sequences = sequences(view, &prefix, from, limit)?;
    sequences.into_iter().map(|sequence| entry(view, tenant, &keys, sequence)).collect()
}

/// Newest first, as lists are.
pub(crate) fn audit(
    view: &View<'_>,
    tenant: Option<&TenantId>,
    page: &Page,
) -> Result<Listing<AuditEntry>, StoreError> {
    let Some(keys) = view.scope(tenant)? else { return Ok(nothing()) };
    let scope = Key::scoped(tenant).done();
    let mut before = Bound::Unbounded;
    if let Some(cursor) = &page.cursor {
        let Some(rest) = cursor::decode(cursor) else { return Ok(nothing()) };
        before = Bound::Excluded(Key::unscoped().raw(&scope).raw(&rest).done());
    }
    let table = Table::Audit;
    let mut items: Vec<AuditEntry> = Vec::new();
    let mut more = false;
    view.snapshot.scan(table, &scope, before, Order::Descending, |key, row| {
        if items.len() == limit(page) {
            more = true;
            return Ok(Scan::Stop);
        }
        let sequence = sequence_after(&scope, key, table)?;
        items.push(AuditEntry { sequence, event: open_row(table, key, &keys.rows, row)? });
        Ok(Scan::GoOn)
    })?;
    let last = items.last().filter(|_| more);
    let next_cursor = last.map(|last| cursor::encode(&last.sequence.to_be_bytes()));
    Ok(Listing { items, next_cursor })
}

/// Numbers of events of a request, in order.
fn sequences(
    view: &View<'_>,
    prefix: &[u8],
    from: Bound<Vec<u8>>,
    limit: usize,
) -> Result<Vec<u64>, StoreError> {
    let index = Table::AuditByRequest;
    let mut sequences = Vec::new();
    view.snapshot.scan(index, prefix, from, Order::Ascending, |key, _| {
        if sequences.len() == limit {
            return Ok(Scan::Stop);
        }
        sequences.push(sequence_after(prefix, key, index)?);
        Ok(Scan::GoOn)
    })?;
    Ok(sequences)
}

fn sequence_after(prefix: &[u8], key: &[u8], table: Table) -> Result<u64, StoreError> {
    let rest = key.get(prefix.len()..).and_then(|rest| rest.try_into().ok());
    rest.map(u64::from_be_bytes).ok_or_else(|| row::damaged(table))
}

fn entry(
    view: &View<'_>,
    tenant: &TenantId,
    keys: &ScopeKeys,
    sequence: u64,
) -> Result<AuditEntry, StoreError> {
    let row_key = Key::of(tenant).number(sequence).done();
    let event = view.opened(Table::Audit, &row_key, &keys.rows)?;
    Ok(AuditEntry { sequence, event: event.ok_or_else(|| row::damaged(Table::Audit))? })
}
