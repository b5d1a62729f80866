//! Strangers' plugins: listed and removed here; installed in `install.rs`, by people or out of the
//! operator's folder (`folder.rs`), when the signature (`signature.rs`) and the order of versions
//! (`order.rs`) allow it; switched in `activate.rs`, and looked at
//! before that in `waiting.rs`; loaded after a start in `load.rs`, when
//! connections of plugins that are gone are taken over (`adopt.rs`).
//!
//! What is installed is the store's; the port `Plugins` knows what this process has loaded. A
//! tenant installs for itself, the operator for all or for one. Whatever belongs to another
//! tenant is as if absent.

mod activate;
mod adopt;
mod find;
mod folder;
mod install;
mod load;
mod order;
mod signature;
mod waiting;

use bytes::Bytes;
use cordon_model::api_key::Scope;
use cordon_model::audit::{Actor, AuditEvent};
use cordon_model::commit::{Change, Commit};
use cordon_model::plugin::{DamagedPlugin, InstalledPlugin, PluginRef};
use cordon_model::{Revision, TenantId};

pub use activate::{Activation, Kept, Moved, Why};
pub use adopt::Adopters;
pub use find::KnownPlugin;
pub use folder::{FileReport, FileState, FolderReport};
pub use load::Announced;
pub use signature::Publisher;
pub use waiting::WaitingVersion;

use super::revisions::next_revision;
use crate::{Caller, Conflict, Error, Services};

/// A caller, acting for one tenant's plugins, or for those of all.
#[derive(Debug, Clone)]
pub struct PluginAccess {
    /// None: every tenant's. The caller is the operator then.
    scope: Option<TenantId>,
    operator: bool,
    actor: Actor,
}

/// A component that somebody wants to install.
#[derive(Clone)]
pub struct Upload {
    /// Its name; none: what the component says, else its connector type.
    pub name: Option<String>,
    /// Its version; none: what the component says.
    pub version: Option<String>,
    /// Whether it becomes the active version at once.
    pub activate: bool,
    /// Whether it may be older than the newest version that was ever here.
    pub allow_downgrade: bool,
    /// The text of its signature; none: it has none.
    pub signature: Option<String>,
    /// Its bytes.
    pub component: Bytes,
}

/// What became of an upload.
#[derive(Debug, Clone)]
pub struct Installation {
    /// The plugin.
    pub plugin: KnownPlugin,
    /// False: it was installed before.
    pub created: bool,
    /// What became of the connections of its type, when it was to be active.
    pub activation: Option<Activation>,
}

impl PluginAccess {
    /// The tenant that is acted for; none: all.
    pub fn scope(&self) -> Option<&TenantId> {
        self.scope.as_ref()
    }

    /// Who changes what serves every tenant is the operator.
    fn require_for(&self, plugin: &InstalledPlugin) -> Result<(), Error> {
        if plugin.scope.is_some() || self.operator { Ok(()) } else { Err(Error::OperatorOnly) }
    }

    fn actor_name(&self) -> String {
        match &self.actor {
            Actor::Host => "host".to_owned(),
            Actor::Key { name, .. } => name.clone(),
        }
    }
}

impl Services {
    /// The caller, acting for the tenant of its key, or for the one that an operator names; an
    /// operator that names none acts for all.
    ///
    /// # Errors
    /// As those of [`Services::access`].
    pub async fn plugin_access(
        &self,
        caller: &Caller,
        tenant: Option<&str>,
        scope: Scope,
    ) -> Result<PluginAccess, Error> {
        caller.require(scope)?;
        let operator = caller.is_operator();
        let scope = match (operator, tenant) {
            (true, None) => None,
            _ => Some(self.access(caller, tenant, scope).await?.tenant),
        };
        Ok(PluginAccess { scope, operator, actor: caller.actor.clone() })
    }

    /// Removes a plugin that nothing uses any more.
    ///
    /// # Errors
    /// When there is no such plugin, it came with the host, it is the active one of several
    /// versions, or a connection or an open request uses it.
    pub async fn delete_plugin(
        &self,
        access: &PluginAccess,
        name: &str,
        version: &str,
        if_match: Option<Revision>,
    ) -> Result<(), Error> {
        if let Some(damaged) = self.damaged_plugin(access, name, version).await? {
            next_revision(damaged.revision, if_match)?;
            return self.delete_damaged(access, damaged).await;
        }
        let plugin = self.installed_plugin(access, name, version).await?;
        access.require_for(&plugin)?;
        next_revision(Some(plugin.revision), if_match)?;
        let siblings = self.store().plugins(plugin.scope.as_ref()).await?;
        if plugin.active && siblings.iter().filter(|other| other.reference.name == name).count() > 1
        {
            let detail = format!("{name} {version} is the active version; activate another first");
            return Err(Error::conflict(Conflict::InUse, detail));
        }
        let (connections, requests) = self.uses_of(&plugin).await?;
        if connections > 0 || requests > 0 {
            let detail = format!(
                "the plugin is used by {connections} connections and {requests} open requests"
            );
            return Err(Error::conflict(Conflict::InUse, detail));
        }
        let event = self.plugin_event(access, "plugin.removed", &plugin);
        let (scope, revision) = (plugin.scope.clone(), plugin.revision);
        let PluginRef { name, version, digest } = plugin.reference.clone();
        // What was newest is remembered although it goes.
        let seen = self.seen(scope.as_ref(), &name).await?;
        let note = seen.keeping(scope.as_ref(), &name);
        let mut changes = vec![Change::DeletePlugin(scope.clone(), name, version, revision)];
        changes.extend(note);
        self.commit_write(Commit { changes, audit: vec![event] }, if_match).await?;
        self.ports.plugins.forget(scope.as_ref(), digest);
        self.adopt_left_behind(&plugin).await
    }

    /// One whose row cannot be read: what used it is not known, and nothing can.
    async fn delete_damaged(
        &self,
        access: &PluginAccess,
        damaged: DamagedPlugin,
    ) -> Result<(), Error> {
        let DamagedPlugin { scope, name, version, revision } = damaged;
        if scope.is_none() && !access.operator {
            return Err(Error::OperatorOnly);
        }
        let Some(revision) = revision else {
            return Err(Error::Unavailable("a row of a plugin is damaged altogether".to_owned()));
        };
        let event = self
            .event_of_scope(access, "plugin.removed", scope.clone())
            .with("plugin", &name)
            .with("version", &version);
        let change = Change::DeletePlugin(scope, name, version, revision);
        self.commit_write(Commit::of(change, event), None).await
    }

    fn plugin_event(
        &self,
        access: &PluginAccess,
        word: &str,
        plugin: &InstalledPlugin,
    ) -> AuditEvent {
        self.event_of_scope(access, word, plugin.scope.clone())
            .with("plugin", &plugin.reference.name)
            .with("version", &plugin.reference.version)
            .with("digest", plugin.reference.digest)
            .with("connector_type", &plugin.descriptor.connector_type)
    }

    /// In the ledger of the tenant that a plugin serves; of the host, for one that serves all.
    fn event_of_scope(
        &self,
        access: &PluginAccess,
        word: &str,
        tenant: Option<TenantId>,
    ) -> AuditEvent {
        AuditEvent {
            tenant,
            request: None,
            at: self.now(),
            actor: access.actor.clone(),
            event: word.to_owned(),
            facts: Vec::new(),
        }
    }
}
