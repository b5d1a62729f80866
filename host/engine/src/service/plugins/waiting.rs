//! What versions of its plugin that a connection is not with would need of it, so that somebody
//! can decide before switching: newer ones that are installed, and the active one when the
//! connection stayed behind.
//!
//! Each is asked as a switch would ask it (`activate.rs`), and nothing is written. Called with the
//! grants of a connection.

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeSet;

use cordon_model::PluginDigest;
use cordon_model::connection::Connection;
use cordon_model::grant::Grants;
use cordon_model::plugin::{InstalledPlugin, PluginRef};
use cordon_model::port::Readiness;
use futures_util::{StreamExt as _, stream};

use super::activate::{Why, asks_for_more, not_now};
use super::order::order;
use crate::{Access, Error, Services};

/// A version of a connection's plugin that the connection is not with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingVersion {
    /// Which.
    pub plugin: PluginRef,
    /// Whether it is the active one, and the connection stayed behind.
    pub active: bool,
    /// Why the connection would not go over to it; none: it would.
    pub hindrance: Option<Why>,
    /// What the connection would need with it beyond what it was granted.
    pub missing: Grants,
}

impl Services {
    /// The versions that a connection could go over to, the active one first, then what was
    /// installed last. At most `waiting_versions_max` of them.
    pub(in crate::service) async fn waiting_versions(
        &self,
        access: &Access,
        connection: &Connection,
    ) -> Result<Vec<WaitingVersion>, Error> {
        let active = self.active_for(connection);
        let mut candidates = self.candidates(connection, active).await?;
        candidates.truncate(self.options.waiting_versions_max);
        let looks = candidates.into_iter().map(|plugin| async move {
            let is_active = active == Some(plugin.reference.digest);
            self.look_ahead(access, connection, plugin, is_active).await
        });
        let looks = stream::iter(looks).buffered(self.options.plugin_checks_max.max(1));
        Ok(looks.collect().await)
    }

    fn active_for(&self, connection: &Connection) -> Option<PluginDigest> {
        let (tenant, kind) = (&connection.tenant, &connection.connector_type);
        self.ports.connectors.plugin_for(tenant, kind).map(|plugin| plugin.reference.digest)
    }

    async fn candidates(
        &self,
        connection: &Connection,
        active: Option<PluginDigest>,
    ) -> Result<Vec<InstalledPlugin>, Error> {
        let mut installed = self.store().plugins(Some(&connection.tenant)).await?;
        installed.extend(self.store().plugins(None).await?);
        installed.retain(|plugin| plugin.descriptor.connector_type == connection.connector_type);
        let own = &connection.plugin;
        let came_at = |plugin: &InstalledPlugin| plugin.installed_at;
        let own_came_at = installed.iter().find(|p| p.reference.digest == own.digest).map(&came_at);
        installed.retain(|plugin| {
            let reference = &plugin.reference;
            let newer = match order(&reference.version, &own.version) {
                Some(order) => order == Ordering::Greater,
                // Versions without an order follow each other as they came.
                None => own_came_at.is_some_and(|own| came_at(plugin) > own),
            };
            reference.digest != own.digest
                && (active == Some(reference.digest) || (reference.name == own.name && newer))
        });
        // One component may serve the tenant and all.
        let mut seen = BTreeSet::new();
        installed.retain(|plugin| seen.insert(plugin.reference.digest));
        installed.sort_by_key(|plugin| {
            Reverse((active == Some(plugin.reference.digest), came_at(plugin)))
        });
        Ok(installed)
    }

    async fn look_ahead(
        &self,
        access: &Access,
        connection: &Connection,
        plugin: InstalledPlugin,
        active: bool,
    ) -> WaitingVersion {
        let reference = plugin.reference.clone();
        let without = |hindrance| WaitingVersion {
            plugin: reference.clone(),
            active,
            hindrance: Some(hindrance),
            missing: Grants::default(),
        };
        match self.ports.plugins.readiness(plugin.scope.as_ref(), reference.digest) {
            Readiness::Ready => {}
            Readiness::Loading => {
                return without(Why::NotNow("the plugin is being loaded".to_owned()));
            }
            Readiness::Unavailable(why) => {
                return without(Why::NotNow(format!("the plugin cannot be loaded: {why}")));
            }
        }
        match self.reassess(access, connection, plugin.plugin()).await {
            Ok(new) => WaitingVersion {
                active,
                hindrance: asks_for_more(connection, &new).map(|more| Why::NeedsMore(more.into())),
                missing: new.needs.beyond(&connection.grants),
                plugin: reference,
            },
            Err(Error::Invalid(problems)) => without(Why::Refused(problems)),
            Err(error) => without(not_now(&error)),
        }
    }
}
