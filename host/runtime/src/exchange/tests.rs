//! A planned request is sent as planned or not at all.

use cordon_model::http_request::Piece;
use cordon_model::plan::{PlannedRequest, WhenMissing};

use super::*;

fn request(label: &str, method: &str) -> HttpRequest {
    HttpRequest {
        label: label.to_owned(),
        method: method.to_owned(),
        url: vec![Piece::Literal("https://api.acme.com/".to_owned())],
        headers: vec![],
        body: None,
        bind: vec![],
        verify_tls: true,
        idempotent: None,
        success: vec![200],
        retry_statuses: vec![],
        max_attempts: None,
        response_body: BodyUse::Discard,
    }
}

fn plan(action: Option<Action>, wanted: Option<&str>) -> Plan {
    let planned = PlannedRequest {
        pointer: String::new(),
        action,
        wanted: wanted.map(str::to_owned),
        when_missing: WhenMissing::Fail,
        request: request("q", "POST"),
    };
    Plan::of(vec![], vec![planned], vec![])
}

fn code(result: Result<(), Stop>) -> Option<&'static str> {
    result.err().map(|stop| stop.code())
}

#[test]
fn a_planned_label_is_sent_as_planned_or_not_at_all() {
    let plan = plan(Some(Action::Delete), None);
    let check =
        |request: &HttpRequest| code(check_planned(&plan, Some(Action::Delete), None, request));
    assert_eq!(check(&request("q", "POST")), None);
    assert_eq!(check(&request("elsewhere", "PUT")), None, "the grants decide");
    let changes: [fn(&mut HttpRequest); 8] = [
        |r| r.method = "GET".to_owned(),
        |r| r.url.push(Piece::Literal("x".to_owned())),
        |r| r.headers.push(("X".to_owned(), vec![])),
        |r| r.verify_tls = false,
        |r| r.idempotent = Some(true),
        |r| r.success.push(500),
        |r| r.retry_statuses.push(503),
        |r| r.response_body = BodyUse::Bytes,
    ];
    for change in changes {
        let mut changed = request("q", "POST");
        change(&mut changed);
        assert_eq!(check(&changed), Some("not_planned"));
    }
}

#[test]
fn a_request_planned_for_one_run_is_not_sent_by_another() {
    let check = |planned: (Option<Action>, Option<&str>), run: (Option<Action>, Option<&str>)| {
        code(check_planned(&plan(planned.0, planned.1), run.0, run.1, &request("q", "POST")))
    };
    let (access, find) = (Some(Action::Access), Some(Action::Identifiers));
    assert_eq!(check((access, None), (access, None)), None);
    assert_eq!(check((Some(Action::Delete), None), (access, None)), Some("not_planned"));
    assert_eq!(check((None, None), (access, None)), Some("not_planned"), "a test query");
    assert_eq!(check((access, None), (None, None)), Some("not_planned"), "in a test");
    assert_eq!(check((find, Some("email")), (find, Some("email"))), None);
    assert_eq!(check((find, Some("email")), (find, Some("user_id"))), Some("not_planned"));
}

#[test]
fn access_and_identifiers_never_send_delete() {
    for method in ["DELETE", "delete", "Delete"] {
        let request = request("q", method);
        for action in [Action::Access, Action::Identifiers] {
            assert_eq!(code(check_method(Some(action), &request)), Some("egress_denied"));
        }
        assert_eq!(code(check_method(Some(Action::Delete), &request)), None);
        assert_eq!(code(check_method(None, &request)), None);
    }
}

#[test]
fn a_label_is_short_and_plain() {
    assert_eq!(code(check_label("access/0", 10)), None);
    for label in ["", "a\nb", "12345678901"] {
        assert_eq!(code(check_label(label, 10)), Some("limit_reached"));
    }
}

#[test]
fn a_retry_after_date_that_has_passed_is_now() {
    let now = Timestamp::from_second(100).unwrap();
    let at = |second| RetryAfter::At(Timestamp::from_second(second).unwrap());
    assert_eq!(seconds(at(130), now), 30);
    assert_eq!(seconds(at(50), now), 0);
    assert_eq!(seconds(RetryAfter::Seconds(7), now), 7);
}
