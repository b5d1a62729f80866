//! Strangers' plugins: taken in, loaded, switched, forgotten. Implemented by `cordon-runtime`.
//!
//! Keeps nothing: what is installed is the store's. A change here is the host's knowledge of this
//! moment; the application puts it in order again at every start.

use async_trait::async_trait;
use bytes::Bytes;

use crate::plugin::{InstalledPlugin, Plugin, PluginRef};
use crate::{PluginDigest, Problem, TenantId};

/// Strangers' plugins.
#[async_trait]
pub trait Plugins: Send + Sync {
    /// Takes a component in: looks at it, compiles it where it can harm nobody, asks it what it
    /// is and whether it answers. It is loaded afterwards, and not active. Nothing is left of one
    /// that is refused.
    ///
    /// # Errors
    /// See [`AdmissionError`].
    async fn admit(&self, candidate: Candidate) -> Result<Admission, AdmissionError>;

    /// Makes a stored plugin known, so that nothing that uses it is mistaken for something that
    /// does not exist. Until it is loaded its calls are to be tried again.
    fn announce(&self, plugin: &InstalledPlugin);

    /// Loads a plugin that was made known. When that is not possible [`Plugins::readiness`] says
    /// why, and its calls fail with `plugin_unavailable`.
    async fn load(&self, plugin: &InstalledPlugin, component: Bytes);

    /// A plugin that was made known cannot be loaded.
    fn give_up(&self, plugin: &InstalledPlugin, problem: &str);

    /// Makes a plugin the one that connections of its type are written with. Other versions stay
    /// loaded.
    fn activate(&self, scope: Option<&TenantId>, digest: PluginDigest);

    /// Unloads a plugin.
    fn forget(&self, scope: Option<&TenantId>, digest: PluginDigest);

    /// Unloads every plugin of a tenant that is gone.
    fn forget_tenant(&self, tenant: &TenantId);

    /// Whether a plugin can be called.
    fn readiness(&self, scope: Option<&TenantId>, digest: PluginDigest) -> Readiness;
}

/// A component that wants to be admitted.
#[derive(Clone)]
pub struct Candidate {
    /// The tenant that it is for; none: every tenant.
    pub scope: Option<TenantId>,
    /// Its name; none: what the component says, else its connector type.
    pub name: Option<String>,
    /// Its version; none: what the component says.
    pub version: Option<String>,
    /// Its bytes.
    pub component: Bytes,
}

/// What was taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admission {
    /// The plugin.
    pub plugin: Plugin,
    /// What the component imports, in its order.
    pub imports: Vec<String>,
    /// Its bytes.
    pub size: u64,
}

/// Why a component was not taken in.
#[derive(Debug, thiserror::Error)]
pub enum AdmissionError {
    /// Something is wrong with it: every reason that was found.
    #[error("the component is refused")]
    Refused(Vec<Problem>),
    /// It is loaded already, as this.
    #[error("the component is loaded already")]
    Loaded(PluginRef),
    /// Its connector type, or its name, belongs to another plugin.
    #[error("{0}")]
    TypeTaken(String),
    /// Its name and version stand for another component.
    #[error("{0}")]
    VersionTaken(String),
    /// The host could not do its part.
    #[error("the host could not admit the component: {0}")]
    Host(String),
}

/// Whether a plugin can be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readiness {
    /// It can.
    Ready,
    /// Soon.
    Loading,
    /// It cannot: why.
    Unavailable(String),
}
