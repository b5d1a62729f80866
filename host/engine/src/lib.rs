//! The application: what people and the clock may do to requests, and how requests get done.
//!
//! Sees ports only: no database, no HTTP, no wasm. `service/` holds a file a use case;
//! `scheduler` finds requests that are due, `drive` does for one of them what is to be done, `step` by step.
//! `cordon-api` calls the services; `cordon-cli` wires the ports and runs the scheduler.

mod access;
mod deliveries;
mod drive;
mod error;
mod fair;
mod finish;
mod followers;
mod ids;
mod journal;
mod message;
mod notify;
mod options;
mod run;
mod scheduler;
pub mod service;
mod services;
mod start;
mod step;
mod tell;
mod waiting;

pub use access::{Access, Caller};
pub use error::{Conflict, Error, Missing};
pub use ids::new_uuid;
pub use options::Options;
pub use scheduler::{Handle, Scheduler};
pub use services::{Ports, Services};
