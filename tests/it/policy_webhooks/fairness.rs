//! Receivers that do not answer hold up their own tenant's messages and nothing else.

use serde_json::json;

use crate::support::receiver::Receiver;
use crate::support::seed;
use crate::support::upstream::{Gate, Reply};

#[tokio::test]
async fn a_tenant_whose_receivers_hang_holds_up_nobody_else() {
    let receiver = Receiver::start_configured(|config| {
        config.engine.requests_in_flight_max = 2;
        config.engine.deliveries_per_tenant_max = 1;
    })
    .await;
    let gate = Gate::new();
    let held = gate.clone();
    receiver.upstream.on("POST", "/told", move |_| Reply::status(200).held_by(&held));
    receiver.webhook("/told", json!({})).await;
    let mut waiting = Vec::new();
    for _ in 0..6 {
        waiting.push(seed::submit(&receiver.host, "access").await);
    }
    receiver.upstream.wait_for_calls(1).await;

    let other = receiver.host.tenant("other").await;
    let policy = json!({
        "key": "nothing", "rules": [{ "action": "optout" }], "allow_unserved": true,
    });
    assert_eq!(other.post("/v1/policies", &policy).await.status, 201);
    let body = json!({ "policy": "nothing", "identities": { "email": seed::EMAIL } });
    let accepted = other.post("/v1/privacy-requests", &body).await;
    other.wait_for_status(accepted.json["id"].as_str().unwrap(), "complete").await;
    assert_eq!(receiver.calls_at("/told").len(), 1, "one message is under way");

    gate.open();
    for id in &waiting {
        receiver.host.wait_for_status(id, "complete").await;
    }
    assert_eq!(receiver.calls_at("/told").len(), 6);
}

#[tokio::test]
async fn a_request_whose_receiver_hangs_can_be_canceled_at_once() {
    let receiver = Receiver::start().await;
    let gate = Gate::new();
    let held = gate.clone();
    receiver.upstream.on("POST", "/told", move |_| Reply::status(200).held_by(&held));
    receiver.webhook("/told", json!({})).await;
    let id = seed::submit(&receiver.host, "access").await;
    receiver.upstream.wait_for_calls(1).await;
    let cancel = format!("/v1/privacy-requests/{id}/cancel");
    assert_eq!(receiver.operator().post(&cancel, &json!({})).await.json["status"], "canceled");
    gate.open();
    assert_eq!(receiver.paths(), ["/told"], "nothing else was sent");
}
