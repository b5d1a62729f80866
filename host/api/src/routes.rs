//! The handlers, a file a resource: read, one call into the application, write down.

pub(crate) mod api_keys;
pub(crate) mod audit;
pub(crate) mod connection_types;
pub(crate) mod connections;
pub(crate) mod documents;
pub(crate) mod dry_run;
pub(crate) mod egress;
pub(crate) mod events;
pub(crate) mod grants;
pub(crate) mod health;
pub(crate) mod import;
pub(crate) mod inputs;
pub(crate) mod limits;
pub(crate) mod manual_webhooks;
pub(crate) mod packages;
pub(crate) mod plugins;
pub(crate) mod policies;
pub(crate) mod policy_webhooks;
pub(crate) mod requests;
pub(crate) mod tenants;
