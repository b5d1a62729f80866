//! Which plugins there are, as somebody sees them, and what uses them.

use std::collections::BTreeSet;

use cordon_model::connection::Connection;
use cordon_model::page::Page;
use cordon_model::plugin::{DamagedPlugin, InstalledPlugin, Plugin};
use cordon_model::port::Readiness;
use cordon_model::{PluginDigest, RequestId, TenantId};

use super::PluginAccess;
use crate::{Conflict, Error, Missing, Services};

/// Most open requests of one connection that are taken from the store at once.
const REQUESTS_AT_ONCE: usize = 256;

/// A plugin, wherever it comes from.
#[derive(Debug, Clone)]
pub struct KnownPlugin {
    /// What it is.
    pub plugin: Plugin,
    /// How it was installed; none: it came with the host.
    pub installed: Option<InstalledPlugin>,
    /// Whether connections of its type are written with it.
    pub active: bool,
    /// Whether it can be called.
    pub readiness: Readiness,
}

impl Services {
    /// Everything that the caller can see, by name and version: what came with the host, what
    /// serves all, and what serves its tenant. An operator that acts for nobody in particular
    /// sees every tenant's.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list_plugins(&self, access: &PluginAccess) -> Result<Vec<KnownPlugin>, Error> {
        let mut installed = match &access.scope {
            None => self.store().plugins_of_all().await?.plugins,
            Some(tenant) => {
                let own = self.store().plugins(Some(tenant)).await?;
                own.into_iter().chain(self.store().plugins(None).await?).collect()
            }
        };
        installed.sort_by(|a, b| order(a).cmp(&order(b)));
        let mut known = self.own_plugins(&installed);
        known.extend(installed.into_iter().map(|plugin| self.known(plugin)));
        Ok(known)
    }

    /// Those whose row cannot be read, of what the caller can see.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn damaged_plugins(
        &self,
        access: &PluginAccess,
    ) -> Result<Vec<DamagedPlugin>, Error> {
        let mut damaged = self.store().plugins_of_all().await?.damaged;
        let seen = |plugin: &DamagedPlugin| plugin.scope.is_none() || plugin.scope == access.scope;
        damaged.retain(|plugin| access.scope.is_none() || seen(plugin));
        Ok(damaged)
    }

    /// One of them.
    pub(super) async fn damaged_plugin(
        &self,
        access: &PluginAccess,
        name: &str,
        version: &str,
    ) -> Result<Option<DamagedPlugin>, Error> {
        let damaged = self.damaged_plugins(access).await?;
        let is_it = |plugin: &DamagedPlugin| {
            plugin.scope == access.scope && plugin.name == name && plugin.version == version
        };
        Ok(damaged.into_iter().find(is_it))
    }

    /// One plugin that the caller can see.
    ///
    /// # Errors
    /// When there is none.
    pub async fn plugin(
        &self,
        access: &PluginAccess,
        name: &str,
        version: &str,
    ) -> Result<KnownPlugin, Error> {
        if let Some(installed) = self.find_installed(access, name, version).await? {
            return Ok(self.known(installed));
        }
        let of_all = self.store().plugins(None).await?;
        let named = |known: &KnownPlugin| {
            known.plugin.reference.name == name && known.plugin.reference.version == version
        };
        let own = self.own_plugins(&of_all).into_iter().find(named);
        own.ok_or(Error::NotFound(Missing::Plugin))
    }

    /// One that is installed, to be changed.
    pub(super) async fn installed_plugin(
        &self,
        access: &PluginAccess,
        name: &str,
        version: &str,
    ) -> Result<InstalledPlugin, Error> {
        if let Some(installed) = self.find_installed(access, name, version).await? {
            return Ok(installed);
        }
        // Absent, or of the host.
        self.plugin(access, name, version).await?;
        let detail = format!("{name} {version} comes with the host and stays as it is");
        Err(Error::conflict(Conflict::InUse, detail))
    }

    async fn find_installed(
        &self,
        access: &PluginAccess,
        name: &str,
        version: &str,
    ) -> Result<Option<InstalledPlugin>, Error> {
        if let Some(tenant) = &access.scope
            && let Some(own) = self.store().plugin(Some(tenant), name, version).await?
        {
            return Ok(Some(own));
        }
        Ok(self.store().plugin(None, name, version).await?)
    }

    pub(super) fn known(&self, installed: InstalledPlugin) -> KnownPlugin {
        let (scope, digest) = (installed.scope.as_ref(), installed.reference.digest);
        KnownPlugin {
            plugin: installed.plugin(),
            active: installed.active,
            readiness: self.ports.plugins.readiness(scope, digest),
            installed: Some(installed),
        }
    }

    /// What came with the host: everybody's, and not installed.
    fn own_plugins(&self, installed: &[InstalledPlugin]) -> Vec<KnownPlugin> {
        let anybody = TenantId::default_tenant();
        let connectors = &self.ports.connectors;
        let stored: BTreeSet<PluginDigest> =
            installed.iter().map(|plugin| plugin.reference.digest).collect();
        let own =
            |plugin: &Plugin| plugin.scope.is_none() && !stored.contains(&plugin.reference.digest);
        let known = connectors.plugins(&anybody).into_iter().filter(own).map(|plugin| {
            let active = connectors.plugin_for(&anybody, &plugin.descriptor.connector_type);
            KnownPlugin {
                active: active.is_some_and(|active| active.reference == plugin.reference),
                readiness: self.ports.plugins.readiness(None, plugin.reference.digest),
                installed: None,
                plugin,
            }
        });
        known.collect()
    }

    /// Every connection of the plugin's type in every tenant that it serves.
    pub(super) async fn connections_of(
        &self,
        plugin: &InstalledPlugin,
    ) -> Result<Vec<Connection>, Error> {
        let mut connections = Vec::new();
        for tenant in self.served_by(plugin).await? {
            let all = self.all_connections(&tenant).await?;
            let of_type = |c: &Connection| c.connector_type == plugin.descriptor.connector_type;
            connections.extend(all.into_iter().filter(of_type));
        }
        Ok(connections)
    }

    async fn served_by(&self, plugin: &InstalledPlugin) -> Result<Vec<TenantId>, Error> {
        if let Some(tenant) = &plugin.scope {
            return Ok(vec![tenant.clone()]);
        }
        let (mut tenants, mut page) = (Vec::new(), Page::first());
        loop {
            let listing = self.store().tenants(&page).await?;
            tenants.extend(listing.items.into_iter().map(|tenant| tenant.id));
            match listing.next_cursor {
                Some(cursor) => page.cursor = Some(cursor),
                None => return Ok(tenants),
            }
        }
    }

    /// How many connections are written with a plugin, and how many open requests pin it: every
    /// one of them, so that what an operator waits for is told exactly.
    pub(super) async fn uses_of(&self, plugin: &InstalledPlugin) -> Result<(usize, usize), Error> {
        let digest = plugin.reference.digest;
        let connections = self.connections_of(plugin).await?;
        let using = connections.iter().filter(|c| c.plugin.digest == digest).count();
        let mut pinning = BTreeSet::new();
        for connection in &connections {
            pinning.extend(self.requests_pinning(connection, digest).await?);
        }
        Ok((using, pinning.len()))
    }

    async fn requests_pinning(
        &self,
        connection: &Connection,
        digest: PluginDigest,
    ) -> Result<Vec<RequestId>, Error> {
        let (tenant, store) = (&connection.tenant, self.store());
        let (mut pinning, mut after) = (Vec::new(), None);
        loop {
            let open =
                store.open_requests_of(tenant, &connection.key, after, REQUESTS_AT_ONCE).await?;
            after = open.last().copied();
            for id in &open {
                let request = store.request(tenant, *id).await?;
                let mut tasks = request.iter().flat_map(|request| &request.tasks);
                if tasks.any(|task| task.plugin.digest == digest) {
                    pinning.push(*id);
                }
            }
            if open.len() < REQUESTS_AT_ONCE {
                return Ok(pinning);
            }
        }
    }
}

fn order(plugin: &InstalledPlugin) -> (&str, &str, Option<&TenantId>) {
    (&plugin.reference.name, &plugin.reference.version, plugin.scope.as_ref())
}
