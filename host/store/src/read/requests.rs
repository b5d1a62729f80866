//! Requests: one, many by a filter, and how many are open.

use std::ops::Bound;

use cordon_model::commit::{RequestFilter, StoreError};
use cordon_model::page::{Listing, Page};
use cordon_model::request::PrivacyRequest;
use cordon_model::{ConnectionKey, PolicyKey, RequestId, TenantId, Timestamp};
use uuid::Uuid;

use super::list::{List, nothing};
use super::{View, open_row};
use crate::apply::request::external_hash;
use crate::record::Stored as _;
use crate::row::{self, Head, RequestIndex};
use crate::snapshot::{Order, Scan};
use crate::tables::{Key, Table, time_bytes};

pub(crate) fn request(
    view: &View<'_>,
    tenant: &TenantId,
    id: RequestId,
) -> Result<Option<PrivacyRequest>, StoreError> {
    let row_key = Key::of(tenant).uuid(id.as_uuid()).done();
    // Of a tenant whose removal went that far there is nothing that could be opened.
    let Some(_) = view.scope(Some(tenant))? else { return Ok(None) };
    let Some(row) = view.snapshot.get(Table::Requests, &row_key)? else { return Ok(None) };
    let key = view.request_key(tenant, id)?.ok_or_else(|| row::damaged(Table::RequestKeys))?;
    open_row(Table::Requests, &row_key, &key, row.value()).map(Some)
}

/// The filter looks at heads, which stand open; only what it lets through is opened.
pub(crate) fn requests(
    view: &View<'_>,
    tenant: &TenantId,
    filter: &RequestFilter,
    page: &Page,
) -> Result<Listing<PrivacyRequest>, StoreError> {
    let RequestFilter { statuses, policy, external_id, created_after, created_before, due_before } =
        filter;
    let Some(keys) = view.scope(Some(tenant))? else { return Ok(nothing()) };
    let scope = Key::of(tenant).done();
    let mut list = match external_id {
        // Looks at no more than those that can be late.
        None if due_before.is_some() => List::new(Table::OpenWithDeadline, scope.clone()),
        None => List::new(Table::RequestsByTime, scope.clone()),
        Some(external_id) => {
            let hash = external_hash(&keys, external_id);
            let prefix = Key::unscoped().raw(&scope).raw(&hash).done();
            List::new(Table::RequestsByExternal, prefix)
        }
    };
    if let Some(before) = created_before {
        let key = Key::unscoped().raw(&list.prefix).time(*before).done();
        list.before = Bound::Excluded(key);
    }
    list.after = created_after.map(time_bytes);
    let statuses: Vec<String> = statuses.iter().map(|status| status.to_record()).collect();
    let passes = |index: &RequestIndex| {
        let RequestIndex {
            status,
            is_final,
            policy: of,
            external_hash: _,
            identity_hashes: _,
            connections: _,
            due_at,
            due: _,
        } = index;
        let late = |before: Timestamp| !is_final && due_at.is_some_and(|due_at| due_at < before);
        (statuses.is_empty() || statuses.contains(status))
            && policy.as_ref().is_none_or(|policy| policy == of)
            && due_before.is_none_or(late)
    };
    list.page(view, page, |name| {
        let row_key = Key::unscoped().raw(&scope).raw(name).done();
        let damaged = || row::damaged(Table::Requests);
        let row = view.snapshot.get(Table::Requests, &row_key)?.ok_or_else(damaged)?;
        let head: Head<RequestIndex> = row::head(Table::Requests, row.value())?;
        if !passes(&head.index) {
            return Ok(None);
        }
        let id = RequestId::new(Uuid::from_slice(name).map_err(|_| damaged())?);
        let key = view.request_key(tenant, id)?.ok_or_else(damaged)?;
        open_row(Table::Requests, &row_key, &key, row.value()).map(Some)
    })
}

pub(crate) fn open_requests_under(
    view: &View<'_>,
    tenant: &TenantId,
    policy: &PolicyKey,
) -> Result<u64, StoreError> {
    view.snapshot.count(Table::OpenByPolicy, &Key::of(tenant).text(policy.as_str()).done())
}

pub(crate) fn open_requests_of(
    view: &View<'_>,
    tenant: &TenantId,
    connection: &ConnectionKey,
    after: Option<RequestId>,
    limit: usize,
) -> Result<Vec<RequestId>, StoreError> {
    let prefix = Key::of(tenant).text(connection.as_str()).done();
    let from = after.map_or(Bound::Unbounded, |id| {
        Bound::Excluded(Key::unscoped().raw(&prefix).uuid(id.as_uuid()).done())
    });
    let mut ids = Vec::new();
    view.snapshot.scan(Table::OpenByConnection, &prefix, from, Order::Ascending, |key, _| {
        if ids.len() == limit {
            return Ok(Scan::Stop);
        }
        let id = key.get(prefix.len()..).and_then(|id| Uuid::from_slice(id).ok());
        let id = id.ok_or_else(|| row::damaged(Table::OpenByConnection))?;
        ids.push(RequestId::new(id));
        Ok(Scan::GoOn)
    })?;
    Ok(ids)
}

pub(crate) fn open_requests_using(
    view: &View<'_>,
    tenant: &TenantId,
    connection: &ConnectionKey,
) -> Result<u64, StoreError> {
    view.snapshot.count(Table::OpenByConnection, &Key::of(tenant).text(connection.as_str()).done())
}
