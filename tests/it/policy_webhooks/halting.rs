//! Requests that a two-way webhook halts, and who may let them go on.

use cordon_model::api_key::Scope;
use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::receiver::{Receiver, message};
use crate::support::seed;
use crate::support::upstream::Reply;

fn halt() -> Reply {
    Reply::json(r#"{"halt": true}"#)
}

/// A key of the tenant with these scopes.
async fn key(receiver: &Receiver, scopes: &[&str]) -> Client {
    let body = json!({ "name": "some", "scopes": scopes });
    let made = receiver.operator().post("/v1/tenants/default/api-keys", &body).await;
    assert_eq!(made.status, 201, "{}", made.json);
    receiver.host.client(made.json["key"].as_str())
}

/// A request that the webhook at `/told` halted, the path that resumes it, and its token.
async fn halted(receiver: &Receiver) -> (String, String, Value) {
    let before = receiver.calls_at("/told").len();
    receiver.upstream.script("POST", "/told", [halt()]);
    let id = seed::submit(&receiver.host, "access").await;
    receiver.host.wait_for_status(&id, "paused").await;
    let token = message(&receiver.calls_at("/told")[before])["data"]["resume_token"].clone();
    let resume = format!("/v1/privacy-requests/{id}/resume");
    (id, resume, token)
}

#[tokio::test]
async fn a_halted_request_says_what_holds_it_and_goes_on_by_its_token_once() {
    let mut receiver = Receiver::start().await;
    let webhook = receiver.webhook("/told", json!({})).await;
    let (id, resume, token) = halted(&receiver).await;
    let holds = receiver.paused(&id).await;
    assert_eq!((&holds["id"], &holds["state"]), (&json!(webhook.id), &json!("halted")));
    assert!(holds["since"].is_string());
    assert!(receiver.calls_at("/v0/users").is_empty());
    receiver.host.restart().await;
    receiver.paused(&id).await;

    // The weakest key there is: it may not even read requests.
    let weak = key(&receiver, &["policies:read"]).await;
    let without = weak.post(&resume, &json!({})).await;
    assert_eq!((without.status, &without.json["code"]), (403, &json!("forbidden")));
    for wrong in ["", "x", &token.as_str().unwrap()[1..], &"A".repeat(43)] {
        let refused = weak.post(&resume, &json!({ "token": wrong })).await;
        assert_eq!((refused.status, &refused.json["code"]), (403, &json!("wrong_token")));
        assert!(wrong.len() < 9 || !refused.json.to_string().contains(wrong));
    }
    receiver.paused(&id).await;
    let resumed = weak.post(&resume, &json!({ "token": token })).await;
    assert_eq!((resumed.status, resumed.body.len()), (204, 0));
    receiver.host.wait_for_status(&id, "complete").await;
    let again = weak.post(&resume, &json!({ "token": token })).await;
    assert_eq!((again.status, &again.json["code"]), (409, &json!("not_paused")));
    assert_eq!(receiver.calls_at("/told").len(), 1, "a halted webhook is not told again");
    assert_eq!(receiver.calls_at("/v0/users").len(), 1);
}

#[tokio::test]
async fn a_token_is_good_for_its_own_request_and_its_own_tenant_only() {
    let receiver = Receiver::start().await;
    receiver.webhook("/told", json!({})).await;
    let (_, resume, token) = halted(&receiver).await;
    let (_, other_resume, other_token) = halted(&receiver).await;
    assert_ne!(token, other_token);
    let operator = receiver.operator();
    let crossed = operator.post(&resume, &json!({ "token": other_token })).await;
    assert_eq!((crossed.status, &crossed.json["code"]), (403, &json!("wrong_token")));
    let stranger = receiver.host.tenant("other").await;
    assert_eq!(stranger.post(&resume, &json!({ "token": token })).await.status, 404);
    let resumed = operator.post(&other_resume, &json!({ "token": other_token })).await;
    assert_eq!(resumed.status, 200);
    assert_eq!(resumed.json["status"], "in_processing");
}

#[tokio::test]
async fn a_halted_request_goes_on_for_a_key_that_may_write_requests() {
    let receiver = Receiver::start().await;
    receiver.webhook("/told", json!({})).await;
    let (id, resume, _) = halted(&receiver).await;
    let writer = key(&receiver, &[Scope::RequestsWrite.as_str()]).await;
    assert_eq!(writer.post(&resume, &json!({})).await.status, 200);
    receiver.host.wait_for_status(&id, "complete").await;
    let facts = receiver.event(&id, "request.webhook_released", 1).await;
    assert!(facts["webhook"].is_string());
}

#[tokio::test]
async fn each_webhook_may_halt_and_each_has_a_token_of_its_own() {
    let receiver = Receiver::start().await;
    receiver.upstream.on("POST", "/second", |_| halt());
    receiver.webhook("/told", json!({ "order": 1 })).await;
    receiver.webhook("/second", json!({ "order": 2 })).await;
    let after = receiver.webhook("/after", json!({ "phase": "post_execution" })).await;
    receiver.upstream.on("POST", "/after", |_| halt());
    let (id, resume, first) = halted(&receiver).await;
    let operator = receiver.operator();
    assert_eq!(operator.post(&resume, &json!({ "token": first })).await.status, 200);
    receiver.upstream.wait_for_calls(2).await;
    receiver.event(&id, "request.webhook_halted", 2).await;
    let stale = operator.post(&resume, &json!({ "token": first })).await;
    assert_eq!(stale.json["code"], "wrong_token", "{}", stale.json);
    let second = message(&receiver.calls_at("/second")[0])["data"]["resume_token"].clone();
    assert_eq!(operator.post(&resume, &json!({ "token": second })).await.status, 200);
    receiver.event(&id, "request.webhook_halted", 3).await;
    let holds = receiver.paused(&id).await;
    assert_eq!((&holds["id"], &holds["phase"]), (&json!(after.id), &json!("post_execution")));
    assert_eq!(receiver.calls_at("/v0/users").len(), 1, "the work was done before");
    receiver.resume(&id).await;
    receiver.host.wait_for_status(&id, "complete").await;
}

#[tokio::test]
async fn a_halted_request_can_be_canceled_and_its_token_resumes_nothing_then() {
    let receiver = Receiver::start().await;
    receiver.webhook("/told", json!({})).await;
    let (id, resume, token) = halted(&receiver).await;
    let operator = receiver.operator();
    let canceled = operator.post(&format!("/v1/privacy-requests/{id}/cancel"), &json!({})).await;
    assert_eq!(canceled.json["status"], "canceled");
    for body in [json!({ "token": token }), json!({})] {
        assert_eq!(operator.post(&resume, &body).await.status, 409);
    }
    assert!(receiver.calls_at("/v0/users").is_empty());
}
