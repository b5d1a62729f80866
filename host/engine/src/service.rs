//! The use cases, a file each. Every one takes an [`crate::Access`] (or a [`crate::Caller`]) and
//! commits what it changed, with its audit event, before it answers.

pub mod api_keys;
pub mod approve;
pub mod audit;
pub mod authenticate;
pub mod callback_secret;
pub mod cancel;
pub mod connection_types;
pub mod connections;
pub mod dry_run;
pub mod events;
pub mod explain;
pub mod first_start;
pub mod grants;
pub mod import;
pub mod inputs;
pub mod limits;
pub mod manual_webhooks;
pub mod package;
pub mod plugins;
pub mod policies;
pub mod policy_webhooks;
mod problems;
pub mod replay;
pub mod requests;
pub mod resume;
pub mod retry;
mod revisions;
pub mod search;
pub mod secrets;
pub mod settle;
pub mod submit;
pub mod tenants;
pub mod test_connection;
