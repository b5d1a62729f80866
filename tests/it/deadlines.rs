//! The policy's deadline: shown, filtered by, and what happens when it passes.

use std::sync::Arc;
use std::time::Duration;

use cordon_cli::clock::SystemClock;
use cordon_model::Timestamp;
use cordon_model::port::Clock as _;
use jiff::ToSpan as _;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::support::manual_clock::ManualClock;
use crate::support::seed;
use crate::support::test_host::TestHost;
use crate::support::upstream::{Reply, Upstream};

const DAY: Duration = Duration::from_hours(24);

/// A host with the example's connection and a clock that the test moves.
async fn host(upstream: &Upstream) -> (TestHost, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::default());
    let host = TestHost::start_at(clock.clone(), |config| {
        config.egress.development_networks = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    seed::connect(&host, &seed::connection(upstream)).await;
    (host, clock)
}

async fn policy(host: &TestHost, key: &str, action: &str, deadline: Value) {
    let policy = json!({ "key": key, "rules": [{ "action": action }], "deadline": deadline });
    let created = host.operator().post("/v1/policies", &policy).await;
    assert_eq!(created.status, 201, "{}", created.json);
}

fn time(request: &Value, name: &str) -> Timestamp {
    request[name].as_str().unwrap().parse().unwrap()
}

async fn act(host: &TestHost, id: &str, what: &str) -> Value {
    let acted =
        host.operator().post(&format!("/v1/privacy-requests/{id}/{what}"), &json!({})).await;
    assert_eq!(acted.status, 200, "{}", acted.json);
    acted.json
}

#[tokio::test]
async fn a_request_is_due_by_the_calendar_of_its_policy() {
    let upstream = seed::upstream().await;
    let (host, _) = host(&upstream).await;
    let spans = [
        ("gdpr", json!("gdpr"), 1.month()),
        ("ccpa", json!("ccpa"), 45.days()),
        ("ten-days", json!({ "days": 10 }), 10.days()),
    ];
    for (key, deadline, span) in spans {
        policy(&host, key, "delete", deadline).await;
        let id = seed::submit(&host, key).await;
        let request = host.wait_for_status(&id, "pending").await;
        let created = time(&request, "created_at").to_zoned(TimeZone::UTC);
        let due = created.checked_add(span).unwrap().timestamp();
        assert_eq!(time(&request, "due_at"), due, "{key}");
        assert_eq!(request["overdue"], false);
    }
    let id = seed::submit(&host, "delete").await;
    assert_eq!(host.wait_for_status(&id, "pending").await["due_at"], Value::Null);
}

#[tokio::test]
async fn requests_are_listed_by_when_they_are_due() {
    let upstream = seed::upstream().await;
    let (host, _) = host(&upstream).await;
    let mut ids = Vec::new();
    for days in [5, 20] {
        let key = format!("days-{days}");
        policy(&host, &key, "delete", json!({ "days": days })).await;
        ids.push(seed::submit(&host, &key).await);
    }
    seed::submit(&host, "delete").await;
    let operator = host.operator();
    let due_within = async |days: i64| {
        let before = SystemClock.now().checked_add((days * 24).hours()).unwrap();
        let path = format!("/v1/privacy-requests?due_before={before}");
        let list = operator.get(&path).await;
        assert_eq!(list.status, 200, "{}", list.json);
        let items = list.json["items"].as_array().unwrap();
        items.iter().map(|r| r["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(due_within(4).await, Vec::<String>::new());
    assert_eq!(due_within(6).await, [ids[0].clone()]);
    let mut both = due_within(21).await;
    both.sort();
    assert_eq!(both, ids, "a request without a deadline is never due");
    act(&host, &ids[0], "deny").await;
    assert_eq!(due_within(6).await, Vec::<String>::new(), "a final one is not due any more");
    assert_eq!(operator.get("/v1/privacy-requests?due_before=soon").await.status, 400);
}

#[tokio::test]
async fn a_pending_request_whose_time_is_over_is_an_error_and_a_retry_does_not_approve_it() {
    let upstream = seed::upstream().await;
    let (host, clock) = host(&upstream).await;
    policy(&host, "timed", "delete", json!({ "days": 2 })).await;
    let id = seed::submit(&host, "timed").await;
    clock.advance(DAY);
    host.wait_for_status(&id, "pending").await;
    clock.advance(DAY);
    let request = host.wait_for_status(&id, "error").await;
    assert_eq!(request["problems"][0]["code"], "deadline_passed", "{request}");
    assert_eq!(request["overdue"], true);

    let retried = act(&host, &id, "retry").await;
    assert_eq!((&retried["status"], &retried["approved_at"]), (&json!("pending"), &Value::Null));
    clock.advance(10 * DAY);
    assert_eq!(upstream.calls().len(), 0, "nobody said yes");
    act(&host, &id, "approve").await;
    let request = host.wait_for_status(&id, "complete").await;
    assert_eq!(request["overdue"], true, "that it was late stays");
    assert_eq!(upstream.calls().len(), 1);
}

#[tokio::test]
async fn a_request_that_waits_for_a_person_is_an_error_when_its_time_is_over_and_waits_again() {
    let upstream = seed::upstream().await;
    let (host, clock) = host(&upstream).await;
    let operator = host.operator();
    let archive = json!({
        "key": "paper-archive", "name": "Paper archive", "connector_type": "manual_webhook",
        "capabilities": ["privacy/access"], "mode": "live",
    });
    assert_eq!(operator.post("/v1/connections", &archive).await.status, 201);
    policy(&host, "timed", "access", json!({ "days": 2 })).await;
    let webhook = json!({ "connection": "paper-archive", "fields": [{ "pii_field": "Phone" }] });
    let linked = operator.post("/v1/policies/timed/manual-webhooks", &webhook).await;
    assert_eq!(linked.status, 201, "{}", linked.json);
    let id = seed::submit(&host, "timed").await;
    host.wait_for_status(&id, "requires_input").await;
    clock.advance(2 * DAY);
    let request = host.wait_for_status(&id, "error").await;
    assert_eq!(request["problems"][0]["code"], "deadline_passed", "{request}");
    assert_eq!(request["waiting_for"], json!([]), "nobody is asked any more");
    let input = format!("/v1/privacy-requests/{id}/manual-inputs/paper-archive");
    assert_eq!(operator.put(&input, &json!({ "phone": "1" })).await.status, 409);

    let retried = act(&host, &id, "retry").await;
    assert_eq!(retried["status"], "requires_input");
    let given = operator.put(&input, &json!({ "phone": "1" })).await;
    assert_eq!(given.status, 200, "{}", given.json);
    act(&host, &id, "resume").await;
    host.wait_for_status(&id, "complete").await;
}

#[tokio::test]
async fn a_paused_request_is_an_error_when_its_time_is_over_and_pauses_again() {
    let upstream = seed::upstream().await;
    upstream.on("POST", "/halt", |_| Reply::json(r#"{"halt": true}"#));
    let (host, clock) = host(&upstream).await;
    let operator = host.operator_without_tenant();
    let hosts = json!({ "webhook_hosts": ["127.0.0.1"] });
    let opened = operator.patch_with("/v1/tenants/default", &[], &hosts).await;
    assert_eq!(opened.status, 200, "{}", opened.json);
    policy(&host, "timed", "access", json!({ "days": 2 })).await;
    let webhook = json!({
        "order": 1, "phase": "pre_execution", "direction": "two_way",
        "url": upstream.url("/halt"),
    });
    let made = host.operator().post("/v1/policies/timed/webhooks", &webhook).await;
    assert_eq!(made.status, 201, "{}", made.json);
    let id = seed::submit(&host, "timed").await;
    let paused = host.wait_for_status(&id, "paused").await;
    assert_eq!(paused["problems"][0]["code"], "webhook_halted", "{paused}");
    assert_eq!(paused["problems"][0]["webhook"], made.json["id"]);
    assert_eq!(paused["webhooks"][0]["state"], "halted");
    assert!(paused["webhooks"][0]["since"].is_string());

    clock.advance(2 * DAY);
    let request = host.wait_for_status(&id, "error").await;
    assert_eq!(request["problems"][0]["code"], "deadline_passed", "{request}");
    assert_eq!(act(&host, &id, "retry").await["status"], "paused");
    act(&host, &id, "resume").await;
    let request = host.wait_for_status(&id, "complete").await;
    assert_eq!(request["webhooks"][0]["state"], "done");
    let told = upstream.calls().iter().filter(|call| call.path == "/halt").count();
    assert_eq!(told, 1, "it is not told twice");
}

#[tokio::test]
async fn a_request_that_was_answered_in_time_stays_answered() {
    let upstream = seed::upstream().await;
    let (host, clock) = host(&upstream).await;
    policy(&host, "timed", "access", json!({ "days": 2 })).await;
    let first = seed::complete(&host, "timed").await;
    clock.advance(3 * DAY);
    // A later request makes sure that the scheduler has looked since.
    seed::complete(&host, "timed").await;
    let path = format!("/v1/privacy-requests/{}", first["id"].as_str().unwrap());
    let now = host.operator().get(&path).await.json;
    assert_eq!((&now["status"], &now["overdue"]), (&json!("complete"), &json!(false)));
}
