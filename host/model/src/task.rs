//! One request × one connection × one action, with the plugin's digest pinned.
//!
//! ```text
//! queued → running → complete | skipped | error
//!            │ ↑
//!            │ └── waiting (until a time) · requires_input (until a person)
//!            └───────────────┘
//! ```

use std::collections::BTreeSet;
use std::fmt;

use crate::input::Form;
use crate::plugin::{PluginRef, ReadGrant};
use crate::subject::IdentityKind;
use crate::{Action, ConnectionKey, Failure, Revision, TaskId, Timestamp};

/// A task of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Its id.
    pub id: TaskId,
    /// When it is done, among the others.
    pub stage: Stage,
    /// The connection it uses.
    pub connection: ConnectionKey,
    /// The connection's revision that the next segment pins.
    pub connection_revision: Revision,
    /// The component, to the byte.
    pub plugin: PluginRef,
    /// What the connection is asked for.
    pub action: Action,
    /// The identifier to find, in an identifiers task.
    pub wanted: Option<IdentityKind>,
    /// Identity kinds without which it cannot run.
    pub needs: BTreeSet<IdentityKind>,
    /// Where it is.
    pub state: TaskState,
    /// The open segment; none before the first run and after one was closed.
    pub segment: Option<Segment>,
    /// Segments closed so far.
    pub segments_closed: u32,
    /// The form that it asked last; once it was resumed, the one that its input answers.
    pub form: Option<Form>,
    /// What the run before left for the next one.
    pub carry: Option<Carry>,
    /// Indexes of the identities that earlier rounds of this task were given.
    pub given: BTreeSet<usize>,
    /// How often it was run to an end, for identifiers tasks that run in rounds.
    pub rounds: u32,
    /// What became of each call of the last run.
    pub calls: Vec<CallReport>,
    /// Queries that were skipped in the last run, and why.
    pub skipped: Vec<SkippedQuery>,
}

/// The stages of a request, in their order. The package is sealed between `Access` and
/// `Erasure`: nothing is deleted before the answer to the person is safe (BEHAVIOUR I3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Manual webhooks of the policy, with the initial identities only.
    Manual,
    /// Identifiers queries, in rounds.
    Identifiers,
    /// Access.
    Access,
    /// Delete and opt-out.
    Erasure,
}

impl Stage {
    /// Every stage, in order.
    pub const ALL: [Self; 4] = [Self::Manual, Self::Identifiers, Self::Access, Self::Erasure];

    /// The word used in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Identifiers => "identifiers",
            Self::Access => "access",
            Self::Erasure => "erasure",
        }
    }
}

/// Where a task is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskState {
    /// To be run as soon as its stage is reached and its identities are known.
    Queued,
    /// Being run, or to be run again after a crash.
    Running,
    /// To be run again at a time.
    Waiting {
        /// When.
        until: Timestamp,
    },
    /// Waiting for a person. Nothing but a person, a cancel or the policy's deadline ends this.
    RequiresInput {
        /// What is asked.
        form: Form,
    },
    /// Done.
    Complete {
        /// With what.
        finding: FindingSummary,
        /// When.
        at: Timestamp,
    },
    /// Not done, and not a failure.
    Skipped {
        /// Why.
        reason: SkipReason,
        /// When.
        at: Timestamp,
    },
    /// Failed; left by retry and settle.
    Error {
        /// Why.
        failure: Failure,
        /// When.
        at: Timestamp,
    },
}

impl TaskState {
    /// The word used in the API.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Waiting { .. } => "waiting",
            Self::RequiresInput { .. } => "requires_input",
            Self::Complete { .. } => "complete",
            Self::Skipped { .. } => "skipped",
            Self::Error { .. } => "error",
        }
    }

    /// Whether nothing more happens unless an operator says so.
    pub const fn is_final(&self) -> bool {
        match self {
            Self::Complete { .. } | Self::Skipped { .. } | Self::Error { .. } => true,
            Self::Queued | Self::Running | Self::Waiting { .. } | Self::RequiresInput { .. } => {
                false
            }
        }
    }
}

/// What a task came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FindingSummary {
    /// Access: this many records, kept beside the request.
    Records {
        /// How many.
        count: u64,
    },
    /// Identifiers: this many new identities, kept in the subject.
    Identities {
        /// How many.
        count: u64,
    },
    /// Delete, optout: done.
    Done {
        /// False: the connector calls it done without one recorded call.
        verified: bool,
    },
    /// Nothing was found.
    NothingFound,
    /// An operator said that it was done.
    Settled,
}

/// Why a task or a query was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SkipReason {
    /// An identity it names is not known.
    MissingPlaceholder(String),
    /// The connector says that it does not apply.
    NotApplicable,
    /// What was wanted is already known.
    NotNeeded,
    /// Its definition was disabled or removed while it waited.
    Withdrawn,
}

impl SkipReason {
    /// The word used in the API.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::MissingPlaceholder(_) => "missing_placeholder",
            Self::NotApplicable => "not_applicable",
            Self::NotNeeded => "not_needed",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// A query that was skipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedQuery {
    /// Which.
    pub label: String,
    /// Why.
    pub reason: SkipReason,
}

/// What became of one call. The host's own record, whatever the connector says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallReport {
    /// The query's label.
    pub label: String,
    /// 0 for the first call with this label.
    pub occurrence: u32,
    /// The last status, when there was one.
    pub status: Option<u16>,
    /// `success`, `replayed`, or a failure's code.
    pub outcome: String,
    /// Tries.
    pub attempts: u8,
    /// Decoded size of the response's body.
    pub response_bytes: u64,
    /// From the first try to the end, waits included.
    pub duration_ms: u64,
}

/// Everything a run may depend on, pinned from its first try until an outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// 0 for the first.
    pub number: u32,
    /// An operator's retry begins a new attempt.
    pub attempt: u32,
    /// When the work must be done. Absolute, and it does not count a person's time.
    pub deadline: Timestamp,
    /// The connection's configuration.
    pub connection_revision: Revision,
    /// Indexes of the subject's identities that the run is given, in order.
    pub identities: Vec<usize>,
    /// Those among them that no earlier round was given.
    pub fresh: BTreeSet<usize>,
    /// What the policy stores for the connection, as JSON.
    pub policy_settings: Option<String>,
    /// What may be read.
    pub reads: Vec<ReadGrant>,
    /// Whether the input that a person gave is handed in.
    pub with_input: bool,
}

/// What a run left for the next one with `requires-input` or `pending`. `Debug` shows no content.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Carry {
    /// The connector's own words.
    pub state: Option<String>,
    /// Host-held values, in the order of their ids in the next run.
    pub values: Vec<HeldValue>,
}

/// A scalar of a response that may go back to the origin it came from only.
#[derive(Clone, PartialEq, Eq)]
pub struct HeldValue {
    /// The value.
    pub value: String,
    /// `scheme://host[:port]`.
    pub origin: String,
}

impl fmt::Debug for Carry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.state.as_ref().map(String::len);
        write!(f, "Carry(state of {bytes:?} bytes, {} values)", self.values.len())
    }
}

impl fmt::Debug for HeldValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HeldValue(…, from {})", self.origin)
    }
}
