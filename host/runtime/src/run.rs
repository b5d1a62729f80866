//! One run of a task, from the port's call to its end.

use std::sync::Arc;
use std::time::Instant;

use cordon_model::journal::Journal;
use cordon_model::port::{ConnectorCall, ConnectorError, RunEnd, RunOutcome};
use cordon_model::{Action, FailureCode};

use crate::bindings::{handles, types};
use crate::call::{CallState, Calls, Deadline, RunState, Stop, TaskCalls, Value, Values};
use crate::caller::Caller;
use crate::capability::handles::Input;
use crate::cassette::Tape;
use crate::instance::{self, Ending, Left, Run};
use crate::outcome;
use crate::prepare::Opening;
use crate::shared::Shared;
use crate::trap;

pub(crate) async fn run(shared: Arc<Shared>, call: ConnectorCall, tape: Option<Tape>) -> RunEnd {
    let began = Instant::now();
    let (tenant, request, task) = (call.terms.tenant.clone(), call.request, call.task);
    let (connection, action) = (call.connection.key.clone(), call.action);
    let (plugin, attempt) = (call.plugin, call.segment.attempt);
    let end = Box::pin(run_to_end(shared, call, tape)).await;
    let outcome = word(&end.result);
    if let Err(ConnectorError::Failed(failure)) = &end.result {
        trap::count(plugin, failure.code);
    }
    let took = began.elapsed();
    metrics::histogram!(
        "cordon_connector_run_seconds", "action" => action.as_str(), "outcome" => outcome
    )
    .record(took.as_secs_f64());
    tracing::info!(
        tenant.id = %tenant,
        request.id = %request,
        task.id = %task,
        connection.id = %connection,
        plugin.digest = %plugin,
        action = action.as_str(),
        attempt,
        outcome,
        calls = end.calls.len(),
        duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        "a connector ran"
    );
    end
}

/// For logs and metrics.
const fn word(result: &Result<RunOutcome, ConnectorError>) -> &'static str {
    match result {
        Ok(RunOutcome::Finished { .. }) => "finished",
        Ok(RunOutcome::RequiresInput { .. }) => "requires_input",
        Ok(RunOutcome::Pending { .. }) => "pending",
        Ok(RunOutcome::Suspended { .. }) => "suspended",
        Err(ConnectorError::Failed(failure)) => failure.code.as_str(),
        Err(ConnectorError::Host(_)) => "host_error",
    }
}

async fn run_to_end(shared: Arc<Shared>, call: ConnectorCall, tape: Option<Tape>) -> RunEnd {
    let (action, cancel) = (call.action, call.cancel.clone());
    let nothing_called = |stop| RunEnd { calls: Vec::new(), result: result(stop) };
    let admitted = match shared.registry.ready(&call.terms.tenant, call.plugin) {
        Ok(admitted) => admitted,
        Err(stop) => return nothing_called(stop),
    };
    let (opening, export) = match hand_over(&shared, call) {
        Ok(ready) => ready,
        Err(stop) => return nothing_called(stop),
    };
    let deadline = opening.deadline;
    let run = match opening.open(&shared, &cancel).await {
        Ok(run) => RunState { tape, ..run },
        Err(stop) => return nothing_called(stop),
    };
    let caller = Caller::on(&run.terms, Some(&run.connection.key));
    let state = CallState::new(&shared, caller, Some(run));
    let (left, called) =
        instance::call(&shared, &admitted.code, state, deadline, &cancel, export).await;
    finish(left, called, action)
}

/// Turns the call into what the guest is given, and what the host keeps beside it.
fn hand_over(shared: &Shared, call: ConnectorCall) -> Result<(Opening, Run), Stop> {
    let ConnectorCall { segment, connection, terms, carry, .. } = call;
    let mut values = Values::new(shared.options.values_max);
    let mut identities = Vec::with_capacity(segment.identities.len());
    for index in &segment.identities {
        let identity = call.subject.identities.get(*index).ok_or_else(|| {
            Stop::Host("the segment names an identity that the subject does not have".to_owned())
        })?;
        let (kind, value) = (identity.kind.clone(), identity.value.clone());
        let name = kind.to_string();
        let id = values.add(Value::Identity { kind, value, found: false })?;
        let fresh = segment.fresh.contains(index);
        identities.push(handles::Identity { id, kind: name, fresh });
    }
    let (state, held) = carry.map_or((None, Vec::new()), |carry| (carry.state, carry.values));
    let held = held.into_iter().map(|value| values.add(Value::Scalar(value)));
    let held = held.collect::<Result<Vec<_>, _>>()?;
    let input = match (segment.with_input, call.input) {
        (true, Some(given)) => Some(Input::new(call.form.as_ref(), &given)),
        (true, None) => return Err(Stop::Host("the segment's input is not there".to_owned())),
        (false, _) => None,
    };
    let task = types::Task {
        action: call.action.into(),
        wanted: call.wanted.as_ref().map(ToString::to_string),
        config: connection.config.to_string(),
        policy_settings: segment.policy_settings.clone(),
        reads: segment.reads.iter().copied().map(Into::into).collect(),
        identities,
        input: None,
        state,
        values: held,
    };
    let journal = Journal::open(segment.number, segment.attempt, &call.journal);
    let of_task = TaskCalls { task: call.task, segment: segment.number, sink: call.sink };
    let opening = Opening {
        connection,
        terms,
        plugin: call.plugin,
        action: Some(call.action),
        wanted: call.wanted,
        policy_settings: segment.policy_settings,
        reads: segment.reads,
        values,
        calls: Calls::new(journal, Some(of_task), shared.options.calls_max),
        deadline: Deadline::at(segment.deadline, shared.clock.as_ref()),
    };
    Ok((opening, Run { task, input }))
}

fn finish(
    left: Left,
    called: Result<Result<types::Outcome, types::Failure>, Ending>,
    action: Action,
) -> RunEnd {
    let Left { run: Some(run), mut table, .. } = left else {
        let what = "the state of the run is gone".to_owned();
        return RunEnd { calls: Vec::new(), result: Err(ConnectorError::Host(what)) };
    };
    match called {
        Ok(said) => {
            let checked = match said {
                Ok(outcome) => outcome::check(&run, &mut table, action, outcome),
                Err(failure) => Err(outcome::failure(&run, failure)),
            };
            RunEnd { calls: run.calls.finish(""), result: checked.map_err(ConnectorError::Failed) }
        }
        Err(ending) => {
            let (code, stop) = cut_off(&run, ending);
            RunEnd { calls: run.calls.finish(code), result: result(stop) }
        }
    }
}

/// What to report of the call that was going on, and of the run. A deadline that cuts off a call
/// which must not be sent twice leaves it in doubt, and that is what an operator has to know.
fn cut_off(run: &RunState, ending: Ending) -> (&'static str, Stop) {
    let in_doubt = run.calls.cut_off_in_doubt();
    match (ending, in_doubt) {
        (Ending::DeadlinePassed, Some(label)) => {
            let detail = "the deadline passed before the call was answered";
            let stop = Stop::of_query(FailureCode::InDoubt, label, detail);
            (stop.code(), stop)
        }
        (Ending::Canceled, Some(_)) => {
            (FailureCode::InDoubt.as_str(), trap::stop(Ending::Canceled))
        }
        (ending, _) => {
            let stop = trap::stop(ending);
            (stop.code(), stop)
        }
    }
}

fn result(stop: Stop) -> Result<RunOutcome, ConnectorError> {
    match stop {
        Stop::Suspended { until } => Ok(RunOutcome::Suspended { until }),
        stop @ (Stop::Failed(_) | Stop::Host(_)) => Err(stop.into()),
    }
}
