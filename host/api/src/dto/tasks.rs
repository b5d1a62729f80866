//! Tasks of a request, and what became of each query.

use cordon_model::Failure;
use cordon_model::task::{CallReport, FindingSummary, SkipReason, SkippedQuery, Task, TaskState};
use serde::Serialize;
use utoipa::ToSchema;

use super::PluginView;

/// One request × one connection × one action.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Task)]
pub(crate) struct TaskView {
    /// Its id.
    id: String,
    /// `manual`, `identifiers`, `access`, `erasure`
    stage: &'static str,
    /// The connection it uses.
    connection: String,
    /// What the connection is asked for.
    action: &'static str,
    /// The identifier to find.
    #[serde(skip_serializing_if = "Option::is_none")]
    wanted: Option<String>,
    /// The component that does it.
    plugin: PluginView,
    /// `queued`, `running`, `waiting`, `requires_input`, `complete`, `skipped`, `error`
    status: &'static str,
    /// When it goes on, while it is waiting. RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting_until: Option<String>,
    /// What it came to.
    #[serde(skip_serializing_if = "Option::is_none")]
    finding: Option<FindingView>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<FailureView>,
    /// Why it was not done.
    #[serde(skip_serializing_if = "Option::is_none")]
    skipped: Option<SkippedView>,
    /// When it ended. RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<String>,
    /// What became of each query of the last run.
    queries: Vec<QueryView>,
    /// Queries of the last run that were skipped.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    skipped_queries: Vec<SkippedQueryView>,
}

/// What a task came to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Finding)]
pub(crate) struct FindingView {
    /// `records`, `identities`, `done`, `nothing_found`, `settled`
    kind: &'static str,
    /// How many records or identities.
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
    /// False: called done without one recorded call.
    #[serde(skip_serializing_if = "Option::is_none")]
    verified: Option<bool>,
}

/// Why something failed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Failure)]
pub(crate) struct FailureView {
    /// A stable word; `docs/errors.md` lists them.
    code: &'static str,
    /// The query.
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    /// A sentence for a person.
    detail: String,
}

/// Why something was not done.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Skipped)]
pub(crate) struct SkippedView {
    /// `missing_placeholder`, `not_applicable`, `not_needed`, `withdrawn`
    reason: &'static str,
    /// The kind of identity that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    placeholder: Option<String>,
}

/// A query that was skipped.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SkippedQuery)]
pub(crate) struct SkippedQueryView {
    /// Which.
    name: String,
    /// `missing_placeholder`, `not_applicable`, `not_needed`, `withdrawn`
    reason: &'static str,
    /// The kind of identity that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    placeholder: Option<String>,
}

/// What became of one query.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Query)]
pub(crate) struct QueryView {
    /// The query's label.
    name: String,
    /// 0 for its first call.
    occurrence: u32,
    /// The last status.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// `success`, `replayed`, or a failure's code.
    outcome: String,
    /// Tries.
    attempts: u8,
    /// Size of the response's body.
    response_bytes: u64,
    /// From the first try to the end, waits included.
    duration_ms: u64,
}

impl From<Task> for TaskView {
    fn from(task: Task) -> Self {
        let status = task.state.as_str();
        let (mut waiting_until, mut ended_at) = (None, None);
        let (mut finding, mut failure, mut skipped) = (None, None, None);
        match task.state {
            TaskState::Queued | TaskState::Running | TaskState::RequiresInput { .. } => {}
            TaskState::Waiting { until } => waiting_until = Some(until.to_string()),
            TaskState::Complete { finding: found, at } => {
                (finding, ended_at) = (Some(found.into()), Some(at.to_string()));
            }
            TaskState::Skipped { reason, at } => {
                (skipped, ended_at) = (Some(reason.into()), Some(at.to_string()));
            }
            TaskState::Error { failure: why, at } => {
                (failure, ended_at) = (Some(why.into()), Some(at.to_string()));
            }
        }
        Self {
            id: task.id.to_string(),
            stage: task.stage.as_str(),
            connection: task.connection.to_string(),
            action: task.action.as_str(),
            wanted: task.wanted.map(|kind| kind.to_string()),
            plugin: (&task.plugin).into(),
            status,
            waiting_until,
            finding,
            failure,
            skipped,
            ended_at,
            queries: task.calls.into_iter().map(QueryView::from).collect(),
            skipped_queries: task.skipped.into_iter().map(SkippedQueryView::from).collect(),
        }
    }
}

impl From<FindingSummary> for FindingView {
    fn from(finding: FindingSummary) -> Self {
        let of = |kind| Self { kind, count: None, verified: None };
        match finding {
            FindingSummary::Records { count } => Self { count: Some(count), ..of("records") },
            FindingSummary::Identities { count } => Self { count: Some(count), ..of("identities") },
            FindingSummary::Done { verified } => Self { verified: Some(verified), ..of("done") },
            FindingSummary::NothingFound => of("nothing_found"),
            FindingSummary::Settled => of("settled"),
        }
    }
}

impl From<Failure> for FailureView {
    fn from(failure: Failure) -> Self {
        Self { code: failure.code.as_str(), label: failure.label, detail: failure.detail }
    }
}

impl From<SkipReason> for SkippedView {
    fn from(reason: SkipReason) -> Self {
        let word = reason.as_str();
        let placeholder = match reason {
            SkipReason::MissingPlaceholder(name) => Some(name),
            SkipReason::NotApplicable | SkipReason::NotNeeded | SkipReason::Withdrawn => None,
        };
        Self { reason: word, placeholder }
    }
}

impl From<SkippedQuery> for SkippedQueryView {
    fn from(skipped: SkippedQuery) -> Self {
        let SkippedView { reason, placeholder } = skipped.reason.into();
        Self { name: skipped.label, reason, placeholder }
    }
}

impl From<CallReport> for QueryView {
    fn from(call: CallReport) -> Self {
        Self {
            name: call.label,
            occurrence: call.occurrence,
            status: call.status,
            outcome: call.outcome,
            attempts: call.attempts,
            response_bytes: call.response_bytes,
            duration_ms: call.duration_ms,
        }
    }
}
