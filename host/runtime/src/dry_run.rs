//! One dry run: a run of a task in which nothing is sent and nothing is recorded.
//!
//! The guest runs like in a task, but for the rights to read: with them it could write values out
//! as literals, and what is shown here holds none. What it returns is not looked at, beyond the
//! queries that it skips and the form that it asks for. Requests that it would make of answers are
//! not shown, there being no answers: where it asked for such, that is what is told.

use std::sync::Arc;

use cordon_model::grant::Grants;
use cordon_model::input::Form;
use cordon_model::journal::Journal;
use cordon_model::plan::{EgressNeed, PlannedRequest};
use cordon_model::port::{ConnectorError, DryRunCall, DryRunEnd, UnsentRequest};
use cordon_model::task::SkippedQuery;
use cordon_model::{Action, Failure, FailureCode};

use crate::bindings::{handles, types};
use crate::call::{CallState, Calls, Deadline, RunState, Stop, Value, Values};
use crate::caller::Caller;
use crate::exchange;
use crate::instance::{self, Ending, Left, Run};
use crate::outcome;
use crate::prepare::Opening;
use crate::shared::Shared;
use crate::trap;

pub(crate) async fn dry_run(
    shared: Arc<Shared>,
    call: DryRunCall,
) -> Result<DryRunEnd, ConnectorError> {
    match Box::pin(to_end(&shared, call)).await {
        Ok(end) => Ok(end),
        Err(Stop::Failed(failure)) => {
            Ok(DryRunEnd { problems: vec![failure], ..DryRunEnd::default() })
        }
        Err(stop @ (Stop::Host(_) | Stop::Suspended { .. })) => Err(stop.into()),
    }
}

async fn to_end(shared: &Arc<Shared>, call: DryRunCall) -> Result<DryRunEnd, Stop> {
    let plugin = call.connection.plugin.digest;
    let admitted = shared.registry.ready(&call.connection.tenant, plugin)?;
    let (action, cancel) = (call.action, call.cancel.clone());
    let (opening, task) = hand_over(shared, call)?;
    let deadline = opening.deadline;
    let (run, mut problems) = opening.open_unsent(shared, &cancel).await?;
    let caller = Caller::on(&run.terms, Some(&run.connection.key));
    let state = CallState::new(shared, caller, Some(run));
    let export = Run { task, input: None };
    let (left, called) =
        instance::call(shared, &admitted.code, state, deadline, &cancel, export).await;
    let Left { run: Some(mut run), .. } = left else {
        return Err(Stop::Host("the state of the dry run is gone".to_owned()));
    };
    let mut requests = run.unsent.take().unwrap_or_default();
    let told = match told(&run, called) {
        Ok(told) => told,
        Err(stop) => {
            let failure = failure_of(stop, &requests, &problems)?;
            problems.extend(failure);
            Told::default()
        }
    };
    let not_reached = not_reached(&run, action, &requests, &told.skipped);
    requests.extend(not_reached);
    let beyond_plan = beyond_plan(&run, action)?;
    let Told { skipped, asks } = told;
    Ok(DryRunEnd { requests, skipped, problems, asks, beyond_plan })
}

/// What this action may send that is in no plan, as it was granted or is to be.
fn beyond_plan(run: &RunState, action: Action) -> Result<Vec<EgressNeed>, Stop> {
    let needs = &run.plan.egress;
    // A connection whose needs no grant can say is not stored; a plugin may answer otherwise now.
    Grants::needed_by(&[], needs, |_| false).map_err(|_| {
        let detail = "validate answered with an egress need that no grant can say";
        Stop::failed(FailureCode::InvalidOutcome, detail)
    })?;
    let may = |method: &&String| !(action.only_reads() && method.eq_ignore_ascii_case("DELETE"));
    let of_action = needs.iter().map(|need| EgressNeed {
        methods: need.methods.iter().filter(may).cloned().collect(),
        ..need.clone()
    });
    Ok(of_action.filter(|need| !need.methods.is_empty()).collect())
}

/// What the guest is given, and what the host keeps beside it.
fn hand_over(shared: &Shared, call: DryRunCall) -> Result<(Opening, types::Task), Stop> {
    let options = &shared.options;
    let mut values = Values::new(options.values_max);
    let mut identities = Vec::with_capacity(call.subject.identities.len());
    for identity in &call.subject.identities {
        let (kind, value) = (identity.kind.clone(), identity.value.clone());
        let id = values.add(Value::Identity { kind, value, found: false })?;
        identities.push(handles::Identity { id, kind: identity.kind.to_string(), fresh: true });
    }
    let task = types::Task {
        action: call.action.into(),
        wanted: call.wanted.as_ref().map(ToString::to_string),
        config: call.connection.config.to_string(),
        policy_settings: call.policy_settings.clone(),
        reads: Vec::new(),
        identities,
        input: None,
        state: None,
        values: Vec::new(),
    };
    let opening = Opening {
        plugin: call.connection.plugin.digest,
        connection: call.connection,
        terms: call.terms,
        action: Some(call.action),
        wanted: call.wanted,
        policy_settings: call.policy_settings,
        reads: Vec::new(),
        values,
        calls: Calls::new(Journal::open(0, 0, &[]), None, options.dry_run_requests_max),
        deadline: Deadline::at(call.deadline, shared.clock.as_ref()),
    };
    Ok((opening, task))
}

/// What a guest said that is worth showing.
#[derive(Default)]
struct Told {
    skipped: Vec<SkippedQuery>,
    asks: Option<Form>,
}

/// A guest's own failure counts as a stop like any other.
fn told(
    run: &RunState,
    called: Result<Result<types::Outcome, types::Failure>, Ending>,
) -> Result<Told, Stop> {
    let said = called.map_err(trap::stop)?;
    let said = said.map_err(|failure| Stop::Failed(outcome::failure(run, failure)))?;
    match said {
        types::Outcome::Finished(report) => {
            let skipped = outcome::skipped(run, report.skipped).map_err(Stop::Failed)?;
            Ok(Told { skipped, asks: None })
        }
        types::Outcome::RequiresInput(ask) => {
            let form = outcome::form(run, ask.form).map_err(Stop::Failed)?;
            Ok(Told { skipped: Vec::new(), asks: Some(form) })
        }
        types::Outcome::Pending(_) => Ok(Told::default()),
    }
}

/// What a stop says about the connection. A connector that gives up over a request which was not
/// sent says nothing, and a query that was found wrong before is told once.
fn failure_of(
    stop: Stop,
    requests: &[UnsentRequest],
    problems: &[Failure],
) -> Result<Option<Failure>, Stop> {
    let failure = match stop {
        Stop::Failed(failure) => failure,
        other @ (Stop::Host(_) | Stop::Suspended { .. }) => return Err(other),
    };
    let gave_up = is_own_word(&failure) && !requests.is_empty();
    let told = failure.label.is_some() && problems.iter().any(|p| p.label == failure.label);
    Ok((!gave_up && !told).then_some(failure))
}

/// Whether a connector reports it, and not the host.
const fn is_own_word(failure: &Failure) -> bool {
    use cordon_model::FailureCode as Code;
    matches!(
        failure.code,
        Code::QueryFailed
            | Code::MalformedResponse
            | Code::MissingPlaceholder
            | Code::InvalidConfig
            | Code::Unsupported
            | Code::PluginInternal
    )
}

/// Requests of the plan that the guest did not come to.
fn not_reached(
    run: &RunState,
    action: Action,
    requests: &[UnsentRequest],
    skipped: &[SkippedQuery],
) -> Vec<UnsentRequest> {
    let wanted = run.wanted.as_ref().map(|kind| kind.as_str());
    let unseen = |planned: &&PlannedRequest| {
        let label = &planned.request.label;
        requests.iter().all(|request| request.label != *label)
            && skipped.iter().all(|query| query.label != *label)
    };
    let planned = run.plan.of_run(Some(action), wanted).filter(unseen);
    planned.map(|p| exchange::shown(&p.request, run.only_reads(), &run.values)).collect()
}
