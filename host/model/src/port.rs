//! The traits at which the parts of the host meet. `cli/src/wire.rs` is the one place where they
//! are given their implementations.

mod clock;
mod connectors;
mod dry_run;
mod egress;
mod packages;
mod plugin_folder;
mod plugins;
mod sealer;
mod secrets;
mod state_store;
mod webhooks;

pub use clock::Clock;
pub use connectors::{
    CallsInUse, ConnectorCall, ConnectorError, Connectors, Finding, JournalSink, RunEnd,
    RunOutcome, TestEnd,
};
pub use dry_run::{DryRunCall, DryRunEnd, Judgment, Refusal, UnsentRequest};
pub use egress::{Egress, EgressQuestion, EgressVerdict};
pub use packages::{PackageError, Packages};
pub use plugin_folder::{FolderContent, FolderFile, FolderProblem, PluginFolder};
pub use plugins::{Admission, AdmissionError, Candidate, Plugins, Readiness};
pub use sealer::{SealError, Sealer};
pub use secrets::{CredentialsSource, Secrets, SecretsError};
pub use state_store::StateStore;
pub use webhooks::{WebhookMessage, WebhookReach, WebhookResponse, WebhookSender};
