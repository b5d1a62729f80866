//! What the host remembers, on redb: implements the ports `StateStore` and `Sealer`.
//!
//! ```text
//! commit ──► prepare (encode, seal, write files; caller's blocking thread)
//!              └► queue ─► writer thread ─► one redb transaction for a batch ─► replies
//! read   ──► snapshot (one redb read transaction) ─► open ─► decode
//! ```
//!
//! Everything is durable when it is acknowledged, and sealed from the first day: what stands open
//! in the file is ids, keys, words, times and counts (`seal`, `row`). This is the only crate that
//! names redb. It knows no rule of the engine: it compares revisions and keeps indexes.
//!
//! Called by `cordon-cli`, which wires it; everybody else sees the ports.

mod apply;
mod blob;
#[cfg(test)]
mod conformance;
mod cursor;
mod error;
mod files;
mod open;
mod options;
mod ports;
mod read;
mod record;
mod row;
mod seal;
mod shared;
mod snapshot;
mod staged;
mod store;
mod sweep;
mod tables;
#[cfg(test)]
mod tests;
mod writer;

pub use error::Error;
pub use options::Options;
pub use store::RedbStore;
