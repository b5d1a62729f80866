//! The integration tests: one binary, because each further one would link wasmtime again.
//!
//! Everything is real: redb in a temporary directory, wasmtime, HTTP on loopback. A test's name is
//! the sentence that it proves.

#![cfg(test)]

mod access;
mod admission;
mod advisories;
mod approvals;
mod authoring;
mod bad_input;
mod callbacks;
mod configuration;
mod conformance;
mod corpus;
mod deadlines;
mod dry_run;
mod egress;
mod erasure;
mod events;
mod examples;
mod grants;
mod guest_limits;
mod guest_memory;
mod hostile_guests;
mod hostile_upstream;
mod http_semantics;
mod identifiers;
mod import;
mod keys;
mod limits;
mod manual_failures;
mod manual_inputs;
mod manual_webhook;
mod neighbors;
mod openapi;
mod own_address;
mod plugin_folder;
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
mod signatures;
mod stages;
mod startup;
mod submissions;
mod support;
mod templates;
mod tenant_removal;
mod tenants;
mod tidy;
mod torture;
mod waiting;
mod watch;
