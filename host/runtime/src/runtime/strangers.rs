//! The port for strangers' plugins, on the runtime.

use async_trait::async_trait;
use bytes::Bytes;
use cordon_model::plugin::InstalledPlugin;
use cordon_model::port::{Admission, AdmissionError, Candidate, Plugins, Readiness};
use cordon_model::{PluginDigest, TenantId};

use super::Runtime;
use crate::admission;
use crate::cache::Compiled;
use crate::registry::State;

#[async_trait]
impl Plugins for Runtime {
    async fn admit(&self, candidate: Candidate) -> Result<Admission, AdmissionError> {
        let shared = std::sync::Arc::clone(&self.shared);
        let admitted = self.spawn(async move { admission::admit(&shared, candidate).await }).await;
        admitted.map_err(AdmissionError::Host)?.map_err(AdmissionError::from)
    }

    fn announce(&self, plugin: &InstalledPlugin) {
        self.shared.registry.announce(plugin.plugin(), plugin.active);
    }

    async fn load(&self, plugin: &InstalledPlugin, component: Bytes) {
        let shared = std::sync::Arc::clone(&self.shared);
        let of_task = plugin.clone();
        let work = async move { admission::load(&shared, &of_task, component).await };
        let problem = match self.spawn(work).await {
            Ok(Ok(code)) => {
                let (scope, digest) = (&plugin.scope, plugin.reference.digest);
                return self.shared.registry.settle(scope, digest, State::ready(code));
            }
            Ok(Err(error)) => error.to_string(),
            Err(what) => what,
        };
        self.give_up(plugin, &problem);
    }

    fn give_up(&self, plugin: &InstalledPlugin, problem: &str) {
        let digest = plugin.reference.digest;
        tracing::error!(plugin.digest = %digest, problem, "a plugin cannot be loaded");
        let state = State::Unavailable(problem.to_owned());
        self.shared.registry.settle(&plugin.scope, digest, state);
    }

    fn activate(&self, scope: Option<&TenantId>, digest: PluginDigest) {
        self.shared.registry.activate(&scope.cloned(), digest);
    }

    fn forget(&self, scope: Option<&TenantId>, digest: PluginDigest) {
        self.shared.registry.forget(&scope.cloned(), digest);
        self.shared.cache.remove(Compiled { scope, digest });
    }

    fn forget_tenant(&self, tenant: &TenantId) {
        for digest in self.shared.registry.forget_scope(&Some(tenant.clone())) {
            self.shared.cache.remove(Compiled { scope: Some(tenant), digest });
        }
    }

    fn readiness(&self, scope: Option<&TenantId>, digest: PluginDigest) -> Readiness {
        self.shared.registry.readiness(&scope.cloned(), digest)
    }
}
