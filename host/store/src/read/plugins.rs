//! Strangers' plugins and their components.

use std::ops::Bound;

use bytes::Bytes;
use cordon_model::TenantId;
use cordon_model::commit::StoreError;
use cordon_model::plugin::{DamagedPlugin, InstalledPlugin, StoredPlugins};

use super::{View, open_bytes, open_row};
use crate::row::{self, FiledHead, Head, NewestHead, Plain};
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
        // One that is damaged is in nobody's way but its own; `plugins_of_all` tells of it.
        match open_row(table, key, &keys.rows, row) {
            Ok(plugin) => plugins.push(plugin),
            Err(StoreError::Damaged(_)) => {}
            Err(error) => return Err(error),
        }
        Ok(Scan::GoOn)
    })?;
    Ok(plugins)
}

pub(crate) fn plugins_of_all(view: &View<'_>) -> Result<StoredPlugins, StoreError> {
    let table = Table::Plugins;
    let mut all = StoredPlugins::default();
    view.snapshot.scan(table, &[], Bound::Unbounded, Order::Ascending, |key, row| {
        let damaged = || row::damaged(table);
        let RowKey { scope, name, version } = RowKey::read(key).ok_or_else(damaged)?;
        let opened = match view.scope(scope.as_ref())? {
            Some(keys) => open_row(table, key, &keys.rows, row),
            None => Err(damaged()),
        };
        match opened {
            Ok(plugin) => all.plugins.push(plugin),
            Err(StoreError::Damaged(_)) => {
                let head: Result<Head<Plain>, _> = row::head(table, row);
                let revision = head.ok().map(|head| head.revision);
                all.damaged.push(DamagedPlugin { scope, name, version, revision });
            }
            Err(error) => return Err(error),
        }
        Ok(Scan::GoOn)
    })?;
    Ok(all)
}

pub(crate) fn newest_plugin_version(
    view: &View<'_>,
    scope: Option<&TenantId>,
    name: &str,
) -> Result<Option<String>, StoreError> {
    let Some(keys) = view.scope(scope)? else { return Ok(None) };
    let (table, row_key) = (Table::PluginNewest, Key::scoped(scope).text(name).done());
    let Some(row) = view.snapshot.get(table, &row_key)? else { return Ok(None) };
    // It is what vouches for the version in the head.
    open_bytes(table, &row_key, &keys.rows, row.value())?;
    let NewestHead { version } = row::head(table, row.value())?;
    Ok(Some(version))
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

/// What the key of a plugin's row says.
struct RowKey {
    scope: Option<TenantId>,
    name: String,
    version: String,
}

impl RowKey {
    fn read(key: &[u8]) -> Option<Self> {
        let mut parts = key.split(|byte| *byte == 0).map(std::str::from_utf8);
        let mut part = || parts.next()?.ok();
        let (scope, name, version) = (part()?, part()?.to_owned(), part()?.to_owned());
        let scope = match scope {
            "" => None,
            tenant => Some(tenant.parse().ok()?),
        };
        Some(Self { scope, name, version })
    }
}
