//! Dry runs. Identities come in and never go out: a request is shown with placeholders, and says
//! which of the values it is for by their number.

use std::collections::BTreeMap;

use cordon_engine::service::dry_run::DryRun;
use cordon_model::plan::EgressNeed;
use cordon_model::port::{Judgment, Refusal, UnsentRequest};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::inputs::FormView;
use super::requests::Identities;
use super::tasks::{FailureView, SkippedQueryView};
use crate::json::Dto;

/// What is asked.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewDryRun)]
pub(crate) struct DryRunBody {
    /// `access`, `delete`, `optout` or `identifiers`
    pub(crate) action: String,
    /// The person: kinds of identity, each with a value or a list of values. They are checked like
    /// those of a request and shown nowhere.
    #[serde(default)]
    #[schema(value_type = Object, example = json!({"email": "p@x.com", "user_id": ["1", "2"]}))]
    pub(crate) identities: Identities,
}

impl Dto for DryRunBody {}

/// What would be sent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DryRun)]
pub(crate) struct DryRunView {
    /// The action.
    action: &'static str,
    /// Whether every request that was reached would go out, and nothing is wrong.
    ready: bool,
    /// The requests, in the order in which they would be sent, as far as they need no answer.
    requests: Vec<UnsentView>,
    /// Queries that would be skipped.
    skipped_queries: Vec<SkippedQueryView>,
    /// What a request would fail over before its first query is sent.
    problems: Vec<FailureView>,
    /// What a person would be asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    form: Option<FormView>,
    /// What it may send beside the requests above: a connector makes some of them of answers,
    /// which a dry run does not have, and asked for these. How many there would be, nobody knows.
    may_also_send: Vec<BeyondPlanView>,
}

/// Requests that a connector makes of answers: what it asked for, and no more.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BeyondPlan)]
struct BeyondPlanView {
    /// Verbs.
    methods: Vec<String>,
    /// `scheme://host[:port]`; `*.` before the host stands for one or more labels.
    origin: String,
    /// This path and what is below it, by whole segments.
    path_prefix: String,
    /// Keys of the credentials that it may send along, in headers.
    secrets: Vec<String>,
}

/// A request that would be sent, with `{name}` wherever a value would stand.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UnsentRequest)]
pub(crate) struct UnsentView {
    /// The query's label.
    label: String,
    /// 0 for its first request.
    occurrence: u32,
    /// The verb.
    method: String,
    /// The URL.
    url: String,
    /// Names and values; several of one name are joined by a comma.
    headers: BTreeMap<String, String>,
    /// The body.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    /// Which of the values of a kind it is for, counted from 1 in the order in which they were
    /// given.
    identities: BTreeMap<String, usize>,
    /// Whether certificates would be checked.
    verify_tls: bool,
    /// Whether it would be sent again when nobody knows what became of it.
    idempotent: bool,
    /// What the egress gate says.
    egress: JudgmentView,
}

/// Whether a request would go out.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Judgment)]
struct JudgmentView {
    /// `allow`, `deny`, or `not_reached`: it depends on the answer to an earlier one, or the task
    /// would fail before. The name service is not asked; `POST /v1/egress/explain` does.
    decision: &'static str,
    /// Where it was denied: `config`, `render`, `parse`, `policy` or `address`.
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: Option<&'static str>,
    /// The code of the denial.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    /// Why, in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

impl From<DryRun> for DryRunView {
    fn from(run: DryRun) -> Self {
        Self {
            action: run.action.as_str(),
            ready: run.ready,
            requests: run.requests.into_iter().map(Into::into).collect(),
            skipped_queries: run.skipped.into_iter().map(Into::into).collect(),
            problems: run.problems.into_iter().map(Into::into).collect(),
            form: run.asks.map(Into::into),
            may_also_send: run.beyond_plan.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<EgressNeed> for BeyondPlanView {
    fn from(need: EgressNeed) -> Self {
        let EgressNeed { origin, path_prefix, methods, secrets } = need;
        Self { methods, origin, path_prefix, secrets }
    }
}

impl From<UnsentRequest> for UnsentView {
    fn from(request: UnsentRequest) -> Self {
        let mut headers: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in request.headers {
            headers
                .entry(name)
                .and_modify(|all| {
                    all.push_str(", ");
                    all.push_str(&value);
                })
                .or_insert(value);
        }
        let identities = request.identities.into_iter();
        Self {
            label: request.label,
            occurrence: request.occurrence,
            method: request.method,
            url: request.url,
            headers,
            body: request.body,
            identities: identities.map(|(kind, nth)| (kind.to_string(), nth)).collect(),
            verify_tls: request.verify_tls,
            idempotent: request.idempotent,
            egress: request.judgment.into(),
        }
    }
}

impl From<Judgment> for JudgmentView {
    fn from(judgment: Judgment) -> Self {
        let of = |decision| Self { decision, stage: None, code: None, detail: None };
        match judgment {
            Judgment::Allowed => of("allow"),
            Judgment::NotReached => of("not_reached"),
            Judgment::Refused(Refusal { stage, code, detail }) => {
                Self { stage: Some(stage), code: Some(code), detail: Some(detail), ..of("deny") }
            }
        }
    }
}
