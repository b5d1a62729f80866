//! Delete and opt-out: approval, order, and what the status code decides.

use serde_json::json;

use crate::support::package::Bundle;
use crate::support::seed;
use crate::support::upstream::Reply;

#[tokio::test]
async fn a_delete_request_waits_for_approval_and_then_sends_the_body_of_the_template() {
    let upstream = seed::upstream().await;
    let host = seed::connected_to(&upstream).await;
    let id = seed::submit(&host, "delete").await;
    host.wait_for_status(&id, "pending").await;
    assert_eq!(upstream.calls().len(), 0);
    let approved =
        host.operator().post(&format!("/v1/privacy-requests/{id}/approve"), &json!({})).await;
    assert_eq!(approved.status, 200, "{}", approved.json);
    let request = host.wait_for_status(&id, "complete").await;

    let calls = upstream.calls();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].text(), format!("{{\"email\": \"{}\"}}", seed::EMAIL));
    assert!(calls[0].header("idempotency-key").is_some());
    assert_eq!(request["tasks"][0]["finding"]["kind"], "done");
    assert_eq!(request["tasks"][0]["finding"]["verified"], true);
}

#[tokio::test]
async fn a_person_who_is_not_there_is_a_success() {
    let upstream = seed::upstream().await;
    upstream.on("DELETE", "/v0/users", |_| Reply::status(404).body("whatever"));
    let host = seed::connected_to(&upstream).await;
    let id = seed::submit(&host, "delete").await;
    host.operator().post(&format!("/v1/privacy-requests/{id}/approve"), &json!({})).await;
    let request = host.wait_for_status(&id, "complete").await;
    assert_eq!(request["tasks"][0]["finding"]["kind"], "nothing_found");
}

#[tokio::test]
async fn an_optout_is_decided_by_the_status_alone() {
    let upstream = seed::upstream().await;
    upstream.on("PUT", "/v0/users/optout", |_| Reply::status(201).body("{ not json"));
    let host = seed::connected_to(&upstream).await;
    let request = seed::complete(&host, "optout").await;
    assert_eq!(request["tasks"][0]["finding"]["kind"], "done");
    assert_eq!(upstream.calls()[0].method, "PUT");
}

#[tokio::test]
async fn nothing_is_deleted_before_the_package_is_at_its_destination() {
    let upstream = seed::upstream().await;
    let host = seed::connected_to(&upstream).await;
    let policy = json!({
        "key": "goodbye",
        "name": "Access, then delete",
        "rules": [{ "action": "access" }, { "action": "delete" }],
        "requires_approval": false,
    });
    assert_eq!(host.operator().post("/v1/policies", &policy).await.status, 201);
    upstream.script("DELETE", "/v0/users", [Reply::status(500)]);
    let id = seed::submit(&host, "goodbye").await;
    host.wait_for_status(&id, "error").await;

    let events = host.operator().get(&format!("/v1/privacy-requests/{id}/events")).await;
    let items = events.json["items"].as_array().unwrap();
    let names: Vec<&str> = items.iter().map(|event| event["event"].as_str().unwrap()).collect();
    let packaged = names.iter().position(|name| *name == "request.packaged").unwrap();
    let deleting = items
        .iter()
        .position(|e| e["event"] == "request.task_started" && e["facts"]["action"] == "delete")
        .unwrap();
    assert!(packaged < deleting, "{names:?}");
    Bundle::of(&host, &id).await;
}

#[tokio::test]
async fn a_failed_access_holds_back_the_delete_of_the_same_request() {
    let upstream = seed::upstream().await;
    upstream.on("GET", "/v0/users", |_| Reply::status(500));
    let host = seed::connected_to(&upstream).await;
    let policy = json!({
        "key": "goodbye",
        "name": "Access, then delete",
        "rules": [{ "action": "access" }, { "action": "delete" }],
        "requires_approval": false,
    });
    host.operator().post("/v1/policies", &policy).await;
    let id = seed::submit(&host, "goodbye").await;
    host.wait_for_status(&id, "error").await;
    assert!(upstream.calls().iter().all(|call| call.method == "GET"));
    let canceled =
        host.operator().post(&format!("/v1/privacy-requests/{id}/cancel"), &json!({})).await;
    assert_eq!(canceled.json["status"], "canceled");
}

#[tokio::test]
async fn a_denied_request_sends_nothing_and_keeps_its_reason_out_of_the_events() {
    let upstream = seed::upstream().await;
    let host = seed::connected_to(&upstream).await;
    let id = seed::submit(&host, "delete").await;
    let path = format!("/v1/privacy-requests/{id}/deny");
    let long = host.operator().post(&path, &json!({ "reason": "x".repeat(2_001) })).await;
    assert_eq!((long.status, &long.json["errors"][0]["pointer"]), (422, &json!("/reason")));
    let body = json!({ "reason": "Peter still has an open invoice" });
    let denied = host.operator().post(&format!("/v1/privacy-requests/{id}/deny"), &body).await;
    assert_eq!(denied.json["status"], "denied");
    let events = host.operator().get(&format!("/v1/privacy-requests/{id}/events")).await;
    assert!(!events.json.to_string().contains("invoice"));
    let again =
        host.operator().post(&format!("/v1/privacy-requests/{id}/approve"), &json!({})).await;
    assert_eq!((again.status, &again.json["code"]), (409, &json!("illegal_transition")));
    assert_eq!(upstream.calls().len(), 0);
}
