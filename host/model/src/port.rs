//! The traits at which the parts of the host meet. `cli/src/wire.rs` is the one place where they
//! are given their implementations.

mod clock;
mod connectors;
mod egress;
mod packages;
mod sealer;
mod secrets;
mod state_store;

pub use clock::Clock;
pub use connectors::{
    ConnectorCall, ConnectorError, Connectors, Finding, JournalSink, RunEnd, RunOutcome, TestEnd,
};
pub use egress::{Egress, EgressQuestion, EgressVerdict};
pub use packages::{PackageError, Packages};
pub use sealer::{SealError, Sealer};
pub use secrets::{CredentialsSource, Secrets, SecretsError};
pub use state_store::StateStore;
