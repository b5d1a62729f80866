//! A runtime as a host has it, and the guest that most runs are made of.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use cordon_cli::clock::SystemClock;
use cordon_model::connection::Connection;
use cordon_model::grant::EgressLimits;
use cordon_model::plan::{Assessment, Draft};
use cordon_model::plugin::Plugin;
use cordon_model::port::{
    Candidate, ConnectorError, Connectors as _, CredentialsSource, Plugins, Secrets, SecretsError,
};
use cordon_model::secret::Credentials;
use cordon_model::tenant::{Allowance, Terms};
use cordon_model::{PluginDigest, TenantId};
use cordon_runtime::{Options, Runtime};
use serde_json::json;

use crate::support::stranger::with_section;

/// See `tests/guests/residue`.
pub(super) const RESIDUE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/residue.wasm"));

/// A runtime with the limits of a host, but for what `set` changes.
pub(super) fn runtime(set: impl FnOnce(&mut Options)) -> Arc<Runtime> {
    let mut options = Options::default();
    set(&mut options);
    let gate = cordon_egress::Gate::new(cordon_egress::Options::default()).unwrap();
    let secrets = Arc::new(NoSecrets);
    Arc::new(Runtime::new(options, Arc::new(gate), secrets, Arc::new(SystemClock)).unwrap())
}

/// A tenant that may use what a tenant usually may.
pub(super) fn terms(tenant: &str) -> Terms {
    Terms {
        tenant: tenant.parse().unwrap(),
        egress: EgressLimits::default(),
        allowance: Allowance::default(),
    }
}

/// Takes the residue guest in, for one tenant or for all of them. Each tenant's has a digest of
/// its own.
pub(super) async fn install(runtime: &Runtime, tenant: Option<&TenantId>) -> Plugin {
    let component = match tenant {
        Some(tenant) => with_section(RESIDUE.to_vec(), "of", tenant.as_str()),
        None => RESIDUE.to_vec(),
    };
    let candidate = Candidate {
        scope: tenant.cloned(),
        name: None,
        version: Some("1".to_owned()),
        component: Bytes::from(component),
    };
    Plugins::admit(runtime, candidate).await.unwrap().plugin
}

/// Has the guest do something.
pub(super) async fn act(
    runtime: &Runtime,
    terms: &Terms,
    plugin: PluginDigest,
    act: &str,
) -> Result<Assessment, ConnectorError> {
    let config = json!({ "act": act }).to_string();
    let draft = Draft { config, actions: vec![], policy_settings: None };
    runtime.validate(terms, plugin, &draft).await
}

/// None is asked for.
struct NoSecrets;

#[async_trait]
impl Secrets for NoSecrets {
    async fn credentials(&self, _: &Connection) -> Result<Credentials, SecretsError> {
        Ok(Credentials::new())
    }

    fn source(&self, _: &Connection) -> CredentialsSource {
        CredentialsSource::None
    }
}
