//! The real program, killed with SIGKILL in the middle of its work and started again on the same
//! data: nothing accepted is lost, and no unsafe call is sent twice.

use serde_json::{Value, json};

use crate::support::package::unzip;
use crate::support::seed;
use crate::support::test_process::TestProcess;
use crate::support::upstream::{Gate, Reply, Upstream};

/// The example's connection with these delete queries.
fn connection_deleting(upstream: &Upstream, queries: &[(&str, &str)]) -> Value {
    let mut connection = seed::connection(upstream);
    let query = |(verb, path): &(&str, &str)| {
        json!({
            "url": upstream.url(path),
            "verb": verb,
            "verify_ssl": "true",
            "headers": { "Authorization": "Basic {credentials}", "Content-Type": "application/json" },
            "body": "{{\"email\": \"{email}\"}}",
        })
    };
    connection["queries"]["delete"] = queries.iter().map(query).collect();
    connection
}

async fn start_deletion(process: &TestProcess, connection: &Value) -> String {
    let operator = process.operator();
    let created = operator.post("/v1/connections", connection).await;
    assert_eq!(created.status, 201, "{}", created.json);
    let secrets = json!({ "credentials": seed::CREDENTIALS });
    operator.put("/v1/connections/user-service/secrets", &secrets).await;
    let body = json!({ "policy": "delete", "identities": { "email": seed::EMAIL } });
    let accepted = operator.post("/v1/privacy-requests", &body).await;
    let id = accepted.json["id"].as_str().unwrap().to_owned();
    let approve = format!("/v1/privacy-requests/{id}/approve");
    assert_eq!(operator.post(&approve, &json!({})).await.status, 200);
    id
}

#[tokio::test]
async fn killed_at_the_intent_an_unsafe_call_is_not_sent_again_but_in_doubt() {
    let upstream = Upstream::start().await;
    let gate = Gate::new();
    let held = gate.clone();
    upstream.on("POST", "/forget", move |_| Reply::status(200).held_by(&held));
    let mut process = TestProcess::start().await;
    let id =
        start_deletion(&process, &connection_deleting(&upstream, &[("POST", "/forget")])).await;
    upstream.wait_for_calls(1).await;
    process.kill_and_restart().await;

    let request = process.operator().wait_for_status(&id, "error").await;
    assert_eq!(request["tasks"][0]["failure"]["code"], "in_doubt", "{request}");
    assert_eq!(upstream.calls().len(), 1);

    let task = request["tasks"][0]["id"].as_str().unwrap();
    let settle =
        json!({ "task": task, "call": request["tasks"][0]["failure"]["label"], "outcome": "done" });
    let settled =
        process.operator().post(&format!("/v1/privacy-requests/{id}/settle"), &settle).await;
    assert_eq!(settled.status, 200, "{}", settled.json);
    process.operator().wait_for_status(&id, "complete").await;
    assert_eq!(upstream.calls().len(), 1, "a call settled as done is not sent again");
    gate.open();
}

#[tokio::test]
async fn killed_after_the_outcome_a_call_is_replayed_and_not_sent_again() {
    let upstream = Upstream::start().await;
    let gate = Gate::new();
    let held = gate.clone();
    upstream.on("POST", "/first", |_| Reply::status(200));
    upstream.on("POST", "/second", move |_| Reply::status(200).held_by(&held));
    let mut process = TestProcess::start().await;
    let queries = [("POST", "/first"), ("POST", "/second")];
    let id = start_deletion(&process, &connection_deleting(&upstream, &queries)).await;
    upstream.wait_for_calls(2).await;
    process.kill_and_restart().await;

    let operator = process.operator();
    operator.wait_for_status(&id, "error").await;
    assert_eq!(upstream.calls().len(), 2);
    gate.open();
    operator.post(&format!("/v1/privacy-requests/{id}/retry"), &json!({})).await;
    operator.wait_for_status(&id, "complete").await;
    let paths: Vec<String> = upstream.calls().iter().map(|call| call.path.clone()).collect();
    assert_eq!(paths, ["/first", "/second", "/second"], "an operator asked for the last one");
}

#[tokio::test]
async fn killed_in_an_idempotent_call_it_is_sent_again_with_the_same_idempotency_key() {
    let upstream = Upstream::start().await;
    let gate = Gate::new();
    let held = gate.clone();
    upstream.on("DELETE", "/users", move |_| Reply::status(200).held_by(&held));
    let mut process = TestProcess::start().await;
    let id =
        start_deletion(&process, &connection_deleting(&upstream, &[("DELETE", "/users")])).await;
    upstream.wait_for_calls(1).await;
    process.kill_and_restart().await;
    gate.open();
    process.operator().wait_for_status(&id, "complete").await;
    let calls = upstream.calls();
    assert_eq!(calls.len(), 2);
    let keys: Vec<_> = calls.iter().map(|call| call.header("idempotency-key").unwrap()).collect();
    assert_eq!(keys[0], keys[1]);
}

#[tokio::test]
async fn no_accepted_request_is_lost() {
    let upstream = seed::upstream().await;
    let mut process = TestProcess::start().await;
    let operator = process.operator();
    operator.post("/v1/connections", &seed::connection(&upstream)).await;
    let secrets = json!({ "credentials": seed::CREDENTIALS });
    operator.put("/v1/connections/user-service/secrets", &secrets).await;
    let mut accepted = Vec::new();
    for round in 0..3 {
        for _ in 0..10 {
            let body = json!({ "policy": "access", "identities": { "email": seed::EMAIL } });
            let answer = process.operator().post("/v1/privacy-requests", &body).await;
            assert_eq!(answer.status, 202, "round {round}: {}", answer.json);
            accepted.push(answer.json["id"].as_str().unwrap().to_owned());
        }
        process.kill_and_restart().await;
    }
    let operator = process.operator();
    for id in &accepted {
        operator.wait_for_status(id, "complete").await;
        let package = operator.get_bytes(&format!("/v1/privacy-requests/{id}/package")).await;
        assert_eq!(unzip(package).keys().filter(|name| name.ends_with(".csv")).count(), 2);
    }
}

#[tokio::test]
async fn an_input_that_was_acknowledged_survives_a_kill() {
    let mut process = TestProcess::start().await;
    let operator = process.operator();
    let connection = json!({
        "key": "archive", "name": "Archive", "connector_type": "manual_webhook",
        "capabilities": ["privacy/access"], "mode": "live",
    });
    operator.post("/v1/connections", &connection).await;
    let webhook = json!({ "connection": "archive", "fields": [{ "pii_field": "badge" }] });
    let linked = operator.post("/v1/policies/access/manual-webhooks", &webhook).await;
    assert_eq!(linked.status, 201, "{}", linked.json);
    let body = json!({ "policy": "access", "identities": { "email": seed::EMAIL } });
    let accepted = operator.post("/v1/privacy-requests", &body).await;
    let id = accepted.json["id"].as_str().unwrap().to_owned();
    operator.wait_for_status(&id, "requires_input").await;
    let inputs = format!("/v1/privacy-requests/{id}/manual-inputs/archive");
    assert_eq!(operator.put(&inputs, &json!({ "badge": "17" })).await.status, 200);
    process.kill_and_restart().await;
    let operator = process.operator();
    let waiting = operator.get(&format!("/v1/privacy-requests/{id}/manual-inputs")).await;
    assert_eq!(waiting.json["items"][0]["provided"], true, "{}", waiting.json);
    operator.post(&format!("/v1/privacy-requests/{id}/resume"), &json!({})).await;
    operator.wait_for_status(&id, "complete").await;
}
