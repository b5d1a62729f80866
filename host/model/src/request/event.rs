//! What can happen to a request.

use crate::package::PackageRef;
use crate::plugin::PluginRef;
use crate::request::WebhookRun;
use crate::subject::IdentityKind;
use crate::task::{CallReport, Carry, FindingSummary, Segment, SkipReason, SkippedQuery, Task};
use crate::webhook::WebhookAnswer;
use crate::{Action, Failure, Revision, TaskId, Timestamp, WebhookId};

/// What can happen to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A person, or a policy without approval, said yes.
    Approved,
    /// A person said no.
    Denied {
        /// Why, in the person's words.
        reason: Option<String>,
    },
    /// A person stopped it.
    Canceled,
    /// Processing starts with these tasks.
    Started {
        /// Every task of every stage, queued.
        tasks: Vec<Task>,
        /// Rules that no connection serves.
        unserved: Vec<Action>,
        /// Every webhook of the policy, queued.
        webhooks: Vec<WebhookRun>,
    },
    /// It cannot go on, beside its tasks.
    Failed {
        /// Why.
        failure: Failure,
    },
    /// The time of the policy is over, and it is not answered.
    DeadlinePassed,
    /// Something happened to a webhook of the policy.
    Webhook {
        /// Which.
        id: WebhookId,
        /// What.
        event: WebhookEvent,
    },
    /// Something happened to a message to the submitter.
    Notice {
        /// Which.
        revision: Revision,
        /// What.
        event: NoticeEvent,
    },
    /// Something happened to a task.
    Task {
        /// Which.
        id: TaskId,
        /// What.
        event: TaskEvent,
    },
    /// The person's inputs are there: these waiting tasks go on.
    Resumed {
        /// Which, each with the form that its input answers: it holds from now on, whatever
        /// becomes of the definition.
        tasks: Vec<(TaskId, crate::input::Form)>,
    },
    /// The package is at its destination.
    Packaged {
        /// Where.
        package: PackageRef,
    },
    /// Everything is done.
    Completed,
    /// Its time of keeping is over: package and content are gone.
    Expired,
    /// An operator wants it tried again.
    Retried {
        /// Failed tasks; empty for a request that failed beside its tasks.
        tasks: Vec<Retrial>,
    },
}

/// A failed task that is tried again, in the segment in which it failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retrial {
    /// Which.
    pub task: TaskId,
    /// The connection's newest revision.
    pub revision: Revision,
    /// What takes the place of the plugin that the task pins; none: it stays with that one. Given
    /// only when the pinned one is gone from this host. What the calls of the new one have in common
    /// with those in the journal is replayed; the rest is sent.
    pub plugin: Option<PluginRef>,
}

/// What can happen to a webhook of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WebhookEvent {
    /// It was told, and answered.
    Answered {
        /// What; of a one-way webhook nothing.
        answer: WebhookAnswer,
        /// SHA-256 of the token that resumes the request, when it halts it.
        token_sha256: Option<[u8; 32]>,
    },
    /// It could not be told, and is tried again.
    Postponed {
        /// When.
        until: Timestamp,
        /// Why it could not.
        failure: Failure,
    },
    /// It could not be told.
    Failed {
        /// Why.
        failure: Failure,
    },
    /// Its definition was removed.
    Withdrawn,
    /// Somebody resumed the request: a halt is over, a failed one is tried again.
    Released,
}

/// What can happen to a message to the submitter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoticeEvent {
    /// It was taken.
    Delivered {
        /// With this status.
        status: u16,
    },
    /// It could not be delivered, and is tried again.
    Postponed {
        /// When.
        until: Timestamp,
        /// Why it could not.
        failure: Failure,
    },
    /// It could not be delivered, and is not tried again.
    GivenUp {
        /// Why it could not, the last time.
        failure: Failure,
    },
}

/// What can happen to a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskEvent {
    /// It is about to be run, under this segment.
    Started {
        /// What the run may depend on.
        segment: Segment,
    },
    /// It did what it was to do.
    Finished {
        /// What came out.
        finding: FindingSummary,
        /// New identities, for an identifiers task.
        found: Vec<Found>,
        /// What became of each call.
        calls: Vec<CallReport>,
        /// Queries that were skipped.
        skipped: Vec<SkippedQuery>,
    },
    /// It is not to be done.
    Skipped {
        /// Why.
        reason: SkipReason,
    },
    /// It asks a person.
    Asked {
        /// What.
        form: crate::input::Form,
        /// For the next run.
        carry: Carry,
        /// What became of each call.
        calls: Vec<CallReport>,
    },
    /// A person gave what it asks for. It waits on until the request is resumed.
    InputGiven {
        /// How many labels have a value.
        values: usize,
        /// Which, where a policy chose the labels: they name no person.
        labels: Vec<String>,
        /// Whether something that was given before was replaced.
        replaced: bool,
    },
    /// It goes on later, in a new segment.
    Pending {
        /// When.
        until: Timestamp,
        /// For the next run.
        carry: Carry,
        /// What became of each call.
        calls: Vec<CallReport>,
    },
    /// Its run is repeated later, from the journal, in the same segment.
    Suspended {
        /// When.
        until: Timestamp,
    },
    /// It failed. The segment stays open for a retry.
    Failed {
        /// Why.
        failure: Failure,
        /// What became of each call.
        calls: Vec<CallReport>,
    },
    /// An operator says that it was done.
    Settled,
}

/// An identity that an identifiers task found. `Debug` does not show the value.
#[derive(Clone, PartialEq, Eq)]
pub struct Found {
    /// What it is.
    pub kind: IdentityKind,
    /// The value.
    pub value: String,
}

impl std::fmt::Debug for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Found({}, …)", self.kind)
    }
}

impl Event {
    /// The word used in audit events and in [`super::IllegalTransition`].
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Denied { .. } => "denied",
            Self::Canceled => "canceled",
            Self::Started { .. } => "started",
            Self::Failed { .. } => "failed",
            Self::DeadlinePassed => "deadline_passed",
            Self::Webhook { event, .. } => event.name(),
            Self::Notice { event, .. } => event.name(),
            Self::Task { event, .. } => event.name(),
            Self::Resumed { .. } => "resumed",
            Self::Packaged { .. } => "packaged",
            Self::Completed => "completed",
            Self::Expired => "expired",
            Self::Retried { .. } => "retried",
        }
    }
}

impl WebhookEvent {
    /// The word used in audit events.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Answered { answer, .. } if answer.halt => "webhook_halted",
            Self::Answered { .. } => "webhook_answered",
            Self::Postponed { .. } => "webhook_postponed",
            Self::Failed { .. } => "webhook_failed",
            Self::Withdrawn => "webhook_withdrawn",
            Self::Released => "webhook_released",
        }
    }
}

impl NoticeEvent {
    /// The word used in audit events.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Delivered { .. } => "callback_delivered",
            Self::Postponed { .. } => "callback_postponed",
            Self::GivenUp { .. } => "callback_given_up",
        }
    }
}

impl TaskEvent {
    /// The word used in audit events.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Started { .. } => "task_started",
            Self::Finished { .. } => "task_finished",
            Self::Skipped { .. } => "task_skipped",
            Self::Asked { .. } => "task_requires_input",
            Self::InputGiven { .. } => "input_given",
            Self::Pending { .. } => "task_pending",
            Self::Suspended { .. } => "task_suspended",
            Self::Failed { .. } => "task_failed",
            Self::Settled => "task_settled",
        }
    }
}
