//! The integration tests: one binary, because each further one would link wasmtime again.
//!
//! Everything is real: redb in a temporary directory, wasmtime, HTTP on loopback. A test's name is
//! the sentence that it proves.

#![cfg(test)]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod access;
mod bad_input;
mod egress;
mod erasure;
mod identifiers;
mod manual_webhook;
mod openapi;
mod readme;
mod recovery;
mod sandbox;
mod secrets;
mod startup;
mod support;
mod tenants;
mod tidy;
