//! The integration tests: one binary, because each further one would link wasmtime again.
//!
//! Everything is real: redb in a temporary directory, wasmtime, HTTP on loopback. A test's name is
//! the sentence that it proves.

#![cfg(test)]

mod access;
mod advisories;
mod bad_input;
mod corpus;
mod egress;
mod erasure;
mod grants;
mod guest_memory;
mod hostile_upstream;
mod identifiers;
mod manual_webhook;
mod openapi;
mod readme;
mod recovery;
mod sandbox;
mod secret_providers;
mod secrets;
mod startup;
mod support;
mod tenants;
mod tidy;
