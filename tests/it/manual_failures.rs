//! How systems that ask people have failed their users, one test a failure: none of it may happen
//! here. Each name says what was seen elsewhere, negated.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::manual::{
    ARCHIVE, POLICY, Part, ask_by, connection, created, events, fields, forms, give, give_form,
    host_with_archive, input_of, link, problems, resume, waiting_request,
};
use crate::support::manual_clock::ManualClock;
use crate::support::package::Bundle;
use crate::support::seed;
use crate::support::test_host::TestHost;

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A host whose clock the test moves.
async fn host_with_clock(auto_resume: bool) -> (TestHost, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::default());
    let host = TestHost::start_at(clock.clone(), |_| {}).await;
    ask_by(&host.operator(), &[ARCHIVE], auto_resume).await;
    (host, clock)
}

async fn status(host: &TestHost, id: &str) -> String {
    let request = host.operator().get(&format!("/v1/privacy-requests/{id}")).await;
    request.json["status"].as_str().unwrap().to_owned()
}

/// A sign that the scheduler went through what it has to do: a later request came to rest.
async fn a_round_passes(host: &TestHost) {
    waiting_request(host).await;
}

fn webhook(operator: &Client) -> impl AsyncFn(&Value) + '_ {
    async move |webhook: &Value| link(operator, POLICY, ARCHIVE, webhook).await
}

#[tokio::test]
async fn no_sweep_turns_a_waiting_request_into_an_error() {
    let (mut host, clock) = host_with_clock(false).await;
    let id = waiting_request(&host).await;
    give(&host, &id, ARCHIVE, &json!({ "badge": "1" })).await;
    for _ in 0..3 {
        clock.advance(HOUR);
        a_round_passes(&host).await;
        host.restart().await;
        a_round_passes(&host).await;
        assert_eq!(status(&host, &id).await, "requires_input");
    }
    let told = events(&host, &id).await;
    assert!(told.iter().all(|event| event["event"] != "request.failed"), "{told:?}");
}

#[tokio::test]
async fn no_input_expires_after_seven_days_or_after_a_month() {
    let (mut host, clock) = host_with_clock(false).await;
    let id = waiting_request(&host).await;
    give(&host, &id, ARCHIVE, &json!({ "badge": "B-17" })).await;
    for days in [8, 40] {
        clock.advance(days * DAY);
        host.restart().await;
        a_round_passes(&host).await;
        assert_eq!(forms(&host, &id).await[0]["provided"], true, "after {days} days more");
    }
    assert_eq!(resume(&host, &id).await.status, 200);
    host.wait_for_status(&id, "complete").await;
    assert_eq!(Bundle::of(&host, &id).await.json("paper-archive/1.json")["badge"], "B-17");
}

#[tokio::test]
async fn who_gave_which_labels_when_and_who_let_it_go_on_is_on_record() {
    let host = host_with_archive(false).await;
    let id = waiting_request(&host).await;
    let body = json!({ "name": "desk", "scopes": ["inputs:write"] });
    let path = "/v1/tenants/default/api-keys";
    let key = created(host.operator_without_tenant().post(path, &body).await);
    let desk = host.client(key["key"].as_str());
    let given = desk.put(&input_of(&id, ARCHIVE), &json!({ "badge": "B-17-secret" })).await;
    assert_eq!(given.status, 200, "{}", given.json);
    assert_eq!(forms(&host, &id).await[0]["given_by"], "desk");
    assert_eq!(resume(&host, &id).await.status, 200);
    host.wait_for_status(&id, "complete").await;

    let told = events(&host, &id).await;
    let of = |name: &str| told.iter().find(|event| event["event"] == name).unwrap();
    let given = of("request.input_given");
    assert_eq!((&given["actor"]["type"], &given["actor"]["name"]), (&json!("key"), &json!("desk")));
    assert_eq!(given["facts"]["connection"], ARCHIVE);
    assert_eq!(given["facts"]["labels"], "badge");
    assert!(given["at"].as_str().unwrap().ends_with('Z'));
    assert_eq!(of("request.resumed")["actor"]["name"], "operator");
    assert!(!format!("{told:?}").contains("B-17-secret"));
}

#[tokio::test]
async fn no_resume_says_yes_and_falls_back_into_waiting() {
    let host = host_with_archive(false).await;
    let operator = host.operator();
    let define = webhook(&operator);
    let id = waiting_request(&host).await;
    give(&host, &id, ARCHIVE, &json!({ "badge": "1" })).await;

    let more = json!([
        { "pii_field": "badge" }, { "pii_field": "Floor", "required": true },
    ]);
    define(&json!({ "fields": more })).await;
    let form = &forms(&host, &id).await[0];
    assert_eq!(form["provided"], false, "the form asked is the new one: {form}");
    let early = resume(&host, &id).await;
    assert_eq!((early.status, &early.json["code"]), (409, &json!("inputs_missing")));

    give(&host, &id, ARCHIVE, &json!({ "badge": "1", "floor": "2" })).await;
    assert_eq!(resume(&host, &id).await.status, 200);
    // What is defined after a resume concerns later requests only.
    define(&json!({ "fields": [{ "pii_field": "Something else", "required": true }] })).await;
    host.wait_for_status(&id, "complete").await;
    let record = Bundle::of(&host, &id).await.json("paper-archive/1.json");
    assert_eq!(record, json!({ "badge": "1", "floor": "2" }), "as it was answered");
    let told = events(&host, &id).await;
    let asked = told.iter().filter(|event| event["event"] == "request.task_requires_input");
    assert_eq!(asked.count(), 1);
}

#[tokio::test]
async fn a_changed_definition_shows_the_overlap_and_a_restored_one_restores_the_input() {
    let host = host_with_archive(false).await;
    let operator = host.operator();
    let define = webhook(&operator);
    let id = waiting_request(&host).await;
    give(&host, &id, ARCHIVE, &json!({ "badge": "1", "phone_number": "2" })).await;
    define(&json!({ "fields": [{ "pii_field": "badge" }] })).await;
    let form = &forms(&host, &id).await[0];
    let given = |label: &str, matches: bool| json!({ "label": label, "type": "string", "matches": matches });
    assert_eq!(form["provided"], false);
    assert_eq!(form["given"], json!([given("badge", true), given("phone_number", false)]));
    assert_eq!(form["given_by"], "operator");
    define(&json!({ "fields": fields() })).await;
    let form = &forms(&host, &id).await[0];
    assert_eq!(form["provided"], true);
    assert_eq!(form["given"], json!([given("badge", true), given("phone_number", true)]));
    assert_eq!(resume(&host, &id).await.status, 200);
    host.wait_for_status(&id, "complete").await;
}

#[tokio::test]
async fn a_restored_definition_lets_a_request_go_on_that_goes_on_by_itself() {
    let host = TestHost::start().await;
    ask_by(&host.operator(), &["crm", "hr"], true).await;
    let id = waiting_request(&host).await;
    give(&host, &id, "crm", &json!({ "badge": "1" })).await;
    let other = json!({ "fields": [{ "pii_field": "other" }] });
    link(&host.operator(), POLICY, "crm", &other).await;
    give(&host, &id, "hr", &json!({ "badge": "2" })).await;
    assert_eq!(status(&host, &id).await, "requires_input");
    link(&host.operator(), POLICY, "crm", &json!({ "fields": fields() })).await;
    host.wait_for_status(&id, "complete").await;
    let bundle = Bundle::of(&host, &id).await;
    assert_eq!(bundle.json("crm/1.json")["badge"], "1");
    assert_eq!(bundle.json("hr/1.json")["badge"], "2");
}

/// Waits until a request is complete and gives how its manual tasks ended, by connection.
async fn ends(host: &TestHost, id: &str) -> Vec<(String, String)> {
    let request = host.wait_for_status(id, "complete").await;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let tasks = request["tasks"].as_array().unwrap().iter();
    tasks.map(|task| (text(&task["connection"]), text(&task["skipped"]["reason"]))).collect()
}

fn withdrawn(connection: &str) -> Vec<(String, String)> {
    vec![(connection.to_owned(), "withdrawn".to_owned())]
}

#[tokio::test]
async fn no_request_waits_for_a_definition_that_was_deleted_or_disabled() {
    let host = host_with_archive(false).await;
    let operator = host.operator();
    let path = format!("/v1/policies/{POLICY}/manual-webhooks/{ARCHIVE}");
    let asked = json!({ "fields": fields() });

    let id = waiting_request(&host).await;
    assert_eq!(operator.delete(&path).await.status, 204);
    assert_eq!(ends(&host, &id).await, withdrawn(ARCHIVE));
    let omissions = Bundle::of(&host, &id).await.json("manifest.json")["omissions"].clone();
    assert_eq!(omissions[0]["code"], "withdrawn", "{omissions}");

    link(&operator, POLICY, ARCHIVE, &asked).await;
    let id = waiting_request(&host).await;
    let disabled = json!({ "fields": fields(), "enabled": false });
    link(&operator, POLICY, ARCHIVE, &disabled).await;
    assert_eq!(ends(&host, &id).await, withdrawn(ARCHIVE));

    for change in [json!({ "enabled": false }), json!({ "mode": "test" })] {
        let undo = json!({ "enabled": true, "mode": "live" });
        let connection = format!("/v1/connections/{ARCHIVE}");
        operator.patch_with(&connection, &[], &undo).await;
        link(&operator, POLICY, ARCHIVE, &asked).await;
        let id = waiting_request(&host).await;
        let refused = operator.delete(&connection).await;
        assert_eq!((refused.status, &refused.json["code"]), (409, &json!("in_use")));
        let changed = operator.patch_with(&connection, &[], &change).await;
        assert_eq!(changed.status, 200, "{}", changed.json);
        assert_eq!(ends(&host, &id).await, withdrawn(ARCHIVE), "{change}");
    }
}

#[tokio::test]
async fn a_request_that_waits_for_more_than_what_was_withdrawn_waits_on() {
    let host = TestHost::start().await;
    let operator = host.operator();
    ask_by(&operator, &["crm", "hr"], false).await;
    let id = waiting_request(&host).await;
    give(&host, &id, "hr", &json!({ "badge": "1" })).await;
    let path = format!("/v1/policies/{POLICY}/manual-webhooks/crm");
    assert_eq!(operator.delete(&path).await.status, 204);
    // Whoever resumes it at once is not told that something is missing which nobody asks for.
    assert_eq!(resume(&host, &id).await.status, 200);
    let ends = ends(&host, &id).await;
    assert_eq!(ends[0], withdrawn("crm")[0]);
    assert_eq!(Bundle::of(&host, &id).await.json("hr/1.json")["badge"], "1");
}

#[tokio::test]
async fn no_change_of_something_else_releases_what_waits() {
    let host = host_with_archive(false).await;
    let operator = host.operator();
    let id = waiting_request(&host).await;
    created(operator.post("/v1/connections", &connection("other")).await);
    let change = json!({ "description": "moved" });
    for key in ["other", ARCHIVE] {
        let path = format!("/v1/connections/{key}");
        assert_eq!(operator.patch_with(&path, &[], &change).await.status, 200);
    }
    assert_eq!(operator.delete("/v1/connections/other").await.status, 204);
    a_round_passes(&host).await;
    assert_eq!(status(&host, &id).await, "requires_input");
}

#[tokio::test]
async fn a_webhook_that_is_added_concerns_later_requests_only() {
    let host = host_with_archive(false).await;
    let operator = host.operator();
    let id = waiting_request(&host).await;
    created(operator.post("/v1/connections", &connection("hr")).await);
    link(&operator, POLICY, "hr", &json!({ "fields": fields() })).await;
    assert_eq!(forms(&host, &id).await.len(), 1);
    give(&host, &id, ARCHIVE, &json!({})).await;
    assert_eq!(resume(&host, &id).await.status, 200);
    host.wait_for_status(&id, "complete").await;
    let later = waiting_request(&host).await;
    assert_eq!(forms(&host, &later).await.len(), 2);
}

#[tokio::test]
async fn no_request_is_stuck_because_its_webhook_was_disabled_while_it_began_to_wait() {
    let host = host_with_archive(false).await;
    let operator = host.operator();
    let path = format!("/v1/policies/{POLICY}");
    let policy = json!({ "rules": [{ "action": "access" }], "allow_unserved": true });
    assert_eq!(operator.put(&path, &policy).await.status, 200);
    for _ in 0..10 {
        link(&operator, POLICY, ARCHIVE, &json!({ "fields": fields() })).await;
        let disabled = json!({ "fields": fields(), "enabled": false });
        let (id, ()) =
            tokio::join!(seed::submit(&host, POLICY), link(&operator, POLICY, ARCHIVE, &disabled));
        // However far it was when nobody was to be asked any more: it waits for nobody.
        host.wait_for_status(&id, "complete").await;
    }
}

#[tokio::test]
async fn a_webhook_whose_connection_is_linked_to_nothing_else_breaks_no_worker() {
    let host = host_with_archive(true).await;
    let id = waiting_request(&host).await;
    give(&host, &id, ARCHIVE, &json!({ "badge": "1" })).await;
    host.wait_for_status(&id, "complete").await;
    let metrics = host.operator_without_tenant().get_text("/metrics").await;
    assert!(!metrics.contains("cordon_driver_panics_total"), "{metrics}");
}

#[tokio::test]
async fn a_connection_nobody_defined_fields_for_is_not_passed_over_in_silence() {
    let host = TestHost::start().await;
    created(host.operator().post("/v1/connections", &connection(ARCHIVE)).await);
    let body = json!({ "policy": "access", "identities": { "email": seed::EMAIL } });
    let refused = host.operator().post("/v1/privacy-requests", &body).await;
    assert_eq!((refused.status, &refused.json["code"]), (409, &json!("rule_unserved")));
}

#[tokio::test]
async fn a_webhook_that_takes_files_only_can_be_answered_for_a_deletion_too() {
    let upstream = seed::upstream().await;
    let host = seed::connected_to(&upstream).await;
    let operator = host.operator();
    created(operator.post("/v1/connections", &connection(ARCHIVE)).await);
    let webhook = json!({
        "fields": [{ "pii_field": "Scan", "types": ["file"], "required": true }], "confirm": true,
    });
    link(&operator, "delete", ARCHIVE, &webhook).await;
    let id = seed::submit(&host, "delete").await;
    operator.post(&format!("/v1/privacy-requests/{id}/approve"), &json!({})).await;
    host.wait_for_status(&id, "requires_input").await;
    let parts: [Part<'_>; 1] = [("scan", Some(("form.pdf", "application/pdf")), b"%PDF")];
    assert_eq!(give_form(&operator, &input_of(&id, ARCHIVE), &parts).await.status, 200);
    assert_eq!(resume(&host, &id).await.status, 200);
    host.wait_for_status(&id, "complete").await;
    assert_eq!(upstream.calls().len(), 1);
}

#[tokio::test]
async fn no_error_repeats_what_a_person_typed() {
    let host = host_with_archive(false).await;
    let operator = host.operator();
    let id = waiting_request(&host).await;
    let path = input_of(&id, ARCHIVE);
    let refused = operator.put(&path, &json!({ "badge": ["Jane"], "fax": "Jane" })).await;
    assert_eq!(problems(&refused).len(), 2);
    let mut answers = vec![refused.json];
    let file = Some(("Jane/Jane.pdf", "Jane"));
    answers.push(give_form(&operator, &path, &[("badge", file, b"Jane")]).await.json);
    answers.push(give_form(&operator, &path, &[("badge", None, b"Jane\xff")]).await.json);
    for (media_type, body) in [
        ("application/json", "{\"badge\": Jane}"),
        ("application/json", "{\"badge\": \"Jane\", \"badge\": \"Jane\"}"),
        ("application/json", "\"Jane\""),
        ("multipart/form-data; boundary=b", "--b\r\nJane: Jane\r\n\r\nJane"),
        ("multipart/form-data; boundary=b", "Jane"),
    ] {
        let refused = operator.call("PUT", &path, &[], Some((media_type, body.into()))).await;
        assert!((400..500).contains(&refused.status), "{body}: {}", refused.json);
        answers.push(refused.json);
    }
    // The reference's leak: a field was removed under an input, and somebody resumed.
    give(&host, &id, ARCHIVE, &json!({ "badge": "Jane", "phone_number": "Jane" })).await;
    link(&operator, POLICY, ARCHIVE, &json!({ "fields": [{ "pii_field": "other" }] })).await;
    let refused = resume(&host, &id).await;
    assert_eq!(refused.status, 409);
    answers.push(refused.json);
    for answer in answers {
        assert!(!answer.to_string().contains("Jane"), "{answer}");
    }
}
