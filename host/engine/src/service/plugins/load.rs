//! Strangers' plugins after a start of the host: first all are made known, before anything runs,
//! then they are loaded side by side, while the host is at work already.
//!
//! One that cannot be loaded stops nothing: it is listed with its problem, and its connections
//! answer `plugin_unavailable`. That is also what becomes of one whose signature does not count any
//! more.

use cordon_model::TenantId;
use cordon_model::plugin::{DamagedPlugin, InstalledPlugin, StoredPlugins};
use futures_util::{StreamExt as _, stream};

use crate::{Error, Services};

/// Plugins that are known and not loaded yet.
#[derive(Debug)]
pub struct Announced(Vec<InstalledPlugin>);

impl Services {
    /// Makes every installed plugin known. Until it is loaded its calls wait.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn announce_plugins(&self) -> Result<Announced, Error> {
        let StoredPlugins { plugins: mut installed, damaged } =
            self.store().plugins_of_all().await?;
        for DamagedPlugin { scope, name, version, .. } in damaged {
            let tenant = scope.as_ref().map(TenantId::as_str);
            tracing::error!(
                tenant.id = tenant,
                name,
                version,
                "the row of a plugin is damaged; remove it and install it again"
            );
        }
        // In the order in which they came; what is active is needed first.
        installed.sort_by_key(|plugin| (!plugin.active, plugin.installed_at));
        for plugin in &installed {
            self.ports.plugins.announce(plugin);
        }
        Ok(Announced(installed))
    }

    /// Loads what was made known. Returns when each is loaded or given up.
    pub async fn load_plugins(&self, announced: Announced) {
        let loads = announced.0.into_iter().map(|plugin| self.load_plugin(plugin));
        let loads = stream::iter(loads).buffer_unordered(self.options.plugin_loads_max.max(1));
        loads.for_each(async |()| {}).await;
    }

    async fn load_plugin(&self, plugin: InstalledPlugin) {
        let (scope, reference) = (plugin.scope.as_ref(), &plugin.reference);
        let read = self.store().plugin_component(scope, &reference.name, &reference.version);
        match read.await {
            Ok(Some(component)) => match self.doubted(&plugin, &component).await {
                Ok(None) => self.ports.plugins.load(&plugin, component).await,
                Ok(Some(doubt)) => self.ports.plugins.give_up(&plugin, &doubt),
                Err(error) => self.ports.plugins.give_up(&plugin, &error.to_string()),
            },
            Ok(None) => self.ports.plugins.give_up(&plugin, "its component is not there"),
            Err(error) => {
                let problem = format!("its component cannot be read: {error}");
                self.ports.plugins.give_up(&plugin, &problem);
            }
        }
    }
}
