//! The tries of one call: send, judge, wait, send again.
//!
//! A status decides first: a listed success is one, a listed retry status is tried again
//! whatever the method. Failures of the network follow RFC 9110: tried again when nothing was
//! sent, or when sending twice is as good as once. A call that may have gone out, must not be
//! sent twice and got no answer is in doubt. No wait passes the deadline, and a `Retry-After`
//! that is longer than a run waits suspends it.

use std::time::Duration;

use cordon_egress::{Received, Rendered, SendError, Sending};
use cordon_model::http_request::{CallError, HttpRequest};
use cordon_model::{FailureCode, Timestamp};

use super::{seconds, status_of, taped};
use crate::backoff;
use crate::call::{RunState, Stop};
use crate::instance::Ending;
use crate::options::Options;
use crate::trap;

/// What is sent.
pub(super) struct Call<'a> {
    pub(super) request: &'a HttpRequest,
    pub(super) rendered: &'a Rendered,
    pub(super) idempotent: bool,
    /// Goes out as `Idempotency-Key`.
    pub(super) key: Option<&'a str>,
}

/// How the tries ended.
pub(super) enum Ended {
    /// With a status that the query lists.
    Success(Received),
    /// Without one.
    Failed(CallError),
    /// The upstream wants to be left alone for longer than a run waits.
    Deferred {
        /// Until when.
        until: Timestamp,
    },
    /// It may have taken effect.
    InDoubt,
}

/// What one try came to.
#[derive(Debug)]
enum Verdict {
    Success(Received),
    Failed(CallError),
    /// Worth another try; `after` as the upstream asks.
    Again {
        error: CallError,
        after: Option<Duration>,
    },
    InDoubt,
    Denied(String),
    Reflected,
}

/// Tries until an end; `before` counts the tries before the run was suspended.
pub(super) async fn run(
    run: &mut RunState,
    call: &Call<'_>,
    before: u8,
) -> Result<(Ended, u8), Stop> {
    let label = &call.request.label;
    let journaled = run.calls.task.is_some();
    let mut attempts = before;
    loop {
        if run.deadline.left().is_zero() {
            return Err(trap::stop(Ending::DeadlinePassed));
        }
        attempts = attempts.saturating_add(1);
        if let Some(current) = run.calls.current() {
            current.attempts = attempts;
            // In a test of a connection nothing is on record, so nothing can be in doubt.
            current.exposed = journaled && !call.idempotent;
        }
        let result = send(run, call).await?;
        note(run, &result);
        let now = run.shared.clock.now();
        let ended = match judge(call.request, result, call.idempotent || !journaled, now) {
            Verdict::Success(received) => Ended::Success(received),
            Verdict::Failed(error) => Ended::Failed(error),
            Verdict::InDoubt => Ended::InDoubt,
            Verdict::Denied(detail) => {
                return Err(Stop::of_query(FailureCode::EgressDenied, label, detail));
            }
            Verdict::Reflected => {
                let detail = "the response repeats a secret that was sent; nothing of it was kept";
                return Err(Stop::of_query(FailureCode::SecretReflected, label, detail));
            }
            Verdict::Again { error, after } => match wait(run, call, attempts, after)? {
                Wait::Sleep(time) => {
                    if let Some(current) = run.calls.current() {
                        // What was tried so far got an answer, or never went out.
                        current.exposed = false;
                    }
                    tokio::time::sleep(time).await;
                    continue;
                }
                Wait::Defer(time) => Ended::Deferred { until: later(now, time) },
                Wait::GiveUp => Ended::Failed(error),
            },
        };
        return Ok((ended, attempts));
    }
}

async fn send(run: &mut RunState, call: &Call<'_>) -> Result<Result<Received, SendError>, Stop> {
    if let Some(tape) = run.tape.clone() {
        return taped::send(run, &tape, call).await;
    }
    Ok(run.shared.gate.send(sending(run, call.request, call.rendered, call.key)).await)
}

/// What the gate is handed for one try.
pub(super) fn sending<'a>(
    run: &'a RunState,
    request: &HttpRequest,
    rendered: &'a Rendered,
    idempotency_key: Option<&'a str>,
) -> Sending<'a> {
    Sending {
        tenant: &run.connection.tenant,
        connection: &run.connection.key,
        grants: &run.connection.grants,
        limits: &run.terms.egress,
        ca_bundle: run.connection.ca_bundle.as_deref(),
        rendered,
        verify_tls: request.verify_tls,
        idempotency_key,
        timeout: run.shared.options.attempt_timeout.min(run.deadline.left()),
        body: request.response_body,
    }
}

/// For the report.
fn note(run: &mut RunState, result: &Result<Received, SendError>) {
    let Some(current) = run.calls.current() else { return };
    match result {
        Ok(received) => {
            current.status = Some(received.status);
            current.response_bytes = received.size;
        }
        Err(
            SendError::TooLarge { status }
            | SendError::Truncated { status }
            | SendError::SecretReflected { status },
        ) => current.status = Some(*status),
        Err(
            SendError::Denied { .. } | SendError::Unreachable { .. } | SendError::Timeout { .. },
        ) => current.status = None,
    }
}

/// What one try came to. `idempotent`: sending it twice is as good as once.
fn judge(
    request: &HttpRequest,
    result: Result<Received, SendError>,
    idempotent: bool,
    now: Timestamp,
) -> Verdict {
    let network = |error: CallError, sent: bool| {
        if idempotent || !sent { Verdict::Again { error, after: None } } else { Verdict::InDoubt }
    };
    match result {
        Ok(received) if request.success.contains(&received.status) => Verdict::Success(received),
        Ok(received) => {
            let after = received.retry_after.map(|a| Duration::from_secs(seconds(a, now)));
            answered(request, CallError::UnexpectedStatus(received.status), after)
        }
        Err(SendError::TooLarge { status }) => broken(request, status, CallError::TooLarge),
        Err(SendError::Truncated { status }) => broken(request, status, CallError::Truncated),
        Err(SendError::Unreachable { sent }) => network(CallError::Unreachable, sent),
        Err(SendError::Timeout { sent }) => network(CallError::Timeout, sent),
        Err(SendError::SecretReflected { .. }) => Verdict::Reflected,
        Err(SendError::Denied { stage, code, detail }) => {
            Verdict::Denied(format!("{}: {code}: {detail}", stage.as_str()))
        }
    }
}

/// A body that cannot be used matters only where the status was a success.
fn broken(request: &HttpRequest, status: u16, error: CallError) -> Verdict {
    if request.success.contains(&status) {
        return Verdict::Failed(error);
    }
    answered(request, CallError::UnexpectedStatus(status), None)
}

fn answered(request: &HttpRequest, error: CallError, after: Option<Duration>) -> Verdict {
    let retried = status_of(&error).is_some_and(|status| request.retry_statuses.contains(&status));
    if retried { Verdict::Again { error, after } } else { Verdict::Failed(error) }
}

/// What comes between two tries.
#[derive(Debug, PartialEq, Eq)]
enum Wait {
    Sleep(Duration),
    Defer(Duration),
    GiveUp,
}

fn wait(
    run: &RunState,
    call: &Call<'_>,
    attempts: u8,
    after: Option<Duration>,
) -> Result<Wait, Stop> {
    let options = &run.shared.options;
    if run.deadline.left().is_zero() {
        // The try was cut short by the deadline; that is what happened, not a timeout.
        return Err(trap::stop(Ending::DeadlinePassed));
    }
    if attempts >= attempts_max(options, call.request) {
        return Ok(Wait::GiveUp);
    }
    let random = getrandom::u64().map_err(|e| Stop::Host(format!("no randomness: {e}")))?;
    let may_defer = run.calls.task.is_some();
    Ok(choose(options, attempts, after, run.deadline.left(), may_defer, random))
}

/// A query may ask for fewer tries than the host's default, not for more.
fn attempts_max(options: &Options, request: &HttpRequest) -> u8 {
    let most = options.attempts_default.max(1);
    request.max_attempts.unwrap_or(most).clamp(1, most)
}

fn choose(
    options: &Options,
    attempts: u8,
    after: Option<Duration>,
    left: Duration,
    may_defer: bool,
    random: u64,
) -> Wait {
    let time = after.map_or_else(
        || backoff::wait(options.retry_base, options.retry_max, attempts, random),
        |after| after.min(options.retry_after_max),
    );
    if time >= left {
        Wait::GiveUp
    } else if time <= options.inline_wait_max {
        Wait::Sleep(time)
    } else if may_defer {
        Wait::Defer(time)
    } else {
        Wait::GiveUp
    }
}

/// A time too far away to be told is never reached; the deadline comes first.
fn later(now: Timestamp, time: Duration) -> Timestamp {
    now.checked_add(time).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
