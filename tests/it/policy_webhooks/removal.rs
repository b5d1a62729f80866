//! Webhooks that are removed while requests have to do with them.

use serde_json::json;

use crate::support::receiver::Receiver;
use crate::support::seed;
use crate::support::upstream::{Gate, Reply};

#[tokio::test]
async fn the_requests_that_a_removed_webhook_holds_go_on_and_no_others() {
    let mut receiver = Receiver::start().await;
    receiver.upstream.on("POST", "/refuses", |_| Reply::status(400));
    receiver.upstream.on("POST", "/halts", |_| Reply::json(r#"{"halt": true}"#));
    let halts = receiver.webhook("/halts", json!({ "order": 1 })).await;
    let held = [
        seed::submit(&receiver.host, "access").await,
        seed::submit(&receiver.host, "access").await,
    ];
    for id in &held {
        receiver.paused(id).await;
    }
    let refuses = receiver.webhook("/refuses", json!({ "order": 0 })).await;
    let other = seed::submit(&receiver.host, "access").await;
    assert_eq!(receiver.paused(&other).await["id"], refuses.id);

    assert_eq!(receiver.operator().delete(&halts.path).await.status, 204);
    for id in &held {
        let request = receiver.host.wait_for_status(id, "complete").await;
        assert_eq!(request["webhooks"][0]["state"], "withdrawn", "{request}");
    }
    let holds = receiver.paused(&other).await;
    assert_eq!((&holds["id"], &holds["state"]), (&json!(refuses.id), &json!("failed")));
    receiver.host.restart().await;
    assert_eq!(receiver.operator().delete(&refuses.path).await.status, 204);
    receiver.host.wait_for_status(&other, "complete").await;
    let told = receiver.paths().iter().filter(|path| *path == "/halts").count();
    assert_eq!(told, 2, "the third request's turn came when it was gone");
}

#[tokio::test]
async fn a_webhook_that_is_removed_while_it_waits_for_another_try_is_not_tried() {
    let receiver = Receiver::start().await;
    receiver.upstream.on("POST", "/told", |_| Reply::status(503).header("retry-after", "300"));
    let webhook = receiver.webhook("/told", json!({})).await;
    let id = seed::submit(&receiver.host, "access").await;
    receiver.event(&id, "request.webhook_postponed", 1).await;
    assert_eq!(receiver.operator().delete(&webhook.path).await.status, 204);
    receiver.wait_out(&id, "request.webhook_postponed", 1).await;
    receiver.host.wait_for_status(&id, "complete").await;
    assert_eq!(receiver.calls_at("/told").len(), 1);
}

#[tokio::test]
async fn a_webhook_that_is_removed_while_it_is_told_cannot_hold_the_request_any_more() {
    let receiver = Receiver::start().await;
    let gate = Gate::new();
    let held = gate.clone();
    receiver.upstream.on("POST", "/told", move |_| Reply::json(r#"{"halt": true}"#).held_by(&held));
    let webhook = receiver.webhook("/told", json!({})).await;
    let id = seed::submit(&receiver.host, "access").await;
    receiver.upstream.wait_for_calls(1).await;
    assert_eq!(receiver.operator().delete(&webhook.path).await.status, 204);
    gate.open();
    receiver.host.wait_for_status(&id, "complete").await;
}

#[tokio::test]
async fn a_webhook_that_holds_too_many_requests_for_one_commit_is_not_removed() {
    let receiver = Receiver::start_configured(|config| config.engine.webhook_held_max = 1).await;
    receiver.upstream.on("POST", "/told", |_| Reply::status(400));
    let webhook = receiver.webhook("/told", json!({})).await;
    let held = [
        seed::submit(&receiver.host, "access").await,
        seed::submit(&receiver.host, "access").await,
    ];
    for id in &held {
        receiver.paused(id).await;
    }
    let refused = receiver.operator().delete(&webhook.path).await;
    assert_eq!((refused.status, &refused.json["code"]), (409, &json!("in_use")));
    let cancel = format!("/v1/privacy-requests/{}/cancel", held[0]);
    assert_eq!(receiver.operator().post(&cancel, &json!({})).await.status, 200);
    assert_eq!(receiver.operator().delete(&webhook.path).await.status, 204);
    receiver.host.wait_for_status(&held[1], "complete").await;
}
