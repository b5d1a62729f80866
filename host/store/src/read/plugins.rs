//! Strangers' plugins and their components.

use std::ops::Bound;

use bytes::Bytes;
use cordon_model::TenantId;
use cordon_model::commit::StoreError;
use cordon_model::plugin::InstalledPlugin;

use super::{View, open_bytes, open_row};
use crate::row::{self, FiledHead};
use crate::seal::Place;
use crate::snapshot::{Order, Scan};
use crate::tables::{Key, Table};

pub(crate) fn plugin(
    view: &View<'_>,
    scope: Option<&TenantId>,
    name: &str,
    version: &str,
) -> Result<Option<InstalledPlugin>, StoreError> {
    let Some(keys) = view.scope(scope)? else { return Ok(None) };
    view.opened(Table::Plugins, &row_key(scope, name, version), &keys.rows)
}

pub(crate) fn plugins(
    view: &View<'_>,
    scope: Option<&TenantId>,
) -> Result<Vec<InstalledPlugin>, StoreError> {
    let Some(keys) = view.scope(scope)? else { return Ok(Vec::new()) };
    let (table, prefix) = (Table::Plugins, Key::scoped(scope).done());
    let mut plugins = Vec::new();
    view.snapshot.scan(table, &prefix, Bound::Unbounded, Order::Ascending, |key, row| {
        plugins.push(open_row(table, key, &keys.rows, row)?);
        Ok(Scan::GoOn)
    })?;
    Ok(plugins)
}

pub(crate) fn plugins_of_all(view: &View<'_>) -> Result<Vec<InstalledPlugin>, StoreError> {
    let table = Table::Plugins;
    let mut plugins = Vec::new();
    view.snapshot.scan(table, &[], Bound::Unbounded, Order::Ascending, |key, row| {
        let damaged = || row::damaged(table);
        let scope = key.split(|byte| *byte == 0).next().unwrap_or_default();
        let scope = std::str::from_utf8(scope).map_err(|_| damaged())?;
        let scope: Option<TenantId> = match scope {
            "" => None,
            tenant => Some(tenant.parse().map_err(|_| damaged())?),
        };
        let keys = view.scope(scope.as_ref())?.ok_or_else(damaged)?;
        plugins.push(open_row(table, key, &keys.rows, row)?);
        Ok(Scan::GoOn)
    })?;
    Ok(plugins)
}

pub(crate) fn plugin_component(
    view: &View<'_>,
    scope: Option<&TenantId>,
    name: &str,
    version: &str,
) -> Result<Option<Bytes>, StoreError> {
    let (table, row_key) = (Table::PluginFiles, row_key(scope, name, version));
    let Some(row) = view.snapshot.get(table, &row_key)? else { return Ok(None) };
    let keys = view.scope(scope)?.ok_or_else(|| row::damaged(Table::TenantKeys))?;
    // It is what vouches for the digest in the head.
    open_bytes(table, &row_key, &keys.rows, row.value())?;
    let FiledHead { file } = row::head(table, row.value())?;
    let file = file.ok_or_else(|| row::damaged(table))?;
    let folder = crate::blob::Folder::of_plugins(scope);
    let bytes = view.file_in(&folder, &file, &keys.rows, Place::file_of(table, &row_key))?;
    Ok(Some(Bytes::copy_from_slice(&bytes)))
}

fn row_key(scope: Option<&TenantId>, name: &str, version: &str) -> Vec<u8> {
    Key::scoped(scope).text(name).text(version).done()
}
