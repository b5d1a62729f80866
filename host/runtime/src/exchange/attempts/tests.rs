//! What one try comes to, and how long the next one waits.

use cordon_egress::Stage;
use cordon_model::http_request::BodyUse;

use super::*;

fn request() -> HttpRequest {
    HttpRequest {
        label: "q".to_owned(),
        method: "POST".to_owned(),
        url: vec![],
        headers: vec![],
        body: None,
        bind: vec![],
        verify_tls: true,
        idempotent: None,
        success: vec![200, 404],
        retry_statuses: vec![429, 503],
        max_attempts: None,
        response_body: BodyUse::Records,
    }
}

fn answer(status: u16) -> Result<Received, SendError> {
    let retry_after = (status == 429).then_some(cordon_egress::RetryAfter::Seconds(7));
    Ok(Received { status, headers: Default::default(), body: None, size: 0, retry_after })
}

/// The verdict in a word.
fn verdict(result: Result<Received, SendError>, idempotent: bool) -> String {
    match judge(&request(), result, idempotent, Timestamp::UNIX_EPOCH) {
        Verdict::Success(received) => format!("success {}", received.status),
        Verdict::Failed(error) => format!("failed: {error}"),
        Verdict::Again { error, after: Some(after) } => format!("again in {after:?}: {error}"),
        Verdict::Again { error, after: None } => format!("again: {error}"),
        Verdict::InDoubt => "in doubt".to_owned(),
        Verdict::Denied(detail) => format!("denied: {detail}"),
        Verdict::Reflected => "reflected".to_owned(),
    }
}

#[test]
fn a_status_in_neither_list_fails_after_exactly_one_request() {
    for idempotent in [true, false] {
        assert_eq!(verdict(answer(500), idempotent), "failed: unexpected status 500");
        assert_eq!(verdict(answer(302), idempotent), "failed: unexpected status 302");
    }
}

#[test]
fn a_listed_status_succeeds_and_a_listed_retry_status_is_tried_again_whatever_the_method() {
    for idempotent in [true, false] {
        assert_eq!(verdict(answer(404), idempotent), "success 404");
        assert_eq!(verdict(answer(503), idempotent), "again: unexpected status 503");
        assert_eq!(verdict(answer(429), idempotent), "again in 7s: unexpected status 429");
    }
}

#[test]
fn a_failure_of_the_network_is_tried_again_only_where_twice_is_as_good_as_once() {
    let broke = |sent| Err(SendError::Unreachable { sent });
    let late = |sent| Err(SendError::Timeout { sent });
    assert_eq!(verdict(broke(true), true), "again: unreachable");
    assert_eq!(verdict(late(true), true), "again: timed out");
    assert_eq!(verdict(broke(false), false), "again: unreachable");
    assert_eq!(verdict(late(false), false), "again: timed out");
    assert_eq!(verdict(broke(true), false), "in doubt");
    assert_eq!(verdict(late(true), false), "in doubt");
}

#[test]
fn a_broken_body_matters_only_where_the_status_was_a_success() {
    let large = |status| verdict(Err(SendError::TooLarge { status }), false);
    assert_eq!(large(200), "failed: the response is too large");
    assert_eq!(large(500), "failed: unexpected status 500");
    assert_eq!(large(503), "again: unexpected status 503");
    let short = verdict(Err(SendError::Truncated { status: 200 }), true);
    assert_eq!(short, "failed: the response is truncated");
}

#[test]
fn a_denial_and_a_reflected_secret_are_no_values() {
    let denied =
        SendError::Denied { stage: Stage::Policy, code: "no_grant", detail: "x.com".to_owned() };
    assert_eq!(verdict(Err(denied), true), "denied: policy: no_grant: x.com");
    assert_eq!(verdict(Err(SendError::SecretReflected { status: 200 }), true), "reflected");
}

const SECOND: Duration = Duration::from_secs(1);

fn chosen(after: Option<u64>, left: u64, may_defer: bool) -> Wait {
    let after = after.map(Duration::from_secs);
    choose(&Options::default(), 1, after, Duration::from_secs(left), may_defer, 0)
}

#[test]
fn a_retry_after_is_waited_for_or_suspends_the_run_and_never_passes_the_deadline() {
    assert_eq!(chosen(Some(3), 300, true), Wait::Sleep(3 * SECOND));
    assert_eq!(chosen(Some(10), 300, true), Wait::Sleep(10 * SECOND));
    assert_eq!(chosen(Some(11), 300, true), Wait::Defer(11 * SECOND));
    assert_eq!(chosen(Some(11), 300, false), Wait::GiveUp, "a test is not suspended");
    assert_eq!(chosen(Some(300), 300, true), Wait::GiveUp);
    assert_eq!(chosen(Some(u64::MAX), 9_999, true), Wait::Defer(3_600 * SECOND), "it is capped");
    assert_eq!(chosen(Some(3), 2, true), Wait::GiveUp);
    assert_eq!(chosen(None, 300, true), Wait::Sleep(Duration::ZERO), "the jitter is full");
    assert_eq!(chosen(None, 0, true), Wait::GiveUp);
}

#[test]
fn a_query_may_ask_for_fewer_tries_and_not_for_more() {
    let most = |asked| {
        attempts_max(&Options::default(), &HttpRequest { max_attempts: asked, ..request() })
    };
    assert_eq!(most(None), 5);
    assert_eq!(most(Some(2)), 2);
    assert_eq!(most(Some(0)), 1);
    assert_eq!(most(Some(200)), 5);
}
