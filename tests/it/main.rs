//! The integration tests: one binary, because each further one would link wasmtime again.
//!
//! Everything is real: redb in a temporary directory, wasmtime, HTTP on loopback. A test's name is
//! the sentence that it proves.

#![cfg(test)]

mod access;
mod admission;
mod advisories;
mod bad_input;
mod callbacks;
mod configuration;
mod corpus;
mod deadlines;
mod dry_run;
mod egress;
mod erasure;
mod events;
mod grants;
mod guest_memory;
mod hostile_upstream;
mod http_semantics;
mod identifiers;
mod import;
mod keys;
mod manual_failures;
mod manual_inputs;
mod manual_webhook;
mod openapi;
mod plugins;
mod policies;
mod policy_webhooks;
mod readme;
mod recovery;
mod results;
mod retention;
mod sandbox;
mod search;
mod secret_providers;
mod secrets;
mod stages;
mod startup;
mod submissions;
mod support;
mod templates;
mod tenants;
mod tidy;
mod waiting;
mod watch;
