//! The application: what people and the clock may do to requests, and how requests get done.
//!
//! Sees ports only: no database, no HTTP, no wasm. `service/` holds a file a use case;
//! `scheduler` finds requests that are due, `step` does the next thing for one of them.
//! `cordon-api` calls the services; `cordon-cli` wires the ports and runs the scheduler.

mod access;
mod error;
mod finish;
mod ids;
mod journal;
mod options;
mod run;
mod scheduler;
pub mod service;
mod services;
mod start;
mod step;

pub use access::{Access, Caller};
pub use error::{Conflict, Error, Missing};
pub use ids::new_uuid;
pub use options::Options;
pub use scheduler::{Handle, Scheduler};
pub use services::{Ports, Services};
