//! Runs connectors: admits components, compiles them once, and gives each call an instance of
//! its own, with limits on everything and the host functions that its grants allow.
//!
//! The only crate that names wasmtime. It implements the port `cordon_model::port::Connectors`;
//! `cli/src/wire.rs` is where it is made. It stores nothing (the journal is the store's, behind
//! `JournalSink`), opens no socket (that is `cordon-egress`) and decides nothing about requests
//! (that is the engine).
//!
//! ```text
//! admission ── compiler, cache ──▶ registry                    describe, once
//! plan      ── instance ─────────▶ host's copy of the plan     validate
//! run, test_run, dry_run ── prepare (plan, credentials, preflight)
//!               ── instance ── capability::{handles, http, log}
//!                                └─ exchange ── journal, gate
//!               ── outcome, trap                               checked, in the model's words
//! ```

mod admission;
mod backoff;
mod bindings;
mod cache;
mod call;
mod caller;
mod capability;
mod cassette;
mod compile;
mod compiler;
mod dry_run;
mod error;
mod exchange;
mod fitness;
mod guest_memory;
mod instance;
mod keys;
mod limits;
mod measure;
#[cfg(feature = "memory-audit")]
mod memory_audit;
mod options;
mod outcome;
mod pace;
mod parsing;
mod plan;
mod preflight;
mod prepare;
mod proposals;
mod registry;
mod run;
mod runtime;
mod shared;
mod test_run;
mod trap;
mod wasi;

pub use cassette::{Player, Recorder, Tape, TapedAnswer, TapedPiece, TapedRequest, TapedText};
pub use compile::{CompilerLimits, CompilerProcess, compile_child};
pub use error::Error;
pub use fitness::Fitness;
pub use measure::Costs;
#[cfg(feature = "memory-audit")]
pub use memory_audit::MemoryObserver;
pub use options::Options;
pub use runtime::Runtime;
