//! A plugin's plan for a configuration: asked for, checked for size, and kept so that a run need
//! not ask again.
//!
//! The host's copy of the plan is what a planned label is held to; a guest cannot change it
//! between `validate` and `run`.

mod cache;
mod column;

use std::collections::HashMap;

use cordon_egress::{Gate, RequestProblem};
use cordon_model::http_request::{HttpRequest, Piece, Text};
use cordon_model::json::pointer_token;
use cordon_model::plan::{Assessment, Draft, EgressNeed, PlannedRequest, Query};
use cordon_model::subject::IdentityKind;
use cordon_model::tenant::Terms;
use cordon_model::{Action, FailureCode, PluginDigest, Problem};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::bindings::{PluginPre, convert, types};
use crate::call::{CallState, Deadline, Stop};
use crate::caller::Caller;
use crate::instance::{self, Validate};
use crate::options::Options;
use crate::shared::Shared;
use crate::trap;

pub(crate) use cache::PlanCache;

/// What `validate` answered.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) problems: Vec<Problem>,
    pub(crate) requests: Vec<PlannedRequest>,
    pub(crate) egress: Vec<EgressNeed>,
    /// The first request with each label.
    by_label: HashMap<String, usize>,
}

/// Asks a plugin for its plan, on a tenant's terms.
pub(crate) async fn ask(
    shared: &Shared,
    terms: &Terms,
    plugin: PluginDigest,
    draft: &Draft,
    deadline: Deadline,
    cancel: &CancellationToken,
) -> Result<Plan, Stop> {
    let admitted = shared.registry.ready(&terms.tenant, plugin)?;
    let caller = Caller::on(terms, None);
    let asked = ask_code(shared, &admitted.code, caller, draft, deadline, cancel).await;
    asked.inspect_err(|stop| trap::count_stop(plugin, stop))
}

/// The same of code that perhaps nobody knows yet.
pub(crate) async fn ask_code(
    shared: &Shared,
    code: &PluginPre<CallState>,
    caller: Caller,
    draft: &Draft,
    deadline: Deadline,
    cancel: &CancellationToken,
) -> Result<Plan, Stop> {
    let state = CallState::new(shared, caller, None);
    let export = Validate(convert::draft(draft));
    let (_, called) = instance::call(shared, code, state, deadline, cancel, export).await;
    let verdict = called.map_err(trap::stop)?;
    Plan::new(verdict, &shared.options)
}

pub(crate) fn unavailable() -> Stop {
    Stop::failed(FailureCode::PluginUnavailable, FailureCode::PluginUnavailable.meaning())
}

impl Plan {
    fn new(verdict: types::Verdict, options: &Options) -> Result<Self, Stop> {
        let max = options.plan_entries_max;
        let counts = [verdict.problems.len(), verdict.plan.len(), verdict.egress.len()];
        if counts.iter().any(|count| *count > max) {
            let detail = format!("validate answered with more than {max} problems or requests");
            return Err(Stop::failed(FailureCode::InvalidOutcome, detail));
        }
        let cut = |text: &str| convert::detail(text, options.detail_chars_max);
        let problem = |problem: types::Problem| {
            let mut problem = Problem::from(problem);
            for text in [&mut problem.code, &mut problem.pointer, &mut problem.message] {
                *text = cut(text);
            }
            problem
        };
        Ok(Self::of(
            verdict.problems.into_iter().map(problem).collect(),
            verdict.plan.into_iter().map(Into::into).collect(),
            verdict.egress.into_iter().map(Into::into).collect(),
        ))
    }

    pub(crate) fn of(
        problems: Vec<Problem>,
        requests: Vec<PlannedRequest>,
        egress: Vec<EgressNeed>,
    ) -> Self {
        let mut by_label = HashMap::new();
        for (index, planned) in requests.iter().enumerate() {
            by_label.entry(planned.request.label.clone()).or_insert(index);
        }
        Self { problems, requests, egress, by_label }
    }

    /// The planned request with a label.
    pub(crate) fn of_label(&self, label: &str) -> Option<&PlannedRequest> {
        self.requests.get(*self.by_label.get(label)?)
    }

    /// The planned requests of one run, or of a test.
    pub(crate) fn of_run<'a>(
        &'a self,
        action: Option<Action>,
        wanted: Option<&'a str>,
    ) -> impl Iterator<Item = &'a PlannedRequest> {
        self.requests.iter().filter(move |planned| serves(planned, action, wanted))
    }

    /// What the gate says of it, on top of what the plugin says.
    /// `config` is what it is the plan of.
    pub(crate) fn assess(self, gate: &Gate, config: &str, label_chars_max: usize) -> Assessment {
        // A plugin that reads something else than JSON gets neither columns nor places of parts.
        let config: Value = serde_json::from_str(config).unwrap_or_default();
        let mut problems = self.problems;
        let mut queries = Vec::new();
        for (index, planned) in self.requests.into_iter().enumerate() {
            let label = &planned.request.label;
            if self.by_label.get(label) != Some(&index) {
                let message = "another query has the same label; give each query its own";
                problems.push(Problem::error("duplicate_label", &planned.pointer, message));
            }
            if label.is_empty() || label.chars().count() > label_chars_max {
                let message = format!("a label has 1 to {label_chars_max} characters");
                problems.push(Problem::error("invalid_label", &planned.pointer, message));
            }
            match inspect(gate, &config, planned) {
                Ok(query) => queries.push(query),
                Err(found) => problems.extend(found),
            }
        }
        // What every query is made of is wrong in each of them, and wrong once.
        let mut told: Vec<Problem> = Vec::with_capacity(problems.len());
        for problem in problems {
            if !told.contains(&problem) {
                told.push(problem);
            }
        }
        let problems = told;
        Assessment { problems, queries, egress: self.egress }
    }
}

/// What the gate reads out of one planned request, or everything that is wrong with it.
fn inspect(gate: &Gate, config: &Value, planned: PlannedRequest) -> Result<Query, Vec<Problem>> {
    let PlannedRequest { pointer, action, wanted, when_missing, request } = planned;
    let mut problems = Vec::new();
    let wanted = match wanted.map(|kind| kind.parse::<IdentityKind>()).transpose() {
        Ok(kind) => kind,
        Err(error) => {
            problems.push(Problem::error("invalid_kind", &pointer, error.to_string()));
            None
        }
    };
    if action.is_some_and(Action::only_reads) && request.method.eq_ignore_ascii_case("DELETE") {
        let message = "access and identifiers queries never send DELETE; use another verb";
        problems.push(Problem::error("method_refused", place(config, &pointer, "/verb"), message));
    }
    if !request.bind.is_empty() {
        let message = "a planned request binds no values";
        problems.push(Problem::error("invalid_plan", &pointer, message));
    }
    let inspection =
        gate.inspect(&request).map_err(|found| located(found, config, &pointer, &request));
    match inspection {
        Ok(found) if problems.is_empty() => Ok(Query {
            pointer,
            label: request.label,
            action,
            wanted,
            when_missing,
            origin: found.origin,
            paths: found.paths,
            method: found.method,
            names: found.names,
            verify_tls: request.verify_tls,
            raw: found.raw,
        }),
        Ok(_) => Err(problems),
        Err(found) => Err(problems.into_iter().chain(found).collect()),
    }
}

/// What the gate found, with the places where the person who wrote the configuration looks.
fn located(
    found: Vec<RequestProblem>,
    config: &Value,
    pointer: &str,
    request: &HttpRequest,
) -> Vec<Problem> {
    let locate = |found: RequestProblem| {
        let pointer = place(config, pointer, &found.part);
        let written = config.pointer(&pointer).and_then(Value::as_str);
        let text = text_of(request, &found.part);
        let column = written.zip(text).zip(found.at);
        let column = column.and_then(|((written, text), at)| column::column(written, text, at));
        Problem { column, ..Problem::error(found.code, pointer, found.message) }
    };
    found.into_iter().map(locate).collect()
}

/// Where a part of a request is written: below the place of its query when the configuration is
/// laid out like a request, else at that place.
fn place(config: &Value, pointer: &str, part: &str) -> String {
    let below = format!("{pointer}{part}");
    if config.pointer(&below).is_some() { below } else { pointer.to_owned() }
}

/// The text that a part of a request is composed of.
fn text_of<'r>(request: &'r HttpRequest, part: &str) -> Option<&'r Text> {
    match part {
        "/url" => Some(&request.url),
        "/body" => request.body.as_ref().map(|body| &body.content),
        part => {
            let token = part.strip_prefix("/headers/")?;
            let header = request.headers.iter().find(|(name, _)| pointer_token(name) == token);
            header.map(|(_, text)| text)
        }
    }
}

/// Whether a planned request is for this run, or for a test.
pub(crate) fn serves(
    planned: &PlannedRequest,
    action: Option<Action>,
    wanted: Option<&str>,
) -> bool {
    let identifiers = action == Some(Action::Identifiers);
    planned.action == action && (!identifiers || planned.wanted.as_deref() == wanted)
}

/// A name that a request mentions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Name<'a> {
    /// Of an identity or a credential.
    Placeholder(&'a str),
    /// Of a credential.
    Secret(&'a str),
}

impl<'a> Name<'a> {
    /// The name itself.
    pub(crate) const fn text(self) -> &'a str {
        match self {
            Self::Placeholder(name) | Self::Secret(name) => name,
        }
    }
}

/// Every name in a request, in the order of its texts; some more than once.
pub(crate) fn names(request: &HttpRequest) -> impl Iterator<Item = Name<'_>> {
    let headers = request.headers.iter().flat_map(|(_, value)| value);
    let body = request.body.iter().flat_map(|body| &body.content);
    request.url.iter().chain(headers).chain(body).filter_map(|piece| match piece {
        Piece::Placeholder(name) => Some(Name::Placeholder(name.as_str())),
        Piece::Secret(name) => Some(Name::Secret(name.as_str())),
        Piece::Literal(_) | Piece::Value(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_request_is_pointed_at_only_where_it_is_written() {
        let config = serde_json::json!({
            "config": { "origin": "http://10.0.0.1", "queries": [{ "url": "http://10.0.0.1/" }] },
        });
        for (pointer, part, expected) in [
            ("/config/queries/0", "/url", "/config/queries/0/url"),
            ("/config/queries/0", "/body", "/config/queries/0"),
            ("/config/origin", "/url", "/config/origin"),
            ("/config", "/url", "/config"),
            ("", "/url", ""),
        ] {
            assert_eq!(place(&config, pointer, part), expected);
        }
        assert_eq!(place(&Value::Null, "/x", "/url"), "/x", "it is no JSON");
    }
}
