//! Unit tests against a double of the host.

use cordon_connector_sdk::testing::{Ended, Host, Reply};
use serde_json::json;

use super::*;

const API: &str = "https://exports.example/v1/exports";

fn host() -> Host {
    let connection = json!({ "key": "x", "config": { "origin": "https://exports.example" } });
    Host::new(connection).identity("email", "ada@initech.example").secret("api_key")
}

fn begun(job: &str) -> Reply {
    Reply::json(json!({ "job": job })).with_status(202)
}

#[test]
fn it_starts_waits_and_fetches() {
    let mut host = host().answer("access/start", begun("e-17"));
    let ran = host.run::<Exports>(Action::Access);
    assert_eq!(*ran.ended(), Ended::Waits(None));
    assert_eq!(ran.sent(), [format!("POST {API}")]);
    assert_eq!(ran.requests()[0].body.as_deref(), Some(r#"{"email": "{email}"}"#));

    host.then("access/poll", Reply::status(202));
    let ran = host.run::<Exports>(Action::Access);
    assert_eq!(*ran.ended(), Ended::Waits(None));
    assert_eq!(ran.sent(), [format!("GET {API}/{{\"e-17\"}}")]);

    host.then("access/poll", Reply::status(200));
    host.then("access/fetch", Reply::json(r#"[{"id": 1}]"#));
    let ran = host.run::<Exports>(Action::Access);
    assert_eq!(ran.records(), json!([{"id": 1}]));
    assert_eq!(ran.sent()[1], format!("GET {API}/{{\"e-17\"}}/records"));
}

#[test]
fn every_email_has_a_job_of_its_own_and_an_unknown_one_has_none() {
    let mut host = host()
        .identity("email", "ada@home.example")
        .identity("email", "nobody@home.example")
        .answer("access/start", begun("e-1"))
        .answer("access/start", begun("e-2"))
        .answer("access/start", Reply::status(404));
    host.run::<Exports>(Action::Access);
    for _ in 0..2 {
        host.then("access/poll", Reply::status(200));
        host.then("access/fetch", Reply::json("[{}]"));
    }
    assert_eq!(host.run::<Exports>(Action::Access).records(), json!([{}, {}]));
}

#[test]
fn nobody_known_is_nothing_found_without_waiting() {
    let ran = host().answer("access/start", Reply::status(404)).run::<Exports>(Action::Access);
    assert_eq!(ran.records(), json!([]));
    let dry = host().dry_run().run::<Exports>(Action::Access);
    assert_eq!((dry.sent().len(), dry.records()), (1, json!([])));
}

#[test]
fn a_job_that_is_given_up_or_never_ready_fails() {
    let mut given_up = host().answer("access/start", begun("e-1"));
    given_up.run::<Exports>(Action::Access);
    given_up.then("access/poll", Reply::status(410));
    let ran = given_up.run::<Exports>(Action::Access);
    assert_eq!(ran.failure().label.as_deref(), Some("access/poll"));

    let mut never = host().answer("access/start", begun("e-1"));
    never.run::<Exports>(Action::Access);
    for poll in 1..=POLLS_MAX {
        never.then("access/poll", Reply::status(202));
        let waits = *never.run::<Exports>(Action::Access).ended() == Ended::Waits(None);
        assert_eq!(waits, poll < POLLS_MAX, "{poll}");
    }
}

#[test]
fn an_answer_without_a_job_is_malformed() {
    let mut host = host().answer("access/start", Reply::json("{}").with_status(202));
    let ran = host.run::<Exports>(Action::Access);
    assert_eq!(ran.failure().code, FailureCode::MalformedResponse);
}

#[test]
fn the_test_sends_a_ping() {
    let mut host = host().answer("test/ping", Reply::status(200));
    assert_eq!(*host.test::<Exports>().ended(), Ended::Passed);
}
