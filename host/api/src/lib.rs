//! The HTTP API: routes, DTOs, authentication, problem+json and the OpenAPI document.
//!
//! The only crate that names axum. A handler reads what was sent, makes one call into
//! `cordon-engine` and writes down the answer; it decides nothing. `cordon-cli` makes the
//! [`State`] and calls [`serve`].

mod answer;
mod auth;
mod component_body;
mod dto;
mod error;
mod etag;
mod idempotency;
mod input_body;
mod json;
mod observe;
mod openapi;
mod options;
mod path;
mod query;
mod rate;
mod router;
mod routes;
mod serve;
mod signature;
mod state;
mod uploads;

pub use error::Code;
pub use openapi::openapi_json;
pub use options::Options;
pub use router::router;
pub use serve::{Error, serve};
pub use state::State;
