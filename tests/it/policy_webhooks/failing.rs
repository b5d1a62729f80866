//! Webhooks that cannot be told: tried again while that may help, and never forgotten.

use std::time::Duration;

use serde_json::json;

use crate::support::receiver::Receiver;
use crate::support::seed;
use crate::support::upstream::{Reply, Upstream};

const POSTPONED: &str = "request.webhook_postponed";

#[tokio::test]
async fn a_fault_of_the_receiver_is_tried_again_with_growing_waits_and_then_holds_the_request() {
    let receiver =
        Receiver::start_configured(|config| config.engine.webhook_attempts_max = 4).await;
    receiver.upstream.on("POST", "/told", |_| Reply::status(503));
    let webhook = receiver.webhook("/told", json!({})).await;
    let id = seed::submit(&receiver.host, "access").await;
    for (n, seconds) in [5, 10, 20].into_iter().enumerate() {
        let waited = receiver.wait_out(&id, POSTPONED, n + 1).await;
        let asked = Duration::from_secs(seconds);
        assert!(waited <= asked && waited > asked / 2, "{waited:?} of {asked:?}");
    }
    let holds = receiver.paused(&id).await;
    assert_eq!((&holds["id"], &holds["state"]), (&json!(webhook.id), &json!("failed")));
    assert_eq!(holds["failure"]["code"], "webhook_failed", "{holds}");
    assert_eq!(holds["failure"]["detail"], "status 503");
    assert_eq!(holds["attempts"], 4);
    let calls = receiver.calls_at("/told");
    assert_eq!(calls.len(), 4);
    let id_of = |n: usize| calls[n].header("webhook-id").unwrap();
    assert!((1..4).all(|n| id_of(n) == id_of(0)), "every try is the same message");
    let first: u64 = calls[0].header("webhook-timestamp").unwrap().parse().unwrap();
    let last: u64 = calls[3].header("webhook-timestamp").unwrap().parse().unwrap();
    assert!(last >= first + 30, "each try says when it was made");

    receiver.upstream.on("POST", "/told", |_| Reply::status(200));
    receiver.resume(&id).await;
    receiver.host.wait_for_status(&id, "complete").await;
    assert_eq!(receiver.calls_at("/told")[4].header("webhook-id"), Some(id_of(0)));
}

#[tokio::test]
async fn a_receiver_may_say_when_to_try_again() {
    let receiver = Receiver::start().await;
    let busy = |seconds: &str| Reply::status(429).header("retry-after", seconds);
    receiver.upstream.script("POST", "/told", [busy("300"), busy("1"), Reply::status(200)]);
    receiver.webhook("/told", json!({})).await;
    let id = seed::submit(&receiver.host, "access").await;
    let waited = receiver.wait_out(&id, POSTPONED, 1).await;
    assert!(waited > Duration::from_secs(240), "{waited:?}");
    let waited = receiver.wait_out(&id, POSTPONED, 2).await;
    assert!(waited > Duration::from_secs(5), "never less than the host's own: {waited:?}");
    receiver.host.wait_for_status(&id, "complete").await;
}

#[tokio::test]
async fn a_refusal_of_the_receiver_holds_the_request_at_once() {
    let receiver = Receiver::start().await;
    receiver.upstream.on("POST", "/elsewhere", |_| Reply::status(200));
    let elsewhere = receiver.upstream.url("/elsewhere");
    receiver.webhook("/told", json!({})).await;
    for (reply, detail) in [
        (Reply::status(400).body("needle"), "status 400"),
        (Reply::status(404), "status 404"),
        (Reply::status(410), "status 410"),
        (
            Reply::status(307).header("location", &elsewhere),
            "status 307; redirects are not followed",
        ),
    ] {
        let before = receiver.upstream.calls().len();
        receiver.upstream.script("POST", "/told", [reply]);
        let id = seed::submit(&receiver.host, "access").await;
        let holds = receiver.paused(&id).await;
        assert_eq!(holds["failure"]["detail"], detail, "{holds}");
        assert_eq!(receiver.upstream.calls().len(), before + 1);
    }
}

#[tokio::test]
async fn an_answer_that_cannot_be_used_holds_the_request_and_is_not_repeated() {
    let receiver = Receiver::start().await;
    receiver.webhook("/told", json!({})).await;
    for answer in [
        "needle",
        r#"{"halt": "needle"}"#,
        r#"{"identities": {"email": 7}}"#,
        r#"{"identities": {"needle": "x"}}"#,
    ] {
        receiver.upstream.script("POST", "/told", [Reply::json(answer)]);
        let id = seed::submit(&receiver.host, "access").await;
        let holds = receiver.paused(&id).await;
        assert_eq!(holds["failure"]["code"], "webhook_failed", "{holds}");
        let detail = holds["failure"]["detail"].as_str().unwrap();
        assert!(detail.starts_with("its answer cannot be used: "), "{detail}");
        assert!(!format!("{holds} {:?}", receiver.events(&id).await).contains("needle"));
    }
    let large = format!(r#"{{"x": "{}"}}"#, "y".repeat(65 * 1024));
    receiver.upstream.script("POST", "/told", [Reply::json(large)]);
    let id = seed::submit(&receiver.host, "access").await;
    receiver.event(&id, POSTPONED, 1).await;
}

#[tokio::test]
async fn a_receiver_that_is_not_there_is_tried_again_and_its_corrected_address_counts_at_once() {
    let receiver = Receiver::start().await;
    let closed = {
        let gone = Upstream::start().await;
        gone.url("/told")
    };
    let webhook = receiver.webhook("/told", json!({ "url": closed })).await;
    let id = seed::submit(&receiver.host, "access").await;
    receiver.event(&id, POSTPONED, 1).await;
    receiver.upstream.on("POST", "/right", |_| Reply::status(200));
    let right = receiver.written("/right", json!({}));
    assert_eq!(receiver.operator().put(&webhook.path, &right).await.status, 200);
    receiver.wait_out(&id, POSTPONED, 1).await;
    receiver.host.wait_for_status(&id, "complete").await;
    assert_eq!(receiver.calls_at("/right").len(), 1);
}

#[tokio::test]
async fn what_the_gate_refuses_holds_the_request_with_the_gates_word() {
    let receiver = Receiver::start().await;
    receiver.upstream.on("POST", "/told", |_| Reply::status(200));
    let webhook = receiver.webhook("/told", json!({})).await;
    receiver.name_hosts(&["hooks.acme.com"]).await;
    let id = seed::submit(&receiver.host, "access").await;
    let holds = receiver.paused(&id).await;
    assert_eq!(holds["failure"]["code"], "egress_denied", "{holds}");
    assert!(holds["failure"]["detail"].as_str().unwrap().contains("webhook_host_not_named"));
    assert!(receiver.paths().is_empty(), "nothing was sent");

    let request = receiver.host.wait_for_status(&id, "paused").await;
    let problem = &request["problems"][0];
    assert_eq!(problem["code"], "egress_denied", "{request}");
    assert_eq!(problem["webhook"], webhook.id);

    receiver.name_hosts(&["127.0.0.1"]).await;
    receiver.resume(&id).await;
    receiver.host.wait_for_status(&id, "complete").await;
}

#[tokio::test]
async fn a_request_that_a_failed_webhook_holds_takes_no_token() {
    let receiver = Receiver::start().await;
    receiver.upstream.on("POST", "/told", |_| Reply::status(400));
    receiver.webhook("/told", json!({})).await;
    let id = seed::submit(&receiver.host, "access").await;
    receiver.paused(&id).await;
    let told = crate::support::receiver::message(&receiver.calls_at("/told")[0]);
    let resume = format!("/v1/privacy-requests/{id}/resume");
    let body = json!({ "token": told["data"]["resume_token"] });
    let refused = receiver.operator().post(&resume, &body).await;
    assert_eq!((refused.status, &refused.json["code"]), (409, &json!("not_paused")));
}
