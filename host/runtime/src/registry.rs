//! The plugins that this process knows, each ready to be instantiated, on its way there, or known
//! not to be. Old versions stay: tasks pin them by digest.
//!
//! The one place that decides who may use which plugin: what belongs to a tenant is found by that
//! tenant alone. Keeps nothing; what is installed is the store's.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use cordon_model::plugin::{Plugin, PluginRef};
use cordon_model::port::Readiness;
use cordon_model::{PluginDigest, TenantId};

use crate::bindings::PluginPre;
use crate::call::{CallState, Stop};
use crate::error::Error;
use crate::plan::unavailable;

/// A plugin that can be called.
pub(crate) struct Admitted {
    pub(crate) code: PluginPre<CallState>,
}

/// A tenant; none: everybody.
type Scope = Option<TenantId>;

/// All of them.
#[derive(Default)]
pub(crate) struct Registry {
    inner: RwLock<Inner>,
}

#[derive(Default)]
struct Inner {
    /// In the order in which they became known.
    by_scope: HashMap<Scope, Vec<Entry>>,
}

struct Entry {
    plugin: Plugin,
    /// Whether it is the one that connections of its type are written with.
    active: bool,
    state: State,
}

/// Where a plugin stands.
pub(crate) enum State {
    /// It can be called.
    Ready(Arc<Admitted>),
    /// It is known and not loaded yet.
    Loading,
    /// It cannot be loaded: why.
    Unavailable(String),
}

impl State {
    pub(crate) fn ready(code: PluginPre<CallState>) -> Self {
        Self::Ready(Arc::new(Admitted { code }))
    }
}

impl Registry {
    /// A plugin of a tenant, to be called.
    ///
    /// # Errors
    /// What becomes of the call instead: one that is being loaded is tried again.
    pub(crate) fn ready(
        &self,
        tenant: &TenantId,
        digest: PluginDigest,
    ) -> Result<Arc<Admitted>, Stop> {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        let entry = inner.seen_by(tenant).find(|entry| entry.plugin.reference.digest == digest);
        match entry.map(|entry| &entry.state) {
            Some(State::Ready(admitted)) => Ok(Arc::clone(admitted)),
            Some(State::Loading) => Err(Stop::Host("the plugin is being loaded".to_owned())),
            Some(State::Unavailable(_)) | None => Err(unavailable()),
        }
    }

    /// What a tenant may use.
    pub(crate) fn plugins(&self, tenant: &TenantId) -> Vec<Plugin> {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        inner.seen_by(tenant).map(|entry| entry.plugin.clone()).collect()
    }

    /// The active plugin of a type, as a tenant sees it.
    pub(crate) fn of_type(&self, tenant: &TenantId, connector_type: &str) -> Option<Plugin> {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        let serves = |e: &&Entry| e.active && e.plugin.descriptor.connector_type == connector_type;
        inner.seen_by(tenant).find(serves).map(|entry| entry.plugin.clone())
    }

    /// Adds a plugin that the host brings, as the active one of its type, unless its name, version
    /// or type is taken.
    pub(crate) fn add(&self, plugin: Plugin, state: State) -> Result<(), Error> {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        check(inner.beside(&plugin.scope), &plugin)?;
        let (scope, digest) = (plugin.scope.clone(), plugin.reference.digest);
        inner.put(Entry { plugin, active: false, state });
        inner.activate(&scope, digest);
        Ok(())
    }

    /// Adds a stranger's plugin that was just admitted, not active, unless it is known already or
    /// its name, version or type is taken. Of two that come at once one is refused.
    pub(crate) fn reserve(&self, plugin: Plugin, state: State) -> Result<(), Error> {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = inner.entry(&plugin.scope, plugin.reference.digest) {
            return Err(Error::Loaded(known.plugin.reference.clone()));
        }
        check(inner.beside(&plugin.scope), &plugin)?;
        inner.put(Entry { plugin, active: false, state });
        Ok(())
    }

    /// Adds a plugin that is stored and not loaded yet. One that could not be admitted any more,
    /// because the host has its type itself by now, is unavailable.
    pub(crate) fn announce(&self, plugin: Plugin, active: bool) {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        match check(inner.beside(&plugin.scope), &plugin) {
            Ok(()) => inner.put(Entry { plugin, active, state: State::Loading }),
            Err(error) => {
                let state = State::Unavailable(error.to_string());
                inner.put(Entry { plugin, active: false, state });
            }
        }
    }

    /// A plugin that was announced is loaded, or cannot be.
    pub(crate) fn settle(&self, scope: &Scope, digest: PluginDigest, state: State) {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        let entries = inner.by_scope.get_mut(scope).into_iter().flatten();
        for entry in entries.filter(|entry| entry.plugin.reference.digest == digest) {
            if matches!(entry.state, State::Loading) {
                entry.state = state;
                return;
            }
        }
    }

    /// Makes one version of a plugin the active one.
    pub(crate) fn activate(&self, scope: &Scope, digest: PluginDigest) {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        inner.activate(scope, digest);
    }

    /// Drops a plugin. Calls that are under way keep its code.
    pub(crate) fn forget(&self, scope: &Scope, digest: PluginDigest) {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(entries) = inner.by_scope.get_mut(scope) {
            entries.retain(|entry| entry.plugin.reference.digest != digest);
        }
    }

    /// Drops every plugin of a scope; their digests.
    pub(crate) fn forget_scope(&self, scope: &Scope) -> Vec<PluginDigest> {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        let gone = inner.by_scope.remove(scope).unwrap_or_default();
        gone.into_iter().map(|entry| entry.plugin.reference.digest).collect()
    }

    /// As what a component of a scope is known.
    pub(crate) fn known_as(&self, scope: &Scope, digest: PluginDigest) -> Option<PluginRef> {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        inner.entry(scope, digest).map(|entry| entry.plugin.reference.clone())
    }

    pub(crate) fn readiness(&self, scope: &Scope, digest: PluginDigest) -> Readiness {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        match inner.entry(scope, digest).map(|entry| &entry.state) {
            Some(State::Ready(_)) => Readiness::Ready,
            Some(State::Loading) => Readiness::Loading,
            Some(State::Unavailable(problem)) => Readiness::Unavailable(problem.clone()),
            None => Readiness::Unavailable("it is not known".to_owned()),
        }
    }
}

impl Inner {
    /// What a tenant may use: its own, then everybody's.
    fn seen_by(&self, tenant: &TenantId) -> impl Iterator<Item = &Entry> {
        let own = self.by_scope.get(&Some(tenant.clone()));
        own.into_iter().chain(self.by_scope.get(&None)).flatten()
    }

    /// What somebody who may use a plugin of this scope may also use.
    fn beside<'a>(&'a self, scope: &'a Scope) -> impl Iterator<Item = &'a Plugin> {
        let meets = move |of: &&Scope| scope.is_none() || of.is_none() || *of == scope;
        let entries = self.by_scope.iter().filter(move |(of, _)| meets(of));
        entries.flat_map(|(_, entries)| entries).map(|entry| &entry.plugin)
    }

    fn entry(&self, scope: &Scope, digest: PluginDigest) -> Option<&Entry> {
        self.by_scope.get(scope)?.iter().find(|entry| entry.plugin.reference.digest == digest)
    }

    fn put(&mut self, entry: Entry) {
        let entries = self.by_scope.entry(entry.plugin.scope.clone()).or_default();
        entries.retain(|known| known.plugin.reference.digest != entry.plugin.reference.digest);
        entries.push(entry);
    }

    fn activate(&mut self, scope: &Scope, digest: PluginDigest) {
        let Some(entry) = self.entry(scope, digest) else { return };
        let connector_type = entry.plugin.descriptor.connector_type.clone();
        for entry in self.by_scope.get_mut(scope).into_iter().flatten() {
            if entry.plugin.descriptor.connector_type == connector_type {
                entry.active = entry.plugin.reference.digest == digest;
            }
        }
    }
}

/// Among the plugins that somebody may use, a type belongs to one name and a name to one type; a
/// name and version stand for the same bytes for ever. What the host brings is nobody else's.
fn check<'a>(mut known: impl Iterator<Item = &'a Plugin>, new: &Plugin) -> Result<(), Error> {
    known.try_for_each(|plugin| {
        let (old, reference) = (&plugin.reference, &new.reference);
        let same_owner = plugin.scope == new.scope && plugin.built_in == new.built_in;
        let same_name = old.name == reference.name;
        let connector_type = &new.descriptor.connector_type;
        let same_type = plugin.descriptor.connector_type == *connector_type;
        if same_owner && same_name && old.version == reference.version {
            return if old.digest == reference.digest {
                Ok(())
            } else {
                Err(Error::VersionTaken {
                    name: old.name.clone(),
                    version: old.version.clone(),
                    digest: old.digest,
                })
            };
        }
        if same_owner && same_name == same_type {
            return Ok(());
        }
        // Mostly one plugin that its author offers in two places.
        if same_type && same_name && !plugin.built_in && !new.built_in {
            return Err(Error::OtherOwner { name: old.name.clone(), scope: plugin.scope.clone() });
        }
        if same_type {
            return Err(Error::TypeTaken {
                connector_type: connector_type.clone(),
                plugin: old.name.clone(),
            });
        }
        if same_name {
            return Err(Error::NameTaken {
                name: old.name.clone(),
                connector_type: plugin.descriptor.connector_type.clone(),
            });
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests;
