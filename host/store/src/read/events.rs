//! The ledger of one request, in order.

use std::ops::Bound;

use cordon_model::audit::AuditEntry;
use cordon_model::commit::StoreError;
use cordon_model::page::{Listing, Page};
use cordon_model::{RequestId, TenantId};

use super::View;
use super::list::{limit, nothing};
use crate::cursor;
use crate::row;
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
    let index = Table::AuditByRequest;
    let mut sequences: Vec<[u8; 8]> = Vec::new();
    let mut more = false;
    view.snapshot.scan(index, &prefix, from, Order::Ascending, |key, _| {
        if sequences.len() == limit(page) {
            more = true;
            return Ok(Scan::Stop);
        }
        let rest = key.get(prefix.len()..).and_then(|rest| rest.try_into().ok());
        sequences.push(rest.ok_or_else(|| row::damaged(index))?);
        Ok(Scan::GoOn)
    })?;
    let next_cursor = sequences.last().filter(|_| more).map(|last| cursor::encode(last));
    let load = |sequence: [u8; 8]| {
        let sequence = u64::from_be_bytes(sequence);
        let row_key = Key::of(tenant).number(sequence).done();
        let event = view.opened(Table::Audit, &row_key, &keys.rows)?;
        Ok(AuditEntry { sequence, event: event.ok_or_else(|| row::damaged(Table::Audit))? })
    };
    let items: Result<Vec<_>, StoreError> = sequences.into_iter().map(load).collect();
    Ok(Listing { items: items?, next_cursor })
}
