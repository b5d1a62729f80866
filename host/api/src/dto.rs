//! What the API takes and gives, a file a resource. These types own their formats: nothing of
//! `cordon-model` is serialized as it is.

pub(crate) mod api_keys;
pub(crate) mod audit;
pub(crate) mod connection_types;
pub(crate) mod connections;
pub(crate) mod dry_run;
pub(crate) mod egress;
pub(crate) mod events;
pub(crate) mod grants;
pub(crate) mod import;
pub(crate) mod inputs;
pub(crate) mod limits;
pub(crate) mod manual_webhooks;
pub(crate) mod plugins;
pub(crate) mod policies;
pub(crate) mod policy_webhooks;
pub(crate) mod request_problems;
pub(crate) mod requests;
pub(crate) mod tasks;
pub(crate) mod tenants;
pub(crate) mod webhook_runs;

use cordon_model::plugin::PluginRef;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

/// Health.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Health)]
pub(crate) struct HealthView {
    /// Always `ok`: anything else is a problem.
    status: &'static str,
}

impl HealthView {
    pub(crate) const OK: Self = Self { status: "ok" };
}

/// A component, to the byte.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Plugin)]
pub(crate) struct PluginView {
    /// Its name.
    name: String,
    /// Its version.
    version: String,
    /// SHA-256 of its bytes, hexadecimal.
    digest: String,
}

impl From<&PluginRef> for PluginView {
    fn from(plugin: &PluginRef) -> Self {
        Self {
            name: plugin.name.clone(),
            version: plugin.version.clone(),
            digest: plugin.digest.to_string(),
        }
    }
}

/// A member of a merge patch: left out, `null` (back to the default), or a value.
pub(crate) fn member<'de, T, D>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

/// What stands where a member that may be left out is left out: true.
pub(crate) const fn yes() -> bool {
    true
}
