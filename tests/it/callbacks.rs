//! Callbacks: what the submitter of a request is told at its `callback_url`.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::receiver::{Receiver, message, verify};
use crate::support::seed;
use crate::support::upstream::{Gate, Reply};

const POSTPONED: &str = "request.callback_postponed";
const SECRET: &str = "/v1/tenants/default/callback-secret";

/// The tenant's callback secret, made now.
async fn secret(receiver: &Receiver) -> String {
    let made = receiver.operator().post(SECRET, &json!({})).await;
    assert_eq!(made.status, 201, "{}", made.json);
    made.json["secret"].as_str().unwrap().to_owned()
}

/// Submits a request whose submitter wants to be told at `/called`.
async fn submit(receiver: &Receiver, policy: &str) -> String {
    let body = json!({
        "policy": policy,
        "identities": { "email": seed::EMAIL },
        "external_id": "ticket-7",
        "callback_url": receiver.upstream.url("/called"),
    });
    let accepted = receiver.operator().post("/v1/privacy-requests", &body).await;
    assert_eq!(accepted.status, 202, "{}", accepted.json);
    accepted.json["id"].as_str().unwrap().to_owned()
}

/// The statuses that the submitter was told, in order.
fn told(receiver: &Receiver) -> Vec<String> {
    let status = |call| message(&call)["data"]["status"].as_str().unwrap().to_owned();
    receiver.calls_at("/called").into_iter().map(status).collect()
}

async fn act(receiver: &Receiver, id: &str, what: &str) {
    let path = format!("/v1/privacy-requests/{id}/{what}");
    let done = receiver.operator().post(&path, &json!({})).await;
    assert_eq!(done.status, 200, "{}", done.json);
}

/// A policy that asks a person first.
async fn ask_by_hand(operator: &Client) {
    let connection = json!({
        "key": "archive", "name": "Archive", "connector_type": "manual_webhook",
        "capabilities": ["privacy/access"], "mode": "live",
    });
    assert_eq!(operator.post("/v1/connections", &connection).await.status, 201);
    let policy = json!({
        "key": "by-hand", "rules": [{ "action": "access" }], "auto_resume": true,
    });
    assert_eq!(operator.post("/v1/policies", &policy).await.status, 201);
    let asks = json!({ "connection": "archive", "fields": [{ "pii_field": "badge" }] });
    let linked = operator.post("/v1/policies/by-hand/manual-webhooks", &asks).await;
    assert_eq!(linked.status, 201, "{}", linked.json);
}

async fn give_input(receiver: &Receiver, id: &str) {
    let inputs = format!("/v1/privacy-requests/{id}/manual-inputs/archive");
    let given = receiver.operator().put(&inputs, &json!({ "badge": "17" })).await;
    assert_eq!(given.status, 200, "{}", given.json);
}

#[tokio::test]
async fn the_submitter_is_told_what_it_waits_for_and_how_it_ends_without_personal_data() {
    let receiver = Receiver::start().await;
    let secret = secret(&receiver).await;
    ask_by_hand(&receiver.operator()).await;
    receiver.upstream.on("POST", "/called", |_| Reply::status(200));
    let id = submit(&receiver, "by-hand").await;
    receiver.event(&id, "request.callback_delivered", 1).await;
    give_input(&receiver, &id).await;
    let facts = receiver.event(&id, "request.callback_delivered", 2).await;
    assert_eq!((&facts["status"], &facts["answer"]), (&json!("complete"), &json!("200")));
    assert_eq!(told(&receiver), ["requires_input", "complete"]);

    let calls = receiver.calls_at("/called");
    assert_ne!(calls[0].header("webhook-id"), calls[1].header("webhook-id"));
    for call in &calls {
        verify(call, &secret);
        let body = message(call);
        assert_eq!(body["type"], "privacy_request.status");
        let expected = json!({
            "id": id, "tenant": "default", "policy": "by-hand", "external_id": "ticket-7",
            "status": body["data"]["status"],
        });
        assert_eq!(body["data"], expected);
    }
}

#[tokio::test]
async fn an_error_a_denial_and_a_cancellation_are_told_too() {
    let receiver = Receiver::start().await;
    secret(&receiver).await;
    receiver.upstream.on("POST", "/called", |_| Reply::status(204));
    receiver.upstream.script("GET", "/v0/users", [Reply::status(400)]);
    let failed = submit(&receiver, "access").await;
    receiver.event(&failed, "request.callback_delivered", 1).await;
    act(&receiver, &failed, "retry").await;
    receiver.event(&failed, "request.callback_delivered", 2).await;
    let denied = submit(&receiver, "delete").await;
    act(&receiver, &denied, "deny").await;
    receiver.event(&denied, "request.callback_delivered", 1).await;
    let canceled = submit(&receiver, "delete").await;
    act(&receiver, &canceled, "cancel").await;
    receiver.event(&canceled, "request.callback_delivered", 1).await;
    assert_eq!(told(&receiver), ["error", "complete", "denied", "canceled"]);
}

#[tokio::test]
async fn a_callback_that_is_refused_is_tried_for_a_day_and_then_given_up() {
    let receiver = Receiver::start().await;
    let secret = secret(&receiver).await;
    receiver.upstream.on("POST", "/called", |_| Reply::status(500));
    let id = submit(&receiver, "access").await;
    let given_up = "request.callback_given_up";
    let (mut waited, mut postponed) = (Duration::ZERO, 0);
    let tried = async {
        while receiver.count(&id, given_up).await == 0 {
            if receiver.count(&id, POSTPONED).await > postponed {
                postponed += 1;
                waited += receiver.wait_out(&id, POSTPONED, postponed).await;
            } else {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(120), tried).await.expect("it ends");
    let hour = Duration::from_hours(1);
    assert!(waited > 22 * hour && waited <= 24 * hour, "{waited:?}");
    let calls = receiver.calls_at("/called");
    assert_eq!(calls.len(), postponed + 1);
    calls.iter().for_each(|call| verify(call, &secret));
    assert!(calls.iter().all(|call| call.header("webhook-id") == calls[0].header("webhook-id")));
    let given_up = receiver.event(&id, given_up, 1).await;
    assert_eq!(given_up["status"], "complete");
    assert_eq!(
        (&given_up["code"], &given_up["detail"]),
        (&json!("webhook_failed"), &json!("status 500"))
    );
    let request = receiver.host.wait_for_status(&id, "complete").await;
    assert_eq!(request["callback"]["pending"], 0, "{request}");
}

#[tokio::test]
async fn what_waits_to_be_told_survives_a_restart_and_is_told_in_order() {
    let mut receiver = Receiver::start().await;
    let secret = secret(&receiver).await;
    ask_by_hand(&receiver.operator()).await;
    receiver.upstream.script("POST", "/called", [Reply::hang_up(), Reply::status(404)]);
    receiver.upstream.on("POST", "/called", |_| Reply::status(200));
    let id = submit(&receiver, "by-hand").await;
    receiver.event(&id, POSTPONED, 1).await;
    receiver.host.restart().await;
    give_input(&receiver, &id).await;
    receiver.host.wait_for_status(&id, "complete").await;
    receiver.wait_out(&id, POSTPONED, 1).await;
    receiver.event(&id, POSTPONED, 2).await;
    receiver.host.restart().await;
    receiver.wait_out(&id, POSTPONED, 2).await;
    receiver.event(&id, "request.callback_delivered", 2).await;
    let expected = ["requires_input", "requires_input", "requires_input", "complete"];
    assert_eq!(told(&receiver), expected);
    receiver.calls_at("/called").iter().for_each(|call| verify(call, &secret));
}

#[tokio::test]
async fn a_submitter_that_does_not_answer_holds_up_nothing_but_its_own_messages() {
    let receiver = Receiver::start().await;
    secret(&receiver).await;
    ask_by_hand(&receiver.operator()).await;
    let gate = Gate::new();
    let held = gate.clone();
    receiver.upstream.on("POST", "/called", move |_| Reply::status(200).held_by(&held));
    let id = submit(&receiver, "by-hand").await;
    receiver.upstream.wait_for_calls(1).await;
    give_input(&receiver, &id).await;
    receiver.host.wait_for_status(&id, "complete").await;
    assert_eq!(told(&receiver), ["requires_input"], "its turn has not come");
    gate.open();
    receiver.event(&id, "request.callback_delivered", 2).await;
    assert_eq!(told(&receiver), ["requires_input", "complete"]);
}

#[tokio::test]
async fn a_host_that_is_not_named_any_more_is_told_nothing_until_it_is_named_again() {
    let receiver = Receiver::start().await;
    secret(&receiver).await;
    receiver.upstream.on("POST", "/called", |_| Reply::status(200));
    let id = submit(&receiver, "delete").await;
    receiver.name_hosts(&["hooks.acme.com"]).await;
    act(&receiver, &id, "deny").await;
    let facts = receiver.event(&id, POSTPONED, 1).await;
    assert_eq!(facts["code"], "egress_denied");
    assert!(receiver.paths().is_empty());
    receiver.name_hosts(&["127.0.0.1"]).await;
    receiver.wait_out(&id, POSTPONED, 1).await;
    receiver.event(&id, "request.callback_delivered", 1).await;
    assert_eq!(told(&receiver), ["denied"]);
}

#[tokio::test]
async fn a_callback_secret_is_shown_once_and_a_new_one_replaces_it_at_once() {
    let receiver = Receiver::start().await;
    let operator = receiver.operator();
    let tenant = "/v1/tenants/default";
    assert_eq!(operator.get(tenant).await.json["has_callback_secret"], false);
    let body = json!({
        "policy": "access", "identities": { "email": seed::EMAIL },
        "callback_url": receiver.upstream.url("/called"),
    });
    let unsigned = operator.post("/v1/privacy-requests", &body).await;
    assert_eq!(unsigned.status, 422, "{}", unsigned.json);
    assert_eq!(unsigned.json["errors"][0]["pointer"], "/callback_url");

    let first = secret(&receiver).await;
    assert!(first.starts_with("whsec_"));
    let shown = operator.get(tenant).await.json;
    assert_eq!(shown["has_callback_secret"], true);
    assert!(!shown.to_string().contains("whsec_"));
    let busy = Reply::status(503).header("retry-after", "300");
    receiver.upstream.script("POST", "/called", [busy]);
    receiver.upstream.on("POST", "/called", |_| Reply::status(200));
    let id = submit(&receiver, "access").await;
    receiver.event(&id, POSTPONED, 1).await;
    let second = secret(&receiver).await;
    assert_ne!(first, second);
    receiver.wait_out(&id, POSTPONED, 1).await;
    receiver.event(&id, "request.callback_delivered", 1).await;
    let calls = receiver.calls_at("/called");
    verify(&calls[0], &first);
    verify(&calls[1], &second);
    let audit = operator.get("/v1/audit?limit=200").await.json.to_string();
    assert!(audit.contains("tenant.callback_secret_made") && !audit.contains("whsec_"));
}

#[tokio::test]
async fn a_callback_secret_is_made_by_the_operator_or_by_a_key_that_may_write_its_tenant() {
    let receiver = Receiver::start().await;
    let own = receiver.host.tenant("other").await;
    let path = "/v1/tenants/other/callback-secret";
    let with_key = |key: &'static str| [("Idempotency-Key", key)];
    let made = own.post_with(path, &with_key("1"), &Value::Null).await;
    assert_eq!(made.status, 201, "{}", made.json);
    let again = own.post_with(path, &with_key("1"), &Value::Null).await;
    assert_eq!(again.json, made.json);
    assert_eq!(own.post(SECRET, &json!({})).await.status, 404, "not its own tenant");
    let body = json!({ "name": "reader", "scopes": ["tenants:read"] });
    let reader = receiver.operator().post("/v1/tenants/other/api-keys", &body).await;
    let reader = receiver.host.client(reader.json["key"].as_str());
    assert_eq!(reader.post(path, &json!({})).await.status, 403);
}
