//! What can happen to a request.

use crate::package::PackageRef;
use crate::subject::IdentityKind;
use crate::task::{CallReport, Carry, FindingSummary, Segment, SkipReason, SkippedQuery, Task};
use crate::{Action, Failure, TaskId, Timestamp};

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
    },
    /// It cannot go on, beside its tasks.
    Failed {
        /// Why.
        failure: Failure,
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
        /// Which.
        tasks: Vec<TaskId>,
    },
    /// The package is at its destination.
    Packaged {
        /// Where.
        package: PackageRef,
    },
    /// Everything is done.
    Completed,
    /// An operator wants it tried again.
    Retried {
        /// Failed tasks, each with the connection's newest revision; empty for a request that
        /// failed beside its tasks.
        tasks: Vec<(TaskId, crate::Revision)>,
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
            Self::Task { event, .. } => event.name(),
            Self::Resumed { .. } => "resumed",
            Self::Packaged { .. } => "packaged",
            Self::Completed => "completed",
            Self::Retried { .. } => "retried",
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
            Self::Pending { .. } => "task_pending",
            Self::Suspended { .. } => "task_suspended",
            Self::Failed { .. } => "task_failed",
            Self::Settled => "task_settled",
        }
    }
}
