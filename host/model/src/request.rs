//! A privacy request: one subject × one policy.
//!
//! ```text
//! pending → approved → processing → complete
//!    └→ denied            │ ↑
//!                         ↓ │ retry
//!                        failed            any but a final one → canceled
//! ```
//!
//! While it is processed, the status that people see is computed from the tasks
//! ([`PrivacyRequest::status`]), never stored beside them. [`PrivacyRequest::apply`] is the only
//! way a request changes; [`PrivacyRequest::next_work`] derives what to do from the state, so a
//! crash cannot lose it.

mod event;
mod machine;
pub mod notices;
mod rounds;
pub mod webhooks;
mod work;

pub use event::{Event, Found, NoticeEvent, Retrial, TaskEvent, WebhookEvent};
pub use machine::IllegalTransition;
pub use notices::Notice;
pub use webhooks::{WebhookRun, WebhookState};
pub use work::Work;

use crate::package::PackageRef;
use crate::policy::{OnError, PolicyTerms};
use crate::subject::DataSubject;
use crate::task::{Stage, Task, TaskState};
use crate::webhook::WebhookPhase;
use crate::{
    Action, Failure, PolicyKey, RequestId, Revision, TaskId, TenantId, Timestamp, WebhookId,
};

/// A privacy request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrivacyRequest {
    /// Its id.
    pub id: RequestId,
    /// Whose it is.
    pub tenant: TenantId,
    /// The policy it was submitted under.
    pub policy: PolicyKey,
    /// That policy's terms at submission.
    pub terms: PolicyTerms,
    /// The submitter's own name for it.
    pub external_id: Option<String>,
    /// The person.
    pub subject: DataSubject,
    /// Where it is.
    pub state: RequestState,
    /// Fixed when processing starts.
    pub tasks: Vec<Task>,
    /// Rules that no connection serves, accepted under `allow_unserved`.
    pub unserved: Vec<Action>,
    /// The webhooks of its policy, fixed when processing starts.
    pub webhooks: Vec<WebhookRun>,
    /// Where the package is.
    pub package: Option<PackageRef>,
    /// When its package and content were removed, their time of keeping being over.
    pub expired_at: Option<Timestamp>,
    /// Where the submitter wants to be told how it goes.
    pub callback_url: Option<String>,
    /// What the submitter is still to be told, in order.
    pub notices: Vec<Notice>,
    /// When it is due by its policy's deadline.
    pub due_at: Option<Timestamp>,
    /// The deadline passed and was told of: it does not end the request a second time.
    pub overdue: bool,
    /// When it was submitted.
    pub created_at: Timestamp,
    /// When a person, or a policy without approval, said yes.
    pub approved_at: Option<Timestamp>,
    /// When it reached its final status.
    pub ended_at: Option<Timestamp>,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Counts its changes; what `commit` compares.
    pub revision: Revision,
}

/// Where a request is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestState {
    /// Waiting for approval.
    Pending,
    /// To be started.
    Approved,
    /// Its tasks are fixed and being done.
    Processing,
    /// A person said no.
    Denied {
        /// Why, in the person's words.
        reason: Option<String>,
    },
    /// A person stopped it.
    Canceled,
    /// All is done.
    Complete,
    /// It could not go on, beside its tasks: the start or the package failed.
    Failed {
        /// Why.
        failure: Failure,
    },
}

/// What people see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Waiting for approval.
    Pending,
    /// About to start.
    Approved,
    /// At work, or waiting for a time.
    InProcessing,
    /// Waiting for a person's input.
    RequiresInput,
    /// Halted by a webhook.
    Paused,
    /// Done.
    Complete,
    /// Refused.
    Denied,
    /// Stopped.
    Canceled,
    /// Something failed; nothing runs.
    Error,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 9] = [
        Self::Pending,
        Self::Approved,
        Self::InProcessing,
        Self::RequiresInput,
        Self::Paused,
        Self::Complete,
        Self::Denied,
        Self::Canceled,
        Self::Error,
    ];

    /// The word used in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::InProcessing => "in_processing",
            Self::RequiresInput => "requires_input",
            Self::Paused => "paused",
            Self::Complete => "complete",
            Self::Denied => "denied",
            Self::Canceled => "canceled",
            Self::Error => "error",
        }
    }

    /// Whether nothing ever happens to the request again.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Complete | Self::Denied | Self::Canceled)
    }
}

impl std::str::FromStr for Status {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|status| status.as_str() == text).ok_or(())
    }
}

/// The part of the work that a processing request is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Tasks of this stage are not all final, or one of them failed and holds back the rest.
    Tasks(Stage),
    /// This webhook of the policy is next, or holds the request.
    Webhook(WebhookId),
    /// The package is to be made and put at its destination.
    Package,
    /// Everything was done; some task failed under `on_error: continue`.
    EndedWithErrors,
    /// Everything was done.
    Finish,
}

impl PrivacyRequest {
    /// What people see.
    pub fn status(&self) -> Status {
        match &self.state {
            RequestState::Pending => Status::Pending,
            RequestState::Approved => Status::Approved,
            RequestState::Denied { .. } => Status::Denied,
            RequestState::Canceled => Status::Canceled,
            RequestState::Complete => Status::Complete,
            RequestState::Failed { .. } => Status::Error,
            RequestState::Processing => match self.phase() {
                Phase::Tasks(stage) => self.status_in(stage),
                Phase::Webhook(id) => self.status_at(id),
                Phase::EndedWithErrors => Status::Error,
                Phase::Package | Phase::Finish => Status::InProcessing,
            },
        }
    }

    fn status_in(&self, stage: Stage) -> Status {
        let mut status = Status::Error;
        for task in self.in_stage(stage) {
            match task.state {
                TaskState::Queued | TaskState::Running | TaskState::Waiting { .. } => {
                    return Status::InProcessing;
                }
                TaskState::RequiresInput { .. } => status = Status::RequiresInput,
                TaskState::Complete { .. }
                | TaskState::Skipped { .. }
                | TaskState::Error { .. } => {}
            }
        }
        status
    }

    fn status_at(&self, id: WebhookId) -> Status {
        let paused = |webhook: &WebhookRun| webhook.id == id && webhook.state.is_paused();
        if self.webhooks.iter().any(paused) { Status::Paused } else { Status::InProcessing }
    }

    /// The task with this id.
    pub fn task(&self, id: TaskId) -> Option<&Task> {
        self.tasks.iter().find(|task| task.id == id)
    }

    /// The tasks of one stage.
    pub fn in_stage(&self, stage: Stage) -> impl Iterator<Item = &Task> {
        self.tasks.iter().filter(move |task| task.stage == stage)
    }

    /// The tasks that wait for a person; none once the request is over.
    pub fn waiting_for_input(&self) -> impl Iterator<Item = &Task> {
        let waits = |task: &&Task| matches!(task.state, TaskState::RequiresInput { .. });
        let at_work = self.state == RequestState::Processing;
        self.tasks.iter().filter(move |task| at_work && waits(task))
    }

    /// Whether there is an answer to the person to be packed.
    pub fn wants_package(&self) -> bool {
        self.terms.has(Action::Access)
            || self.terms.has(Action::Identifiers)
            || self.in_stage(Stage::Manual).next().is_some()
    }

    /// The name of the package's destination.
    pub fn destination(&self) -> &str {
        self.terms.rules.iter().find_map(|rule| rule.destination.as_deref()).unwrap_or("local")
    }

    pub(crate) fn phase(&self) -> Phase {
        for stage in Stage::ALL {
            if stage > Stage::Manual
                && let Some(webhook) = self.next_webhook(WebhookPhase::PreExecution)
            {
                return Phase::Webhook(webhook.id);
            }
            if stage == Stage::Erasure && self.wants_package() && self.package.is_none() {
                return Phase::Package;
            }
            let mut failed = false;
            for task in self.in_stage(stage) {
                failed |= matches!(task.state, TaskState::Error { .. });
                if !task.state.is_final() {
                    return Phase::Tasks(stage);
                }
            }
            if failed && self.terms.on_error == OnError::Stop {
                return Phase::Tasks(stage);
            }
        }
        if self.tasks.iter().any(|task| matches!(task.state, TaskState::Error { .. })) {
            return Phase::EndedWithErrors;
        }
        match self.next_webhook(WebhookPhase::PostExecution) {
            Some(webhook) => Phase::Webhook(webhook.id),
            None => Phase::Finish,
        }
    }
}
