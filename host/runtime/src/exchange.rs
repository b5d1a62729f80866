//! One `http.send`, from the request in pieces to the response a guest may point at.
//!
//! Checks that a planned label is sent as planned and that `bind` holds identities of this run,
//! renders, asks the journal, and sends. Whatever a guest must not branch on ends the run. The
//! grants are checked by the gate, at every attempt. Called by `capability::http`.

mod attempts;
mod kept;
mod lookup;
mod taped;
mod unsent;

use std::collections::BTreeSet;

use bytes::Bytes;

use cordon_egress::{Received, RenderError, Rendered, RetryAfter, render};
use cordon_model::http_request::{BodyUse, CallError, HttpRequest, Piece, ValueId};
use cordon_model::journal::{CallOutcome, Next, SendCall};
use cordon_model::plugin::ReadGrant;
use cordon_model::{Action, FailureCode, Timestamp};

use crate::bindings::convert;
use crate::call::{RunState, Stop};
use crate::keys;
use crate::plan::{Plan, serves};

use attempts::Ended;
use kept::Kept;
use lookup::Names;

pub(crate) use unsent::shown;

/// A response that a guest points at.
#[expect(unreachable_pub, reason = "the generated bindings re-export it as `pub`")]
pub struct Response {
    pub(crate) status: u16,
    /// Kept only for a run that may read responses.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<Bytes>,
    pub(crate) body_use: BodyUse,
    /// Where it came from: the only place its scalars may go.
    pub(crate) origin: String,
}

/// Sends a request, or answers from the journal. In a dry run it is written down instead.
///
/// # Errors
/// Whatever ends the run.
pub(crate) async fn send(
    run: &mut RunState,
    mut request: HttpRequest,
) -> Result<Result<Response, CallError>, Stop> {
    let bind = std::mem::take(&mut request.bind);
    check_label(&request.label, run.shared.options.label_chars_max)?;
    check_planned(&run.plan, run.action, run.wanted.as_ref().map(|k| k.as_str()), &request)?;
    check_method(run.action, &request)?;
    check_bind(run, &request.label, &bind)?;
    check_values(run, &request)?;
    run.calls.begin(&request.label)?;
    if run.unsent.is_some() {
        return unsent::note(run, &request, &bind).map(Err);
    }
    let names = Names { values: &run.values, bind: &bind, credentials: &run.credentials };
    let rendered = match render(&request, &names) {
        Ok(rendered) => rendered,
        Err(error) => {
            let chars_max = run.shared.options.detail_chars_max;
            let error = unrendered(error, &request.label, chars_max)?;
            run.calls.end(error.code());
            return Ok(Err(error));
        }
    };
    let key = keys::fingerprint_key(&run.shared.options.fingerprint_key, &run.connection.tenant);
    let (safe, idempotent) = {
        let only_reads = run.only_reads();
        (request.is_safe(only_reads), request.is_idempotent(only_reads))
    };
    let fingerprint = rendered.fingerprint(&key);
    // Whoever listens is told which identities it is for.
    request.bind = bind;
    match run.calls.journal.next(&request.label, fingerprint, safe, idempotent) {
        Next::Send(call) => transmit(run, &request, &rendered, call, idempotent).await,
        Next::Replay(outcome) => replay(run, &request, rendered.origin(), outcome),
        Next::Settled => Ok(Ok(settled(run, &request, rendered.origin()))),
        Next::InDoubt => Err(in_doubt(&request.label)),
        Next::Nondeterministic => Err(Stop::of_query(
            FailureCode::Nondeterministic,
            &request.label,
            "the plugin composed another request than the one on record",
        )),
    }
}

fn in_doubt(label: &str) -> Stop {
    let detail = "the call may have taken effect, and no answer to it is on record";
    Stop::of_query(FailureCode::InDoubt, label, detail)
}

fn check_label(label: &str, chars_max: usize) -> Result<(), Stop> {
    let plain = !label.is_empty() && !label.chars().any(char::is_control);
    if plain && label.chars().count() <= chars_max {
        return Ok(());
    }
    let detail = "a label is empty, too long, or holds control characters";
    Err(Stop::failed(FailureCode::LimitReached, detail))
}

/// A planned label is sent as planned, by the run it was planned for, or not at all.
fn check_planned(
    plan: &Plan,
    action: Option<Action>,
    wanted: Option<&str>,
    request: &HttpRequest,
) -> Result<(), Stop> {
    match plan.of_label(&request.label) {
        None => Ok(()),
        Some(planned) if serves(planned, action, wanted) && planned.request == *request => Ok(()),
        Some(_) => {
            let detail = "the request differs from the planned one with its label";
            Err(Stop::of_query(FailureCode::NotPlanned, &request.label, detail))
        }
    }
}

/// Access and identifiers never delete (BEHAVIOUR C7). Whatever the case of the verb: there are
/// servers that do not mind it.
fn check_method(action: Option<Action>, request: &HttpRequest) -> Result<(), Stop> {
    let reads = action.is_some_and(Action::only_reads);
    if reads && request.method.eq_ignore_ascii_case("DELETE") {
        let detail = "access and identifiers send no DELETE";
        return Err(Stop::of_query(FailureCode::EgressDenied, &request.label, detail));
    }
    Ok(())
}

/// Only identities of this run, one for each kind.
fn check_bind(run: &RunState, label: &str, bind: &[ValueId]) -> Result<(), Stop> {
    let mut kinds = BTreeSet::new();
    for id in bind {
        match run.values.identity(*id) {
            Some((kind, _)) if kinds.insert(kind) => {}
            Some(_) => {
                let detail = "the plugin bound two identities of one kind";
                return Err(Stop::of_query(FailureCode::PluginTrapped, label, detail));
            }
            None => {
                let detail = "the plugin bound a number that is no identity of this run";
                return Err(Stop::of_query(FailureCode::PluginTrapped, label, detail));
            }
        }
    }
    Ok(())
}

/// Only values that were given out in this run.
fn check_values(run: &RunState, request: &HttpRequest) -> Result<(), Stop> {
    let headers = request.headers.iter().flat_map(|(_, value)| value);
    let body = request.body.iter().flat_map(|body| &body.content);
    let mut pieces = request.url.iter().chain(headers).chain(body);
    let unknown =
        |piece: &Piece| matches!(piece, Piece::Value(id) if run.values.get(*id).is_none());
    if pieces.any(unknown) {
        let detail = "the plugin sent a number that was not given out in this run";
        return Err(Stop::of_query(FailureCode::PluginTrapped, &request.label, detail));
    }
    Ok(())
}

/// What the guest is told of a request that cannot be filled in; a refused template ends the run.
/// Names that the guest chose stand in what is said of that one.
fn unrendered(error: RenderError, label: &str, chars_max: usize) -> Result<CallError, Stop> {
    match error {
        RenderError::Missing(name) => Ok(CallError::MissingPlaceholder(name)),
        RenderError::Ambiguous(name) => Ok(CallError::AmbiguousPlaceholder(name)),
        RenderError::ValueRefused(name) => Ok(CallError::ValueRefused(name)),
        RenderError::Problems(problems) => {
            let said: Vec<_> =
                problems.iter().map(|p| format!("{} at {}", p.code, p.part)).collect();
            let detail = format!("the request is refused as it is written: {}", said.join(", "));
            let detail = convert::detail(&detail, chars_max);
            Err(Stop::of_query(FailureCode::EgressDenied, label, detail))
        }
    }
}

/// Answers from the journal; nothing is sent.
fn replay(
    run: &mut RunState,
    request: &HttpRequest,
    origin: &str,
    outcome: CallOutcome,
) -> Result<Result<Response, CallError>, Stop> {
    match outcome {
        CallOutcome::Success { status, body, retry_after, attempts } => {
            let kept = Kept::read(body, run.may_read(ReadGrant::Responses));
            if let Some(call) = run.calls.current() {
                call.status = Some(status);
                call.attempts = attempts;
                call.response_bytes = kept.body.as_ref().map_or(0, |body| body.len() as u64);
            }
            run.calls.end("replayed");
            run.retry_after = retry_after;
            Ok(Ok(respond(run, request, origin, status, kept)?))
        }
        CallOutcome::Failed { error, attempts } => {
            if let Some(call) = run.calls.current() {
                call.attempts = attempts;
                call.status = status_of(&error);
            }
            run.calls.end(error.code());
            Ok(Err(error))
        }
    }
}

/// An operator said that it was done: the first status the query lists, and no body.
fn settled(run: &mut RunState, request: &HttpRequest, origin: &str) -> Response {
    run.calls.end("replayed");
    Response {
        status: request.success.first().copied().unwrap_or(200),
        headers: Vec::new(),
        body: None,
        body_use: request.response_body,
        origin: origin.to_owned(),
    }
}

/// Sends, and commits what the journal needs: before the first byte, and before the guest goes on.
async fn transmit(
    run: &mut RunState,
    request: &HttpRequest,
    rendered: &Rendered,
    mut call: SendCall,
    idempotent: bool,
) -> Result<Result<Response, CallError>, Stop> {
    let key = idempotency_key(run, &call);
    run.calls.append(std::mem::take(&mut call.before)).await?;
    let sending = attempts::Call { request, rendered, idempotent, key: key.as_deref() };
    let (ended, attempts) = attempts::run(run, &sending, call.attempts).await?;
    match ended {
        Ended::Success(received) => {
            let retry_after =
                received.retry_after.map(|after| seconds(after, run.shared.clock.now()));
            let (status, kept) = (received.status, keep(run, received));
            let body = kept.to_journal(run.may_read(ReadGrant::Responses));
            let outcome = CallOutcome::Success { status, body, retry_after, attempts };
            let entries = run.calls.journal.ended(&call, outcome);
            run.calls.append(entries).await?;
            run.calls.end("success");
            run.retry_after = retry_after;
            Ok(Ok(respond(run, request, rendered.origin(), status, kept)?))
        }
        Ended::Failed(error) => {
            let outcome = CallOutcome::Failed { error: error.clone(), attempts };
            let entries = run.calls.journal.ended(&call, outcome);
            run.calls.append(entries).await?;
            run.calls.end(error.code());
            Ok(Err(error))
        }
        Ended::Deferred { until } => {
            let entries = run.calls.journal.deferred(&call, attempts);
            run.calls.append(entries).await?;
            Err(Stop::Suspended { until })
        }
        // No outcome is written: the journal then says the same whenever it is asked.
        Ended::InDoubt => Err(in_doubt(&request.label)),
    }
}

/// Unsafe calls of a task only: a safe one may be sent as often as one likes.
fn idempotency_key(run: &RunState, call: &SendCall) -> Option<String> {
    let task = run.calls.task.as_ref().filter(|_| !call.safe)?;
    let (key, tenant) = (&run.shared.options.fingerprint_key, &run.connection.tenant);
    Some(keys::idempotency_key(key, tenant, task.task, task.segment, &call.key, call.generation))
}

/// Headers only for a run that may read them.
fn keep(run: &RunState, received: Received) -> Kept {
    let headers = if run.may_read(ReadGrant::Responses) {
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        let headers = received.headers.iter();
        headers.map(|(name, value)| (name.as_str().to_owned(), text(value.as_bytes()))).collect()
    } else {
        Vec::new()
    };
    Kept { headers, body: received.body }
}

fn respond(
    run: &mut RunState,
    request: &HttpRequest,
    origin: &str,
    status: u16,
    kept: Kept,
) -> Result<Response, Stop> {
    run.budget.take(kept.body.as_ref().map_or(0, Bytes::len))?;
    Ok(Response {
        status,
        headers: kept.headers,
        body: kept.body,
        body_use: request.response_body,
        origin: origin.to_owned(),
    })
}

const fn status_of(error: &CallError) -> Option<u16> {
    match error {
        CallError::UnexpectedStatus(status) => Some(*status),
        CallError::MissingPlaceholder(_)
        | CallError::AmbiguousPlaceholder(_)
        | CallError::ValueRefused(_)
        | CallError::Unreachable
        | CallError::Timeout
        | CallError::TooLarge
        | CallError::Truncated => None,
    }
}

/// Seconds from now; a time that has passed is now.
fn seconds(after: RetryAfter, now: Timestamp) -> u64 {
    match after {
        RetryAfter::Seconds(seconds) => seconds,
        RetryAfter::At(time) => u64::try_from(time.duration_since(now).as_secs()).unwrap_or(0),
    }
}

#[cfg(test)]
mod tests;
