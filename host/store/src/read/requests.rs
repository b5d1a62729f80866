//! Requests: one, many by a filter, and how many are open.

use std::ops::Bound;

use cordon_model::commit::{RequestFilter, StoreError};
use cordon_model::page::{Listing, Page};
use cordon_model::request::PrivacyRequest;
use cordon_model::{ConnectionKey, PolicyKey, RequestId, TenantId};
use uuid::Uuid;

use super::list::{List, nothing};
use super::{View, open_row};
use crate::apply::request::external_hash;
use crate::record::Stored as _;
use crate::row::{self, Head, RequestIndex};
use crate::tables::{Key, Table, time_bytes};

pub(crate) fn request(
    view: &View<'_>,
    tenant: &TenantId,
    id: RequestId,
) -> Result<Option<PrivacyRequest>, StoreError> {
    let row_key = Key::of(tenant).uuid(id.as_uuid()).done();
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
    let RequestFilter { statuses, policy, external_id, created_after, created_before } = filter;
    let scope = Key::of(tenant).done();
    let mut list = match external_id {
        None => List::new(Table::RequestsByTime, scope.clone()),
        Some(external_id) => {
            let Some(keys) = view.scope(Some(tenant))? else { return Ok(nothing()) };
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
            is_final: _,
            policy: of,
            external_hash: _,
            connections: _,
            due: _,
        } = index;
        (statuses.is_empty() || statuses.contains(status))
            && policy.as_ref().is_none_or(|policy| policy == of)
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

pub(crate) fn open_requests_using(
    view: &View<'_>,
    tenant: &TenantId,
    connection: &ConnectionKey,
) -> Result<u64, StoreError> {
    view.snapshot.count(Table::OpenByConnection, &Key::of(tenant).text(connection.as_str()).done())
}
