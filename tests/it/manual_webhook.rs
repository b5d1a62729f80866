//! Requests that wait for a person.

use serde_json::{Value, json};

use crate::support::package::Bundle;
use crate::support::seed;
use crate::support::test_host::TestHost;

fn archive() -> Value {
    json!({
        "key": "paper-archive",
        "name": "Paper archive",
        "connector_type": "manual_webhook",
        "capabilities": ["privacy/access"],
        "mode": "live",
    })
}

/// A host whose access policy asks a person for two fields first.
async fn host_with_archive(auto_resume: bool) -> TestHost {
    let host = TestHost::start().await;
    let operator = host.operator();
    let created = operator.post("/v1/connections", &archive()).await;
    assert_eq!(created.status, 201, "{}", created.json);
    let policy = json!({
        "key": "by-hand",
        "name": "By hand",
        "rules": [{ "action": "access" }],
        "auto_resume": auto_resume,
    });
    assert_eq!(operator.post("/v1/policies", &policy).await.status, 201);
    let webhook = json!({
        "connection": "paper-archive",
        "fields": [{ "pii_field": "Phone Number" }, { "pii_field": "Badge-No", "dsr_package_label": "badge" }],
    });
    let linked = operator.post("/v1/policies/by-hand/manual-webhooks", &webhook).await;
    assert_eq!(linked.status, 201, "{}", linked.json);
    host
}

fn inputs(id: &str) -> String {
    format!("/v1/privacy-requests/{id}/manual-inputs/paper-archive")
}

#[tokio::test]
async fn a_request_waits_for_its_input_and_the_values_reach_the_package_as_they_are() {
    let host = host_with_archive(false).await;
    let id = seed::submit(&host, "by-hand").await;
    host.wait_for_status(&id, "requires_input").await;
    let operator = host.operator();

    let forms = operator.get(&format!("/v1/privacy-requests/{id}/manual-inputs")).await;
    assert_eq!(forms.json["items"][0]["provided"], false, "{}", forms.json);
    let resume = format!("/v1/privacy-requests/{id}/resume");
    let early = operator.post(&resume, &json!({})).await;
    assert_eq!((early.status, &early.json["code"]), (409, &json!("inputs_missing")));
    assert!(early.json["detail"].as_str().unwrap().contains("paper-archive"));

    let values = json!({ "phone_number": "=1+2", "badge": "B-17" });
    let given = operator.put(&inputs(&id), &values).await;
    assert_eq!(given.status, 200, "{}", given.json);
    assert_eq!(given.json["status"], "requires_input", "it goes on when a person says so");
    assert_eq!(operator.post(&resume, &json!({})).await.status, 200);
    host.wait_for_status(&id, "complete").await;

    let bundle = Bundle::of(&host, &id).await;
    assert_eq!(bundle.lines("paper-archive/1.csv"), ["badge,B-17", "phone_number,'=1+2"]);
    assert_eq!(bundle.json("paper-archive/1.json")["phone_number"], "=1+2");
}

#[tokio::test]
async fn a_waiting_request_survives_a_restart_and_completes_after_input() {
    let mut host = host_with_archive(true).await;
    let id = seed::submit(&host, "by-hand").await;
    host.wait_for_status(&id, "requires_input").await;
    host.restart().await;
    host.wait_for_status(&id, "requires_input").await;
    let given = host.operator().put(&inputs(&id), &json!({ "badge": "B-17" })).await;
    assert_eq!(given.status, 200, "{}", given.json);
    host.restart().await;
    host.wait_for_status(&id, "complete").await;
    let bundle = Bundle::of(&host, &id).await;
    assert_eq!(bundle.lines("paper-archive/1.csv"), ["badge,B-17"]);
}

#[tokio::test]
async fn an_empty_input_means_searched_and_nothing_found() {
    let host = host_with_archive(true).await;
    let id = seed::submit(&host, "by-hand").await;
    host.wait_for_status(&id, "requires_input").await;
    host.operator().put(&inputs(&id), &json!({})).await;
    let request = host.wait_for_status(&id, "complete").await;
    assert_eq!(request["tasks"][0]["finding"]["kind"], "nothing_found");
}

#[tokio::test]
async fn input_with_an_unknown_label_or_a_wrong_type_is_refused_without_quoting_it() {
    let host = host_with_archive(true).await;
    let id = seed::submit(&host, "by-hand").await;
    host.wait_for_status(&id, "requires_input").await;
    let values = json!({ "badgee": "B-17-secret", "phone_number": 5125550142_u64 });
    let refused = host.operator().put(&inputs(&id), &values).await;
    assert_eq!(refused.status, 422);
    let pointers: Vec<&str> = refused.json["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["pointer"].as_str().unwrap())
        .collect();
    assert_eq!(pointers, ["/badgee", "/phone_number"]);
    assert!(!refused.json.to_string().contains("B-17-secret"));
    assert!(!refused.json.to_string().contains("5125550142"));
    host.wait_for_status(&id, "requires_input").await;
}

#[tokio::test]
async fn input_for_a_request_that_does_not_wait_is_a_conflict() {
    let host = host_with_archive(true).await;
    let id = seed::submit(&host, "by-hand").await;
    host.wait_for_status(&id, "requires_input").await;
    host.operator().put(&inputs(&id), &json!({ "badge": "1" })).await;
    host.wait_for_status(&id, "complete").await;
    let late = host.operator().put(&inputs(&id), &json!({ "badge": "2" })).await;
    assert_eq!((late.status, &late.json["code"]), (409, &json!("not_waiting_for_input")));
}

#[tokio::test]
async fn who_gave_an_input_and_when_is_told_and_the_value_is_not() {
    let host = host_with_archive(true).await;
    let id = seed::submit(&host, "by-hand").await;
    host.wait_for_status(&id, "requires_input").await;
    host.operator().put(&inputs(&id), &json!({ "badge": "B-17-secret" })).await;
    host.wait_for_status(&id, "complete").await;
    let events = host.operator().get(&format!("/v1/privacy-requests/{id}/events")).await;
    let given = events.json["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|event| event["event"] == "request.input_given")
        .unwrap()
        .clone();
    assert!(given["actor"].to_string().contains("operator"), "{given}");
    assert!(!events.json.to_string().contains("B-17-secret"));
}

#[tokio::test]
async fn a_second_manual_webhook_for_a_connection_is_a_conflict() {
    let host = host_with_archive(false).await;
    let webhook = json!({ "connection": "paper-archive", "fields": [{ "pii_field": "x" }] });
    let second = host.operator().post("/v1/policies/access/manual-webhooks", &webhook).await;
    assert_eq!((second.status, &second.json["code"]), (409, &json!("exists")));
}

#[tokio::test]
async fn secrets_for_a_manual_webhook_are_refused() {
    let host = host_with_archive(false).await;
    let put = host
        .operator()
        .put("/v1/connections/paper-archive/secrets", &json!({ "credentials": "x" }))
        .await;
    assert_eq!(put.status, 422, "{}", put.json);
}

#[tokio::test]
async fn a_canceled_request_waits_no_longer() {
    let host = host_with_archive(false).await;
    let id = seed::submit(&host, "by-hand").await;
    host.wait_for_status(&id, "requires_input").await;
    let canceled =
        host.operator().post(&format!("/v1/privacy-requests/{id}/cancel"), &json!({})).await;
    assert_eq!(canceled.json["status"], "canceled");
    assert_eq!(canceled.json["waiting_for"], json!([]));
    let late = host.operator().put(&inputs(&id), &json!({})).await;
    assert_eq!((late.status, &late.json["code"]), (409, &json!("not_waiting_for_input")));
}
