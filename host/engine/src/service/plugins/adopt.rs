//! Connections whose plugin is gone, at a start of the host: a built-in connector has other bytes
//! since the host was upgraded, or a version was removed while a connection was written with it.
//!
//! They go over to the active plugin of their type, because there is nothing to stay with. None is
//! given more than it was granted: one that would need more waits for approval and says for what.
//! Tasks keep what they pin.

use std::collections::BTreeSet;

use cordon_model::audit::Actor;
use cordon_model::commit::CommitError;
use cordon_model::connection::Connection;
use cordon_model::page::Page;
use cordon_model::plugin::{InstalledPlugin, Plugin};
use cordon_model::{PluginDigest, TenantId};

use crate::{Access, Error, Services};

/// How often a connection is looked at again because it was written in between.
const TRIES_MAX: u32 = 3;

/// Which plugins take connections over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adopters {
    /// Those that came with the host; they are ready at once.
    BuiltIn,
    /// All. Strangers' are to be loaded before.
    All,
}

impl Services {
    /// Takes over connections whose plugin this host does not have. What cannot be taken over now
    /// stays as it is; its calls answer `plugin_unavailable`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn adopt_connections(&self, adopters: Adopters) -> Result<(), Error> {
        let mut page = Page::first();
        loop {
            let listing = self.store().tenants(&page).await?;
            for tenant in listing.items {
                self.adopt_in(&tenant.id, adopters).await?;
            }
            match listing.next_cursor {
                Some(cursor) => page.cursor = Some(cursor),
                None => return Ok(()),
            }
        }
    }

    /// Takes over connections that were written with a plugin while it was removed.
    pub(super) async fn adopt_left_behind(&self, gone: &InstalledPlugin) -> Result<(), Error> {
        for connection in self.connections_of(gone).await? {
            let (tenant, kind) = (&connection.tenant, &connection.connector_type);
            if connection.plugin.digest != gone.reference.digest {
                continue;
            }
            if let Some(plugin) = self.ports.connectors.plugin_for(tenant, kind) {
                self.adopt(connection, plugin).await;
            }
        }
        Ok(())
    }

    async fn adopt_in(&self, tenant: &TenantId, adopters: Adopters) -> Result<(), Error> {
        let connectors = &self.ports.connectors;
        let known: BTreeSet<PluginDigest> =
            connectors.plugins(tenant).iter().map(|plugin| plugin.reference.digest).collect();
        for connection in self.all_connections(tenant).await? {
            if known.contains(&connection.plugin.digest) {
                continue;
            }
            let Some(plugin) = connectors.plugin_for(tenant, &connection.connector_type) else {
                continue;
            };
            if adopters == Adopters::All || plugin.built_in {
                self.adopt(connection, plugin).await;
            }
        }
        Ok(())
    }

    async fn adopt(&self, mut connection: Connection, plugin: Plugin) {
        let (tenant, key) = (connection.tenant.clone(), connection.key.clone());
        let from = connection.plugin.digest;
        let acting = Access { tenant: tenant.clone(), actor: Actor::Host };
        for _ in 0..TRIES_MAX {
            let mut new = match self.reassess(&acting, &connection, plugin.clone()).await {
                Ok(new) => new,
                Err(error) => return left(&connection, &error),
            };
            // What a built-in connector needs is granted when a person writes it, and nobody did.
            new.grants = connection.grants.clone();
            let waits = !new.missing().is_empty();
            match self.store().commit(self.moving(&acting, new)).await {
                Ok(()) => {
                    let digest = plugin.reference.digest;
                    tracing::info!(
                        tenant.id = %tenant,
                        connection.id = %key,
                        plugin.digest = %digest,
                        waits_for_approval = waits,
                        "a connection whose plugin is gone went over to the one that is there"
                    );
                    return;
                }
                // Written in between: what stands there now is looked at.
                Err(CommitError::Conflict(_)) => {}
                Err(error) => return left(&connection, &error.into()),
            }
            match self.store().connection(&tenant, &key).await {
                Ok(Some(written)) if written.plugin.digest == from => connection = written,
                Ok(_) => return,
                Err(error) => return left(&connection, &error.into()),
            }
        }
    }
}

fn left(connection: &Connection, error: &Error) {
    tracing::warn!(
        tenant.id = %connection.tenant,
        connection.id = %connection.key,
        error.reason = %error,
        "the plugin of a connection is gone, and the one that is there cannot take it over"
    );
}
