//! The API over a real store, with scripted connectors in the place of the sandbox.
//!
//! What needs the whole host (plugins, upstreams, packages) is tested in `tests/it`.

#![cfg(test)]

mod connections;
mod host;
mod policies;
mod protocol;
mod scripted;
mod tenants;
