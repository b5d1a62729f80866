//! What failed in a request, or needs a look: of the request itself, its rules, webhooks and tasks.

use cordon_model::FailureCode;
use cordon_model::request::{PrivacyRequest, RequestState, WebhookRun, WebhookState};
use cordon_model::task::{FindingSummary, Task, TaskState};
use serde::Serialize;
use utoipa::ToSchema;

/// Something that failed or needs a look.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RequestProblem {
    /// A stable word; `docs/errors.md` lists them.
    code: String,
    /// The task.
    #[serde(skip_serializing_if = "Option::is_none")]
    task: Option<String>,
    /// Its connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    connection: Option<String>,
    /// The webhook of the policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook: Option<String>,
    /// A sentence for a person.
    detail: String,
}

impl RequestProblem {
    fn new(code: &str, detail: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            task: None,
            connection: None,
            webhook: None,
            detail: detail.into(),
        }
    }
}

/// Everything, the most general first.
pub(super) fn problems_of(request: &PrivacyRequest) -> Vec<RequestProblem> {
    let mut problems = Vec::new();
    if let RequestState::Failed { failure } = &request.state {
        problems.push(RequestProblem::new(failure.code.as_str(), &failure.detail));
    }
    for action in &request.unserved {
        let detail = format!("no connection serves {action}; it was not performed");
        problems.push(RequestProblem::new(FailureCode::RuleUnserved.as_str(), detail));
    }
    problems.extend(request.paused_by().map(problem_of_webhook));
    problems.extend(request.tasks.iter().filter_map(problem_of_task));
    problems
}

fn problem_of_webhook(webhook: &WebhookRun) -> RequestProblem {
    let problem = match &webhook.state {
        WebhookState::Failed { failure, .. } => {
            RequestProblem::new(failure.code.as_str(), &failure.detail)
        }
        WebhookState::Halted { .. }
        | WebhookState::Queued
        | WebhookState::Waiting { .. }
        | WebhookState::Done { .. }
        | WebhookState::Withdrawn { .. } => {
            RequestProblem::new("webhook_halted", "a webhook of the policy halted the request")
        }
    };
    RequestProblem { webhook: Some(webhook.id.to_string()), ..problem }
}

fn problem_of_task(task: &Task) -> Option<RequestProblem> {
    let problem = match &task.state {
        TaskState::Error { failure, .. } => {
            RequestProblem::new(failure.code.as_str(), &failure.detail)
        }
        TaskState::Complete { finding: FindingSummary::Done { verified: false }, .. } => {
            let detail = "the connector calls this done without one recorded call";
            RequestProblem::new("unverified", detail)
        }
        TaskState::Queued
        | TaskState::Running
        | TaskState::Waiting { .. }
        | TaskState::RequiresInput { .. }
        | TaskState::Complete { .. }
        | TaskState::Skipped { .. } => return None,
    };
    Some(RequestProblem {
        task: Some(task.id.to_string()),
        connection: Some(task.connection.to_string()),
        ..problem
    })
}
