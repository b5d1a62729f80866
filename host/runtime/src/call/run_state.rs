//! What the host functions of a run or of a test look at.

use std::sync::Arc;

use cordon_model::connection::Connection;
use cordon_model::plugin::ReadGrant;
use cordon_model::port::UnsentRequest;
use cordon_model::secret::Credentials;
use cordon_model::subject::IdentityKind;
use cordon_model::tenant::Terms;
use cordon_model::{Action, FailureCode};

use super::{Budget, Calls, Deadline, Stop, Values};
use crate::cassette::{Player, Tape};
use crate::plan::Plan;
use crate::shared::Shared;
use crate::wasi;

/// One run, or one test.
pub(crate) struct RunState {
    pub(crate) shared: Arc<Shared>,
    pub(crate) connection: Connection,
    /// What its tenant is limited to.
    pub(crate) terms: Terms,
    /// None: a test.
    pub(crate) action: Option<Action>,
    /// The identifier to find.
    pub(crate) wanted: Option<IdentityKind>,
    pub(crate) reads: Vec<ReadGrant>,
    pub(crate) plan: Arc<Plan>,
    pub(crate) credentials: Credentials,
    pub(crate) values: Values,
    pub(crate) calls: Calls,
    pub(crate) budget: Budget,
    pub(crate) deadline: Deadline,
    /// Of the last response, in seconds.
    pub(crate) retry_after: Option<u64>,
    /// A dry run: what would have been sent so far.
    pub(crate) unsent: Option<Vec<UnsentRequest>>,
    /// An author's tape: answers in place of upstreams, or listens to them.
    pub(crate) tape: Option<Tape>,
}

impl RunState {
    /// Whether the run only reads: there a call counts as idempotent unless it says otherwise.
    pub(crate) fn only_reads(&self) -> bool {
        self.action.is_none_or(Action::only_reads)
    }

    /// What WASI's chance is drawn from.
    pub(crate) fn sequence_key(&self) -> [u8; 32] {
        let task = self.calls.task.as_ref().map(|task| (task.task, task.segment));
        let key = &self.shared.options.fingerprint_key;
        wasi::sequence_key(key, &self.connection.tenant, task)
    }

    /// Whether what was granted lets the guest see this.
    pub(crate) fn may_read(&self, grant: ReadGrant) -> bool {
        self.reads.contains(&grant)
    }

    /// Whose answers the run gets in place of those of upstreams; none: it gets real ones.
    pub(crate) fn player(&self) -> Option<&Arc<dyn Player>> {
        match &self.tape {
            Some(Tape::Player(player)) => Some(player),
            Some(Tape::Recorder(_)) | None => None,
        }
    }

    /// Whether the guest's own words are kept: it could not have read anything, or nothing that it
    /// could have read is real.
    pub(crate) fn keeps_words(&self) -> bool {
        self.reads.is_empty() || self.player().is_some()
    }

    /// Ends the run unless it may.
    pub(crate) fn need(&self, grant: ReadGrant) -> Result<(), Stop> {
        if self.may_read(grant) {
            return Ok(());
        }
        let grant = match grant {
            ReadGrant::Identities => "identities",
            ReadGrant::Responses => "responses",
        };
        let detail = format!("the plugin wanted to read {grant} without the grant for it");
        Err(Stop::failed(FailureCode::NotGranted, detail))
    }
}
