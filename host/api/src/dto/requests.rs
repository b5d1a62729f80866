//! Privacy requests. Identities come in and never go out: what is shown counts them by kind.

use std::collections::BTreeMap;
use std::fmt;

use cordon_engine::service::settle::Settlement;
use cordon_engine::service::submit::Submission;
use cordon_model::request::{PrivacyRequest, RequestState};
use cordon_model::{Secret, TaskId};
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::request_problems::{RequestProblem, problems_of};
use super::tasks::TaskView;
use super::webhook_runs::WebhookRunView;
use crate::error::{ApiError, FieldProblem};
use crate::json::Dto;

/// A privacy request to be submitted.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewPrivacyRequest)]
pub(crate) struct SubmissionBody {
    /// Key of the policy.
    policy: String,
    /// The person: kinds of identity, each with a value or a list of values.
    #[schema(value_type = Object, example = json!({"email": "p@x.com", "user_id": ["1", "2"]}))]
    identities: Identities,
    /// The submitter's own name for the request.
    external_id: Option<String>,
    /// Where the submitter is told of each status that needs a look or is final. Its host must be
    /// among the tenant's `webhook_hosts`, and the tenant must have a callback secret.
    callback_url: Option<String>,
}

impl Dto for SubmissionBody {}

impl From<SubmissionBody> for Submission {
    fn from(body: SubmissionBody) -> Self {
        Self {
            policy: body.policy,
            identities: body.identities.0,
            external_id: body.external_id,
            callback_url: body.callback_url,
        }
    }
}

/// A person to be searched for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RequestSearch)]
pub(crate) struct SearchBody {
    /// The person: kinds of identity, each with a value or a list of values. Requests that know
    /// any of them are found.
    #[schema(value_type = Object, example = json!({"email": "p@x.com", "user_id": ["1", "2"]}))]
    pub(crate) identities: Identities,
}

impl Dto for SearchBody {}

/// Kinds and their values, in the order they were written.
#[derive(Default)]
pub(crate) struct Identities(pub(crate) Vec<(String, Vec<String>)>);

/// One value or several.
struct Values(Vec<String>);

impl<'de> Deserialize<'de> for Identities {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ByKind;
        impl<'de> Visitor<'de> for ByKind {
            type Value = Identities;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of kinds of identity")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Identities, A::Error> {
                let mut identities = Vec::new();
                while let Some(kind) = map.next_key::<String>()? {
                    identities.push((kind, map.next_value::<Values>()?.0));
                }
                Ok(Identities(identities))
            }
        }
        deserializer.deserialize_map(ByKind)
    }
}

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMany;
        impl<'de> Visitor<'de> for OneOrMany {
            type Value = Values;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a list of strings")
            }
            fn visit_str<E>(self, value: &str) -> Result<Values, E> {
                Ok(Values(vec![value.to_owned()]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Values, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = items.next_element::<String>()? {
                    values.push(value);
                }
                Ok(Values(values))
            }
        }
        deserializer.deserialize_any(OneOrMany)
    }
}

/// Why a request is denied.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Denial)]
pub(crate) struct DenialBody {
    /// In words for people; must not name the data subject.
    pub(crate) reason: Option<String>,
}

impl Dto for DenialBody {}

/// Which failed tasks are tried again.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Retry)]
pub(crate) struct RetryBody {
    /// Ids of tasks; left out: all of them.
    tasks: Option<Vec<String>>,
}

impl Dto for RetryBody {}

impl RetryBody {
    /// The ids.
    pub(crate) fn tasks(self) -> Result<Option<Vec<TaskId>>, ApiError> {
        let Some(texts) = self.tasks else { return Ok(None) };
        let mut problems = Vec::new();
        let mut tasks = Vec::new();
        for (n, text) in texts.iter().enumerate() {
            match text.parse() {
                Ok(id) => tasks.push(id),
                Err(_) => problems.push(no_task_id(format!("/tasks/{n}"))),
            }
        }
        if problems.is_empty() { Ok(Some(tasks)) } else { Err(ApiError::invalid(problems)) }
    }
}

/// By what right a request goes on.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Resumption)]
pub(crate) struct ResumptionBody {
    /// The `resume_token` that the webhook was told which halts the request. With it the key
    /// needs no scope.
    token: Option<String>,
}

impl Dto for ResumptionBody {}

impl ResumptionBody {
    /// The token.
    pub(crate) fn token(self) -> Option<Secret> {
        self.token.map(Secret::new)
    }
}

/// What became of a call in doubt.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Settlement)]
pub(crate) struct SettlementBody {
    /// Id of the failed task.
    task: String,
    /// The label of the call in doubt.
    call: String,
    /// Whether it took effect.
    outcome: OutcomeWord,
    /// Why that is known; must not name the data subject.
    note: Option<String>,
}

/// Whether a call took effect.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SettledOutcome)]
pub(crate) enum OutcomeWord {
    /// It did: it is not sent again.
    Done,
    /// It did not: it is sent again.
    NotDone,
}

impl Dto for SettlementBody {}

impl TryFrom<SettlementBody> for Settlement {
    type Error = ApiError;

    fn try_from(body: SettlementBody) -> Result<Self, ApiError> {
        let task = body.task.parse();
        Ok(Self {
            task: task.map_err(|_| ApiError::invalid(vec![no_task_id("/task")]))?,
            call: body.call,
            done: matches!(body.outcome, OutcomeWord::Done),
            note: body.note,
        })
    }
}

fn no_task_id(pointer: impl Into<String>) -> FieldProblem {
    FieldProblem::at(pointer, "invalid_id", "must be the id of a task")
}

/// A privacy request.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PrivacyRequest)]
pub(crate) struct RequestView {
    /// Its id.
    id: String,
    /// `pending`, `approved`, `in_processing`, `requires_input`, `paused`, `complete`, `denied`,
    /// `canceled`, `error`
    status: &'static str,
    /// Key of the policy.
    policy: String,
    /// The submitter's own name for it.
    external_id: Option<String>,
    /// How many identities are known, by kind.
    #[schema(value_type = Object)]
    identity_kinds: BTreeMap<String, u64>,
    /// Why it was denied.
    #[serde(skip_serializing_if = "Option::is_none")]
    denial_reason: Option<String>,
    /// What is done, once processing has started.
    tasks: Vec<TaskView>,
    /// The tasks that wait for a person.
    waiting_for: Vec<WaitingFor>,
    /// The webhooks of the policy, once processing has started. One that halted or failed holds
    /// the request as `paused`.
    webhooks: Vec<WebhookRunView>,
    /// Rules of the policy that no connection serves: not performed.
    unserved: Vec<&'static str>,
    /// The package, when there is one.
    package: Option<PackageView>,
    /// Everything that failed or needs a look.
    problems: Vec<RequestProblem>,
    /// How the submitter is told, when it wants to be.
    callback: Option<CallbackView>,
    /// RFC 3339. When the policy says that it must be answered.
    due_at: Option<String>,
    /// Whether that time passed before it was answered.
    overdue: bool,
    /// RFC 3339.
    created_at: String,
    /// RFC 3339. When a person, or a policy without approval, said yes.
    approved_at: Option<String>,
    /// RFC 3339. When it became final.
    ended_at: Option<String>,
    /// RFC 3339. When package and content were removed, their time of keeping being over.
    expired_at: Option<String>,
    /// RFC 3339.
    updated_at: String,
}

/// How a submitter is told.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Callback)]
pub(crate) struct CallbackView {
    /// Scheme, host and port of `callback_url`. The rest of it stays with the host: it may name
    /// the person, or hold a token.
    origin: String,
    /// Messages that are still to be delivered.
    pending: usize,
    /// RFC 3339. When the next of them is tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_try_at: Option<String>,
}

/// A task that waits for a person.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WaitingFor {
    /// The task.
    task: String,
    /// Its connection.
    connection: String,
}

/// Where a package is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Package)]
pub(crate) struct PackageView {
    /// SHA-256 of the zip, hexadecimal.
    sha256: String,
    /// Size of the zip, in bytes.
    size: u64,
    /// Files in it.
    files: u32,
    /// Name of the destination.
    destination: String,
}

impl From<PrivacyRequest> for RequestView {
    fn from(request: PrivacyRequest) -> Self {
        let problems = problems_of(&request);
        let mut identity_kinds = BTreeMap::new();
        for identity in &request.subject.identities {
            *identity_kinds.entry(identity.kind.to_string()).or_default() += 1;
        }
        let waiting_for = request.waiting_for_input().map(|task| WaitingFor {
            task: task.id.to_string(),
            connection: task.connection.to_string(),
        });
        Self {
            id: request.id.to_string(),
            status: request.status().as_str(),
            policy: request.policy.to_string(),
            identity_kinds,
            waiting_for: waiting_for.collect(),
            webhooks: request.webhooks.iter().map(WebhookRunView::from).collect(),
            problems,
            callback: callback_of(&request),
            due_at: request.due_at.map(|at| at.to_string()),
            overdue: request.overdue,
            approved_at: request.approved_at.map(|at| at.to_string()),
            ended_at: request.ended_at.map(|at| at.to_string()),
            expired_at: request.expired_at.map(|at| at.to_string()),
            denial_reason: match request.state {
                RequestState::Denied { reason } => reason,
                RequestState::Pending
                | RequestState::Approved
                | RequestState::Processing
                | RequestState::Canceled
                | RequestState::Complete
                | RequestState::Failed { .. } => None,
            },
            external_id: request.external_id,
            tasks: request.tasks.into_iter().map(TaskView::from).collect(),
            unserved: request.unserved.into_iter().map(|action| action.as_str()).collect(),
            package: request.package.map(|package| PackageView {
                sha256: package.sha256,
                size: package.size,
                files: package.files,
                destination: package.destination,
            }),
            created_at: request.created_at.to_string(),
            updated_at: request.updated_at.to_string(),
        }
    }
}

fn callback_of(request: &PrivacyRequest) -> Option<CallbackView> {
    let uri = request.callback_url.as_ref()?.parse::<http::Uri>().ok();
    let origin = uri.as_ref().and_then(|uri| {
        let host = uri.host()?;
        let port = uri.port().map(|port| format!(":{port}")).unwrap_or_default();
        Some(format!("{}://{host}{port}", uri.scheme_str()?))
    });
    Some(CallbackView {
        origin: origin.unwrap_or_default(),
        pending: request.notices.len(),
        next_try_at: request.next_notice().map(|notice| notice.due.to_string()),
    })
}
