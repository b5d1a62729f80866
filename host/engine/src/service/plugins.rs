//! Strangers' plugins: installed, listed, removed; switched in `activate.rs`, loaded after a start
//! in `load.rs`.
//!
//! What is installed is the store's; the port `Plugins` knows what this process has loaded. A
//! tenant installs for itself, the operator for all or for one. Whatever belongs to another
//! tenant is as if absent.

mod activate;
mod find;
mod load;

use bytes::Bytes;
use cordon_model::api_key::Scope;
use cordon_model::audit::{Actor, AuditEvent};
use cordon_model::commit::{Change, Commit};
use cordon_model::plugin::{InstalledPlugin, PluginRef};
use cordon_model::port::{Admission, AdmissionError, Candidate, Plugins, Readiness};
use cordon_model::{PluginDigest, Problem, Revision, TenantId};

pub use activate::{Activation, Kept, Moved, Why};
pub use find::KnownPlugin;
pub use load::Announced;

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

/// A plugin that was admitted and is not stored yet. Forgotten when this is dropped, whatever the
/// way, unless it was stored.
struct Admitted<'a> {
    plugins: &'a dyn Plugins,
    scope: Option<TenantId>,
    digest: PluginDigest,
    stored: bool,
}

impl Drop for Admitted<'_> {
    fn drop(&mut self) {
        if !self.stored {
            self.plugins.forget(self.scope.as_ref(), self.digest);
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

    /// Admits a component and keeps it. The same component again is what it was before.
    ///
    /// # Errors
    /// Every reason against it, or that its type, its name or its version is taken. Nothing is
    /// kept then.
    pub async fn install_plugin(
        &self,
        access: &PluginAccess,
        upload: Upload,
    ) -> Result<Installation, Error> {
        check_words(&upload)?;
        let Upload { name, version, activate, component } = upload;
        let scope = access.scope.clone();
        let most = self.options.plugins_max;
        if self.store().plugins(scope.as_ref()).await?.len() >= most {
            let message = format!("{most} plugins are installed already; remove one first");
            return Err(Error::problem(Problem::error("too_many", "", message)));
        }
        let wanted = (name.clone(), version.clone());
        let candidate =
            Candidate { scope: scope.clone(), name, version, component: component.clone() };
        let admission = match self.ports.plugins.admit(candidate).await {
            Ok(admission) => admission,
            Err(AdmissionError::Loaded(known)) => {
                let again = Upload { name: wanted.0, version: wanted.1, activate, component };
                return self.install_again(access, &known, again).await;
            }
            Err(error) => return Err(self.refused(access, error).await),
        };
        let digest = admission.plugin.reference.digest;
        let plugins = &*self.ports.plugins;
        let mut admitted = Admitted { plugins, scope, digest, stored: false };
        let plugin = self.installed(access, admission);
        let event =
            self.plugin_event(access, "plugin.installed", &plugin).with("size", plugin.size);
        let change = Change::PutPlugin(Box::new(plugin.clone()), Some(component));
        self.store().commit(Commit::of(change, event)).await?;
        admitted.stored = true;
        drop(admitted);
        self.concluded(access, plugin, true, activate).await
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
        let InstalledPlugin { scope, reference, revision, .. } = plugin;
        let PluginRef { name, version, digest } = reference;
        let change = Change::DeletePlugin(scope.clone(), name, version, revision);
        self.commit_write(Commit::of(change, event), if_match).await?;
        self.ports.plugins.forget(scope.as_ref(), digest);
        Ok(())
    }

    /// The same bytes came again.
    async fn install_again(
        &self,
        access: &PluginAccess,
        known: &PluginRef,
        again: Upload,
    ) -> Result<Installation, Error> {
        let Upload { name, version, activate, component } = again;
        let other = name.is_some_and(|name| name != known.name)
            || version.is_some_and(|version| version != known.version);
        if other {
            let detail = format!("this component is installed as {} {}", known.name, known.version);
            return Err(Error::conflict(Conflict::Exists, detail));
        }
        let scope = access.scope.as_ref();
        let stored = self.store().plugin(scope, &known.name, &known.version).await?;
        let stored = stored.ok_or_else(|| {
            let detail = "this component is being installed at this moment; try again";
            Error::conflict(Conflict::Changed, detail)
        })?;
        let stored = match self.ports.plugins.readiness(scope, known.digest) {
            Readiness::Unavailable(_) => self.mend(access, stored, component).await?,
            Readiness::Ready | Readiness::Loading => stored,
        };
        self.concluded(access, stored, false, activate).await
    }

    /// Puts the component of a plugin that could not be loaded in the place of what is there.
    async fn mend(
        &self,
        access: &PluginAccess,
        stored: InstalledPlugin,
        component: Bytes,
    ) -> Result<InstalledPlugin, Error> {
        let PluginRef { name, version, digest } = stored.reference.clone();
        let plugin = InstalledPlugin { revision: Revision::FIRST, ..stored.clone() };
        let changes = vec![
            Change::DeletePlugin(stored.scope, name, version, stored.revision),
            Change::PutPlugin(Box::new(plugin.clone()), Some(component.clone())),
        ];
        let audit = vec![self.plugin_event(access, "plugin.mended", &plugin)];
        self.commit_write(Commit { changes, audit }, None).await?;
        self.ports.plugins.forget(plugin.scope.as_ref(), digest);
        self.ports.plugins.announce(&plugin);
        self.ports.plugins.load(&plugin, component).await;
        Ok(plugin)
    }

    async fn concluded(
        &self,
        access: &PluginAccess,
        plugin: InstalledPlugin,
        created: bool,
        activate: bool,
    ) -> Result<Installation, Error> {
        if !activate || (plugin.active && !created) {
            return Ok(Installation { plugin: self.known(plugin), created, activation: None });
        }
        let activation = self.switch_to(access, plugin, false).await?;
        Ok(Installation {
            plugin: activation.plugin.clone(),
            created,
            activation: Some(activation),
        })
    }

    fn installed(&self, access: &PluginAccess, admission: Admission) -> InstalledPlugin {
        let Admission { plugin, imports, size } = admission;
        InstalledPlugin {
            scope: plugin.scope,
            reference: plugin.reference,
            descriptor: plugin.descriptor,
            imports,
            size,
            active: false,
            installed_by: access.actor_name(),
            installed_at: self.now(),
            revision: Revision::FIRST,
        }
    }

    /// Why a component was refused, which the ledger tells too.
    async fn refused(&self, access: &PluginAccess, error: AdmissionError) -> Error {
        let (code, refusal) = match error {
            AdmissionError::Refused(problems) => {
                let code = problems.first().map(|problem| problem.code.clone());
                (code.unwrap_or_default(), Error::Invalid(problems))
            }
            AdmissionError::TypeTaken(detail) => {
                ("type_taken".to_owned(), Error::conflict(Conflict::TypeTaken, detail))
            }
            AdmissionError::VersionTaken(detail) => {
                ("version_taken".to_owned(), Error::conflict(Conflict::VersionTaken, detail))
            }
            AdmissionError::Loaded(_) => return Error::Unavailable("loaded twice".to_owned()),
            AdmissionError::Host(what) => return Error::Unavailable(what),
        };
        metrics::counter!("cordon_plugins_refused_total", "code" => code.clone()).increment(1);
        let event = self.event_of_scope(access, "plugin.refused", access.scope.clone());
        let audit = vec![event.with("code", code)];
        if let Err(error) = self.store().commit(Commit { changes: Vec::new(), audit }).await {
            tracing::warn!(%error, "the refusal of a plugin could not be written to the ledger");
        }
        refusal
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

fn check_words(upload: &Upload) -> Result<(), Error> {
    let mut problems = Vec::new();
    if upload.name.as_deref().is_some_and(|name| !PluginRef::is_name(name)) {
        let message = "?name= must be 1 to 64 characters of a-z, 0-9, _ and -, beginning with a \
                       letter or a digit";
        problems.push(Problem::error("invalid_name", "", message));
    }
    if upload.version.as_deref().is_some_and(|version| !PluginRef::is_version(version)) {
        let message = "?version= must be 1 to 64 characters of letters, digits, ., +, _ and -, \
                       beginning with a letter or a digit";
        problems.push(Problem::error("invalid_version", "", message));
    }
    if problems.is_empty() { Ok(()) } else { Err(Error::Invalid(problems)) }
}
