//! What operators configure: tenants, API keys, connections, policies and their webhooks.

use std::ops::Bound;

use cordon_model::api_key::ApiKey;
use cordon_model::commit::StoreError;
use cordon_model::connection::Connection;
use cordon_model::page::{Listing, Page};
use cordon_model::policy::{ManualWebhook, Policy};
use cordon_model::secret::Credentials;
use cordon_model::tenant::Tenant;
use cordon_model::webhook::PolicyWebhook;
use cordon_model::{ApiKeyId, ConnectionKey, PolicyKey, Revision, TenantId, WebhookId};
use uuid::Uuid;

use super::list::{List, nothing};
use super::{View, open_row};
use crate::record::{self, Stored};
use crate::row;
use crate::seal::{Place, WRAPPED_BYTES};
use crate::snapshot::{Order, Scan};
use crate::tables::{Key, TIME_BYTES, Table};

pub(crate) fn tenant(view: &View<'_>, tenant: &TenantId) -> Result<Option<Tenant>, StoreError> {
    view.opened(Table::Tenants, &Key::of(tenant).done(), &view.keyring.host().rows)
}

pub(crate) fn tenants(view: &View<'_>, page: &Page) -> Result<Listing<Tenant>, StoreError> {
    let keys = view.keyring.host();
    List::new(Table::TenantsByTime, Vec::new()).page(view, page, |name| {
        listed(view.opened(Table::Tenants, name, &keys.rows)?, Table::Tenants).map(Some)
    })
}

pub(crate) fn api_key_by_hash(
    view: &View<'_>,
    hash: &[u8; 32],
) -> Result<Option<ApiKey>, StoreError> {
    let Some(row_key) = view.snapshot.get(Table::ApiKeysByHash, hash)? else { return Ok(None) };
    let row_key = row_key.value();
    let owner = row_key.split(|byte| *byte == 0).next().unwrap_or_default();
    let owner = std::str::from_utf8(owner).map_err(|_| row::damaged(Table::ApiKeysByHash))?;
    let owner: Option<TenantId> = match owner {
        "" => None,
        tenant => Some(tenant.parse().map_err(|_| row::damaged(Table::ApiKeysByHash))?),
    };
    scoped(view, owner.as_ref(), Table::ApiKeys, row_key)
}

pub(crate) fn api_key(
    view: &View<'_>,
    tenant: Option<&TenantId>,
    id: ApiKeyId,
) -> Result<Option<ApiKey>, StoreError> {
    let row_key = Key::scoped(tenant).uuid(id.as_uuid()).done();
    scoped(view, tenant, Table::ApiKeys, &row_key)
}

pub(crate) fn api_keys(
    view: &View<'_>,
    tenant: Option<&TenantId>,
    page: &Page,
) -> Result<Listing<ApiKey>, StoreError> {
    all(view, tenant, Table::ApiKeysByTime, Table::ApiKeys, page)
}

pub(crate) fn connection(
    view: &View<'_>,
    tenant: &TenantId,
    key: &ConnectionKey,
) -> Result<Option<Connection>, StoreError> {
    let row_key = Key::of(tenant).text(key.as_str()).done();
    scoped(view, Some(tenant), Table::Connections, &row_key)
}

pub(crate) fn connection_by_uuid(
    view: &View<'_>,
    tenant: &TenantId,
    uuid: &Uuid,
) -> Result<Option<Connection>, StoreError> {
    let by_uuid = Key::of(tenant).uuid(uuid).done();
    let Some(key) = view.snapshot.get(Table::ConnectionsByUuid, &by_uuid)? else {
        return Ok(None);
    };
    let key = std::str::from_utf8(key.value()).ok().and_then(|key| key.parse().ok());
    connection(view, tenant, &key.ok_or_else(|| row::damaged(Table::ConnectionsByUuid))?)
}

pub(crate) fn connection_at(
    view: &View<'_>,
    tenant: &TenantId,
    key: &ConnectionKey,
    revision: Revision,
) -> Result<Option<Connection>, StoreError> {
    let row_key = Key::of(tenant).text(key.as_str()).number(revision.0).done();
    scoped(view, Some(tenant), Table::ConnectionRevisions, &row_key)
}

pub(crate) fn connections(
    view: &View<'_>,
    tenant: &TenantId,
    page: &Page,
) -> Result<Listing<Connection>, StoreError> {
    all(view, Some(tenant), Table::ConnectionsByTime, Table::Connections, page)
}

pub(crate) fn vault(
    view: &View<'_>,
    tenant: &TenantId,
    connection: &ConnectionKey,
) -> Result<Option<Credentials>, StoreError> {
    let row_key = Key::of(tenant).text(connection.as_str()).done();
    let Some(row) = view.snapshot.get(Table::Vault, &row_key)? else { return Ok(None) };
    let Some(keys) = view.scope(Some(tenant))? else { return Ok(None) };
    let damaged = || row::damaged(Table::Vault);
    let row::Parts { head: wrapped, sealed } = row::split(Table::Vault, row.value())?;
    if wrapped.len() != WRAPPED_BYTES {
        return Err(damaged());
    }
    let place = Place::row(Table::Vault, &row_key, b"key");
    let secret = keys.wrap.unwrap(place, wrapped).map_err(|_| damaged())?;
    let place = Place::row(Table::Vault, &row_key, b"secrets");
    let record = secret.open(place, sealed).map_err(|_| damaged())?;
    record::decode(&record, Table::Vault.name()).map(Some)
}

pub(crate) fn policy(
    view: &View<'_>,
    tenant: &TenantId,
    key: &PolicyKey,
) -> Result<Option<Policy>, StoreError> {
    let row_key = Key::of(tenant).text(key.as_str()).done();
    scoped(view, Some(tenant), Table::Policies, &row_key)
}

pub(crate) fn policies(
    view: &View<'_>,
    tenant: &TenantId,
    page: &Page,
) -> Result<Listing<Policy>, StoreError> {
    all(view, Some(tenant), Table::PoliciesByTime, Table::Policies, page)
}

pub(crate) fn manual_webhook(
    view: &View<'_>,
    tenant: &TenantId,
    connection: &ConnectionKey,
) -> Result<Option<ManualWebhook>, StoreError> {
    let row_key = Key::of(tenant).text(connection.as_str()).done();
    scoped(view, Some(tenant), Table::Webhooks, &row_key)
}

pub(crate) fn manual_webhooks(
    view: &View<'_>,
    tenant: &TenantId,
    policy: &PolicyKey,
) -> Result<Vec<ManualWebhook>, StoreError> {
    let prefix = Key::of(tenant).text(policy.as_str()).done();
    let mut names = Vec::new();
    let index = Table::WebhooksByPolicy;
    view.snapshot.scan(index, &prefix, Bound::Unbounded, Order::Ascending, |key, _| {
        let name = key.get(prefix.len() + TIME_BYTES..).ok_or_else(|| row::damaged(index))?;
        names.push(Key::of(tenant).raw(name).done());
        Ok(Scan::GoOn)
    })?;
    let load = |row_key: Vec<u8>| {
        listed(scoped(view, Some(tenant), Table::Webhooks, &row_key)?, Table::Webhooks)
    };
    names.into_iter().map(load).collect()
}

pub(crate) fn policy_webhook(
    view: &View<'_>,
    tenant: &TenantId,
    policy: &PolicyKey,
    id: WebhookId,
) -> Result<Option<PolicyWebhook>, StoreError> {
    let row_key = Key::of(tenant).text(policy.as_str()).uuid(id.as_uuid()).done();
    scoped(view, Some(tenant), Table::PolicyWebhooks, &row_key)
}

pub(crate) fn policy_webhooks(
    view: &View<'_>,
    tenant: &TenantId,
    policy: &PolicyKey,
) -> Result<Vec<PolicyWebhook>, StoreError> {
    let Some(keys) = view.scope(Some(tenant))? else { return Ok(Vec::new()) };
    let prefix = Key::of(tenant).text(policy.as_str()).done();
    let mut webhooks: Vec<PolicyWebhook> = Vec::new();
    let (table, order) = (Table::PolicyWebhooks, Order::Ascending);
    view.snapshot.scan(table, &prefix, Bound::Unbounded, order, |row_key, row| {
        webhooks.push(open_row(table, row_key, &keys.rows, row)?);
        Ok(Scan::GoOn)
    })?;
    webhooks.sort_by_key(|webhook| (webhook.phase, webhook.order, webhook.id));
    Ok(webhooks)
}

/// One row of a scope, opened under the scope's key.
fn scoped<T: Stored>(
    view: &View<'_>,
    tenant: Option<&TenantId>,
    table: Table,
    row_key: &[u8],
) -> Result<Option<T>, StoreError> {
    let Some(row) = view.snapshot.get(table, row_key)? else { return Ok(None) };
    let keys = view.scope(tenant)?.ok_or_else(|| row::damaged(Table::TenantKeys))?;
    open_row(table, row_key, &keys.rows, row.value()).map(Some)
}

/// One page of everything of a scope.
fn all<T: Stored>(
    view: &View<'_>,
    tenant: Option<&TenantId>,
    index: Table,
    table: Table,
    page: &Page,
) -> Result<Listing<T>, StoreError> {
    let Some(keys) = view.scope(tenant)? else { return Ok(nothing()) };
    let scope = Key::scoped(tenant).done();
    List::new(index, scope.clone()).page(view, page, |name| {
        let row_key = Key::unscoped().raw(&scope).raw(name).done();
        listed(view.opened(table, &row_key, &keys.rows)?, table).map(Some)
    })
}

/// A row that an index names must be there: both are written in one transaction.
fn listed<T>(found: Option<T>, table: Table) -> Result<T, StoreError> {
    found.ok_or_else(|| row::damaged(table))
}
