//! Unit tests against a double of the host: what goes out, and what comes of the answers.

use cordon_connector_sdk::testing::{Ended, Host, Ran, Reply};
use cordon_connector_sdk::types::{Action, FailureCode};
use serde_json::{Value, json};

use super::*;

const API: &str = "https://contacts.example/v1";

fn connection(config: Value) -> Value {
    json!({ "key": "contacts", "connector_type": "contacts", "config": config })
}

fn host() -> Host {
    let config = json!({ "origin": "https://contacts.example", "page_size": 2, "max_pages": 3 });
    Host::new(connection(config)).identity("email", "ada@initech.example").secret("api_key")
}

fn page(items: Value, next_cursor: Value) -> Reply {
    Reply::json(json!({ "items": items, "next_cursor": next_cursor }))
}

#[test]
fn access_follows_the_cursor_to_the_last_page() {
    let mut host = host()
        .answer("access/contacts", page(json!([{"id": 1}, {"id": 2}]), json!("c/2")))
        .answer("access/contacts/next", page(json!([{"id": 3}]), json!(3)))
        .answer("access/contacts/next", page(json!([{"id": 4}]), Value::Null));
    let ran = host.run::<Contacts>(Action::Access);
    let first = format!("GET {API}/contacts?email={{email}}&limit=2");
    assert_eq!(
        ran.sent(),
        [first.clone(), format!("{first}&cursor={{\"c/2\"}}"), format!("{first}&cursor={{3}}")]
    );
    assert_eq!(ran.records(), json!([{"id": 1}, {"id": 2}, {"id": 3}, {"id": 4}]));
    assert!(ran.requests().iter().all(|sent| sent.headers[0].1 == "Bearer {api_key}"));
}

#[test]
fn every_email_is_asked_for_and_an_unknown_one_is_nothing() {
    let mut host = host()
        .identity("email", "ada@home.example")
        .identity("user_id", "7")
        .answer("access/contacts", Reply::status(404).with_body("no such person"))
        .answer("access/contacts", Reply::json(r#"{"items": [{"id": 9}]}"#));
    let ran = host.run::<Contacts>(Action::Access);
    assert_eq!(ran.records(), json!([{"id": 9}]));
    assert_eq!(ran.sent()[1], format!("GET {API}/contacts?email={{email 2}}&limit=2"));
}

#[test]
fn tombstones_are_left_out_and_numbers_keep_their_text() {
    let items = r#"{"items": [{"id": 12345678901234567890}, {"id": 2, "deleted": true}], "next_cursor": "c"}"#;
    let answered = |host: Host| {
        host.answer("access/contacts", Reply::json(items))
            .answer("access/contacts/next", page(json!([{"id": 3, "deleted": true}]), Value::Null))
    };
    let ran = answered(host()).run::<Contacts>(Action::Access);
    assert_eq!(ran.records().to_string(), r#"[{"id":12345678901234567890}]"#);
    let blind = answered(host().may_read(&[])).run::<Contacts>(Action::Access);
    assert_eq!(blind.records().as_array().map(Vec::len), Some(3), "nothing is read");
}

/// One email with an empty page, and an answer to the question for the profile.
fn profiled(answer: Reply) -> Ran {
    let config = json!({ "origin": "https://contacts.example", "profile": true });
    Host::new(connection(config))
        .identity("email", "ada@initech.example")
        .secret("api_key")
        .answer("access/contacts", page(json!([{"id": 1}]), Value::Null))
        .answer("access/profile", answer)
        .run::<Contacts>(Action::Access)
}

#[test]
fn a_profile_is_one_more_record_and_none_is_no_failure() {
    let found = profiled(Reply::json(r#"{"profile": {"id": 17, "deleted": true}}"#));
    assert_eq!(found.sent()[1], format!("GET {API}/profile?email={{email}}"));
    assert_eq!(found.records(), json!([{"id": 1}, {"id": 17, "deleted": true}]));
    let none = [Reply::json(r#"{"profile": null}"#), Reply::json("{}"), Reply::status(404)];
    for none in none {
        assert_eq!(profiled(none).records(), json!([{"id": 1}]));
    }
    let malformed = profiled(Reply::json(r#"{"profile": [{}]}"#));
    assert_eq!(malformed.failure().code, FailureCode::MalformedResponse);
    assert_eq!(malformed.failure().label.as_deref(), Some("access/profile"));
}

#[test]
fn a_listing_that_does_not_end_fails() {
    let mut host = host()
        .answer("access/contacts", page(json!([]), json!("c")))
        .answer("access/contacts/next", page(json!([]), json!("c")))
        .answer("access/contacts/next", page(json!([]), json!("c")));
    let ran = host.run::<Contacts>(Action::Access);
    assert_eq!(ran.failure().code, FailureCode::QueryFailed);
    assert_eq!(ran.failure().label.as_deref(), Some("access/contacts/next"));
    assert_eq!(ran.sent().len(), 3);
}

#[test]
fn what_is_no_page_is_malformed() {
    for body in [r#"{"items": {}}"#, r#"{"items": [], "next_cursor": {}}"#, "<html>"] {
        let ran =
            host().answer("access/contacts", Reply::json(body)).run::<Contacts>(Action::Access);
        assert_eq!(ran.failure().code, FailureCode::MalformedResponse, "{body}");
        assert_eq!(ran.failure().label.as_deref(), Some("access/contacts"));
    }
}

#[test]
fn delete_is_done_when_one_of_the_emails_was_known() {
    let mut two = host()
        .identity("email", "ada@home.example")
        .answer("delete/contact", Reply::status(204))
        .answer("delete/contact", Reply::status(404));
    let ran = two.run::<Contacts>(Action::Delete);
    assert_eq!(*ran.ended(), Ended::Done);
    assert_eq!(ran.sent()[0], format!("DELETE {API}/contacts?email={{email}}"));
    let mut unknown = host().answer("delete/contact", Reply::status(404));
    assert_eq!(*unknown.run::<Contacts>(Action::Delete).ended(), Ended::NothingFound);
}

#[test]
fn identifiers_are_asked_for_by_what_is_new() {
    let mut host = host().known_identity("email", "ada@home.example").answer(
        "identifiers/contact_id",
        Reply::json(r#"{"ids": [{"contact_id": 17}, {"contact_id": "x"}]}"#),
    );
    let ran = host.find::<Contacts>("contact_id");
    assert_eq!(ran.identities(), ["17", "x"]);
    assert_eq!(ran.sent(), [format!("GET {API}/contacts/ids?email={{email}}")]);
    assert_eq!(host.find::<Contacts>("user_id").failure().code, FailureCode::Unsupported);
}

#[test]
fn a_busy_api_is_tried_again_and_a_broken_one_fails_the_query() {
    let mut busy =
        host().answer("test/ping", Reply::status(429)).answer("test/ping", Reply::status(200));
    assert_eq!(*busy.test::<Contacts>().ended(), Ended::Passed);
    let mut broken = host().answer("test/ping", Reply::status(500));
    assert_eq!(broken.test::<Contacts>().failure().label.as_deref(), Some("test/ping"));
}

#[test]
fn a_dry_run_shows_the_first_page_of_each_email() {
    let mut host = host().identity("email", "ada@home.example").dry_run();
    let ran = host.run::<Contacts>(Action::Access);
    assert_eq!((ran.sent().len(), ran.records()), (2, json!([])));
}

#[test]
fn every_problem_of_a_configuration_is_reported_where_it_stands() {
    let config =
        json!({ "origin": "https://contacts.example/", "page_size": 0, "max_pages": "9", "x": 1 });
    let verdict = Host::new(connection(config)).validate::<Contacts>(&[Action::Access]);
    let mut found: Vec<_> =
        verdict.problems.iter().map(|p| (p.pointer.as_str(), p.code.as_str())).collect();
    found.sort_unstable();
    assert_eq!(
        found,
        [
            ("/config/max_pages", "wrong_type"),
            ("/config/origin", "invalid_value"),
            ("/config/page_size", "invalid_value"),
            ("/config/x", "unknown_field"),
        ]
    );
    assert!(verdict.plan.is_empty() && verdict.egress.is_empty());
}

#[test]
fn only_what_a_connection_can_be_asked_for_is_planned() {
    let planned = |actions: &[Action]| {
        let verdict = host().validate::<Contacts>(actions);
        let labels = verdict.plan.into_iter().map(|planned| planned.request.label);
        (labels.collect::<Vec<_>>(), verdict.egress.len())
    };
    assert_eq!(planned(&[Action::Delete]), (vec!["test/ping".into(), "delete/contact".into()], 0));
    assert_eq!(planned(&[Action::Access]).1, 1);
}
