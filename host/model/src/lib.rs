//! The words and rules of Cordon, and the ports its parts meet at.
//!
//! No I/O, no clock, no tokio: whatever happens here is a pure function of its arguments. Types
//! are parsed at the edge and cannot be wrong afterwards. Nothing here derives serde except ids:
//! stored records (`cordon-store`) and DTOs (`cordon-api`) own their formats.
//!
//! Every other crate of the host depends on this one; it depends on none of them.

pub mod action;
pub mod api_key;
pub mod audit;
pub mod commit;
pub mod connection;
pub mod deadline;
pub mod failure;
pub mod grant;
pub mod http_request;
pub mod id;
pub mod input;
pub mod journal;
pub mod json;
pub mod package;
pub mod page;
pub mod plan;
pub mod plugin;
pub mod policy;
pub mod port;
pub mod problem;
pub mod records;
pub mod request;
pub mod secret;
pub mod subject;
pub mod task;
pub mod tenant;
pub mod webhook;

pub use action::Action;
pub use failure::{Failure, FailureCode};
pub use id::{
    ApiKeyId, ConnectionKey, InvalidId, PluginDigest, PolicyKey, RequestId, Revision, TaskId,
    TenantId, WebhookId,
};
pub use jiff::Timestamp;
pub use problem::{Problem, Severity};
pub use records::Records;
pub use secret::Secret;
