//! What a webhook is told, when, and what its answer does.

use cordon_model::RequestId;
use serde_json::{Value, json};

use crate::support::receiver::{Receiver, message, verify};
use crate::support::seed;
use crate::support::test_process::TestProcess;
use crate::support::upstream::{Gate, Reply, Upstream};

#[tokio::test]
async fn a_message_is_signed_as_standard_webhooks_say_and_names_the_request_alone() {
    let receiver = Receiver::start().await;
    let webhook = receiver.webhook("/told", json!({})).await;
    receiver.upstream.on("POST", "/told", |_| Reply::status(204));
    let body = json!({
        "policy": "access", "identities": { "email": seed::EMAIL }, "external_id": "ticket-7",
    });
    let id = receiver.operator().post("/v1/privacy-requests", &body).await.json["id"].clone();
    let id = id.as_str().unwrap();
    let request = receiver.host.wait_for_status(id, "complete").await;
    assert_eq!(request["webhooks"][0]["state"], "done", "{request}");

    let call = &receiver.calls_at("/told")[0];
    verify(call, &webhook.secret);
    let told = message(call);
    assert_eq!(told["type"], "privacy_request.pre_execution");
    let data = told["data"].as_object().unwrap();
    assert_eq!(data["id"].as_str().unwrap().parse::<RequestId>().unwrap().to_string(), id);
    assert_eq!((&data["policy"], &data["tenant"]), (&json!("access"), &json!("default")));
    assert_eq!(data["external_id"], "ticket-7");
    assert_eq!((&data["phase"], &data["direction"]), (&json!("pre_execution"), &json!("two_way")));
    assert!(data["resume_token"].as_str().unwrap().len() >= 43);
    assert!(!call.text().contains(seed::EMAIL));
    let events = format!("{:?}", receiver.events(id).await);
    assert!(!events.contains(data["resume_token"].as_str().unwrap()));
}

#[tokio::test]
async fn identities_are_told_to_whom_they_are_to_be_told_and_to_nobody_else() {
    let receiver = Receiver::start().await;
    for path in ["/asked", "/unasked", "/after"] {
        receiver.upstream.on("POST", path, |_| Reply::status(200));
    }
    let asked = json!({ "order": 1, "direction": "one_way", "send_identities": true });
    receiver.webhook("/asked", asked).await;
    receiver.webhook("/unasked", json!({ "order": 2, "direction": "one_way" })).await;
    let after = json!({ "phase": "post_execution", "send_identities": true });
    receiver.webhook("/after", after).await;
    let id = seed::submit(&receiver.host, "access").await;
    receiver.host.wait_for_status(&id, "complete").await;
    let asked = message(&receiver.calls_at("/asked")[0]);
    assert_eq!(asked["data"]["identities"], json!({ "email": [seed::EMAIL] }));
    assert_eq!(asked["data"]["resume_token"], Value::Null, "a one-way one cannot halt");
    let unasked = &receiver.calls_at("/unasked")[0];
    assert!(message(unasked)["data"].get("identities").is_none());
    assert!(!unasked.text().contains(seed::EMAIL));
    let after = message(&receiver.calls_at("/after")[0]);
    assert_eq!(after["data"]["identities"]["email"], json!([seed::EMAIL]));
}

#[tokio::test]
async fn webhooks_are_told_one_after_the_other_in_their_order_around_everything_else() {
    let receiver = Receiver::start().await;
    let operator = receiver.operator();
    let policy = json!({
        "key": "goodbye",
        "rules": [{ "action": "access" }, { "action": "delete" }],
        "requires_approval": false,
    });
    assert_eq!(operator.post("/v1/policies", &policy).await.status, 201);
    for (path, phase, order) in [
        ("/after-2", "post_execution", 9),
        ("/before-3", "pre_execution", 20),
        ("/before-1", "pre_execution", 0),
        ("/after-1", "post_execution", 3),
        ("/before-2", "pre_execution", 5),
    ] {
        receiver.upstream.on("POST", path, |_| Reply::status(200));
        receiver.webhook_of("goodbye", path, json!({ "phase": phase, "order": order })).await;
    }
    let id = seed::submit(&receiver.host, "goodbye").await;
    receiver.host.wait_for_status(&id, "complete").await;
    let mut paths = receiver.paths();
    paths.retain(|path| path != "/v0/identifiers/get-phone");
    let expected =
        ["/before-1", "/before-2", "/before-3", "/v0/users", "/v0/users", "/after-1", "/after-2"];
    assert_eq!(paths, expected);
    assert_eq!(receiver.count(&id, "request.webhook_answered").await, 5);
}

#[tokio::test]
async fn of_a_one_way_webhooks_answer_nothing_counts_but_its_status() {
    let receiver = Receiver::start().await;
    receiver.webhook("/told", json!({ "direction": "one_way" })).await;
    for answer in [r#"{"halt": true, "identities": {"user_id": "7"}}"#, "{ not json"] {
        receiver.upstream.script("POST", "/told", [Reply::status(202).body(answer)]);
        let request = seed::complete(&receiver.host, "access").await;
        assert_eq!(request["identity_kinds"], json!({ "email": 1 }));
    }
}

#[tokio::test]
async fn identities_that_a_webhook_adds_are_used_by_the_connectors_after_it() {
    let receiver = Receiver::start().await;
    let mut connection = seed::connection(&receiver.upstream);
    connection["queries"]["access"] = json!([{
        "url": receiver.upstream.url("/v0/orders?user={user_id}"),
        "verb": "GET",
        "verify_ssl": "true",
    }]);
    let put = receiver.operator().put("/v1/connections/user-service", &connection).await;
    assert_eq!(put.status, 200, "{}", put.json);
    receiver.upstream.on("GET", "/v0/orders", |_| Reply::json("[]"));
    receiver.upstream.on("POST", "/told", |_| {
        Reply::json(r#"{"identities": {"user_id": ["u/1"], "email": "second@acme.example"}}"#)
    });
    receiver.webhook("/told", json!({})).await;
    let request = seed::complete(&receiver.host, "access").await;
    assert_eq!(receiver.calls_at("/v0/orders")[0].query, "user=u%2F1");
    assert_eq!(request["identity_kinds"]["user_id"], 1);
    assert_eq!(request["identity_kinds"]["email"], 2, "what the webhook says is added");
    let events = format!("{:?}", receiver.events(request["id"].as_str().unwrap()).await);
    assert!(!events.contains("second@acme.example"));
}

#[tokio::test]
async fn a_pre_execution_webhook_receives_nothing_while_input_is_missing() {
    let receiver = Receiver::start().await;
    let operator = receiver.operator();
    for name in ["archive", "attic"] {
        let connection = json!({
            "key": name, "name": name, "connector_type": "manual_webhook",
            "capabilities": ["privacy/access"], "mode": "live",
        });
        assert_eq!(operator.post("/v1/connections", &connection).await.status, 201);
        let asks = json!({ "connection": name, "fields": [{ "pii_field": "badge" }] });
        let linked = operator.post("/v1/policies/access/manual-webhooks", &asks).await;
        assert_eq!(linked.status, 201, "{}", linked.json);
    }
    receiver.upstream.on("POST", "/told", |_| Reply::status(200));
    receiver.webhook("/told", json!({})).await;
    let id = seed::submit(&receiver.host, "access").await;
    receiver.host.wait_for_status(&id, "requires_input").await;
    let request = format!("/v1/privacy-requests/{id}");
    let inputs = format!("{request}/manual-inputs");
    operator.put(&format!("{inputs}/archive"), &json!({ "badge": "1" })).await;
    let early = operator.post(&format!("{request}/resume"), &json!({})).await;
    assert_eq!((early.status, &early.json["code"]), (409, &json!("inputs_missing")));
    assert!(receiver.paths().is_empty(), "{:?}", receiver.paths());

    operator.put(&format!("{inputs}/attic"), &json!({ "badge": "2" })).await;
    assert!(receiver.paths().is_empty(), "nobody has resumed it");
    receiver.resume(&id).await;
    receiver.host.wait_for_status(&id, "complete").await;
    assert_eq!(receiver.paths()[0], "/told");
}

#[tokio::test]
async fn after_a_failed_task_no_post_execution_webhook_is_told_until_it_was_made_good() {
    let receiver = Receiver::start().await;
    receiver.upstream.on("POST", "/after", |_| Reply::status(200));
    receiver.webhook("/after", json!({ "phase": "post_execution" })).await;
    receiver.upstream.script("GET", "/v0/users", [Reply::status(400)]);
    let id = seed::submit(&receiver.host, "access").await;
    receiver.host.wait_for_status(&id, "error").await;
    assert!(receiver.calls_at("/after").is_empty());
    let retry = format!("/v1/privacy-requests/{id}/retry");
    assert_eq!(receiver.operator().post(&retry, &json!({})).await.status, 200);
    receiver.host.wait_for_status(&id, "complete").await;
    assert_eq!(receiver.calls_at("/after").len(), 1);
}

#[tokio::test]
async fn killed_between_the_message_and_the_commit_it_is_sent_again_under_the_same_id() {
    let upstream = Upstream::start().await;
    let gate = Gate::new();
    let held = gate.clone();
    upstream.on("POST", "/told", move |_| Reply::status(200).held_by(&held));
    let mut process = TestProcess::start().await;
    let operator = process.operator();
    let patch = json!({ "webhook_hosts": ["127.0.0.1"] });
    operator.patch_with("/v1/tenants/default", &[], &patch).await;
    let policy = json!({
        "key": "nothing", "rules": [{ "action": "optout" }], "allow_unserved": true,
    });
    assert_eq!(operator.post("/v1/policies", &policy).await.status, 201);
    let webhook = json!({
        "order": 1, "phase": "pre_execution", "direction": "two_way", "url": upstream.url("/told"),
    });
    let made = operator.post("/v1/policies/nothing/webhooks", &webhook).await;
    assert_eq!(made.status, 201, "{}", made.json);
    let body = json!({ "policy": "nothing", "identities": { "email": seed::EMAIL } });
    let accepted = operator.post("/v1/privacy-requests", &body).await;
    let id = accepted.json["id"].as_str().unwrap().to_owned();
    upstream.wait_for_calls(1).await;
    process.kill_and_restart().await;
    let calls = upstream.wait_for_calls(2).await;
    gate.open();
    process.operator().wait_for_status(&id, "complete").await;
    let secret = made.json["secret"].as_str().unwrap();
    calls.iter().for_each(|call| verify(call, secret));
    assert_eq!(calls[0].header("webhook-id"), calls[1].header("webhook-id"));
    let token = |n: usize| message(&calls[n])["data"]["resume_token"].clone();
    assert_eq!(token(0), token(1), "whichever message is answered, its token is the one");
}
