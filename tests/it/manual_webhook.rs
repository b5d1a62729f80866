//! Requests that wait for a person: what is asked, in which order, and what ends the wait.

use serde_json::json;

use crate::support::manual::{
    ARCHIVE, POLICY, ask_by, connection, created, events, forms, give, host_with_archive, input_of,
    link, problems, resume, waiting_request,
};
use crate::support::package::Bundle;
use crate::support::seed;
use crate::support::test_host::TestHost;

#[tokio::test]
async fn a_request_waits_for_its_input_and_the_values_reach_the_package_as_they_are() {
    let host = host_with_archive(false).await;
    let id = waiting_request(&host).await;
    let operator = host.operator();

    let forms = operator.get(&format!("/v1/privacy-requests/{id}/manual-inputs")).await;
    assert_eq!(forms.json["items"][0]["provided"], false, "{}", forms.json);
    let resume = format!("/v1/privacy-requests/{id}/resume");
    let early = operator.post(&resume, &json!({})).await;
    assert_eq!((early.status, &early.json["code"]), (409, &json!("inputs_missing")));
    assert!(early.json["detail"].as_str().unwrap().contains("paper-archive"));

    let values = json!({ "phone_number": "=1+2", "badge": "B-17" });
    let given = operator.put(&input_of(&id, ARCHIVE), &values).await;
    assert_eq!(given.status, 200, "{}", given.json);
    assert_eq!(given.json["status"], "requires_input", "it goes on when a person says so");
    assert_eq!(operator.post(&resume, &json!({})).await.status, 200);
    host.wait_for_status(&id, "complete").await;

    let bundle = Bundle::of(&host, &id).await;
    assert_eq!(bundle.lines("paper-archive/1.csv"), ["phone_number,'=1+2", "badge,B-17"]);
    assert_eq!(bundle.json("paper-archive/1.json")["phone_number"], "=1+2");
}

#[tokio::test]
async fn a_waiting_request_survives_a_restart_and_completes_after_input() {
    let mut host = host_with_archive(true).await;
    let id = waiting_request(&host).await;
    host.restart().await;
    host.wait_for_status(&id, "requires_input").await;
    let given = host.operator().put(&input_of(&id, ARCHIVE), &json!({ "badge": "B-17" })).await;
    assert_eq!(given.status, 200, "{}", given.json);
    host.restart().await;
    host.wait_for_status(&id, "complete").await;
    let bundle = Bundle::of(&host, &id).await;
    assert_eq!(bundle.lines("paper-archive/1.csv"), ["phone_number,", "badge,B-17"]);
}

#[tokio::test]
async fn an_empty_input_means_searched_and_nothing_found() {
    let host = host_with_archive(true).await;
    let id = waiting_request(&host).await;
    host.operator().put(&input_of(&id, ARCHIVE), &json!({})).await;
    let request = host.wait_for_status(&id, "complete").await;
    assert_eq!(request["tasks"][0]["finding"]["kind"], "nothing_found");
}

#[tokio::test]
async fn input_with_an_unknown_label_or_a_wrong_type_is_refused_without_quoting_it() {
    let host = host_with_archive(true).await;
    let id = waiting_request(&host).await;
    let values = json!({ "badgee": "B-17-secret", "phone_number": 5125550142_u64 });
    let refused = host.operator().put(&input_of(&id, ARCHIVE), &values).await;
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
    let id = waiting_request(&host).await;
    host.operator().put(&input_of(&id, ARCHIVE), &json!({ "badge": "1" })).await;
    host.wait_for_status(&id, "complete").await;
    let late = host.operator().put(&input_of(&id, ARCHIVE), &json!({ "badge": "2" })).await;
    assert_eq!((late.status, &late.json["code"]), (409, &json!("not_waiting_for_input")));
}

#[tokio::test]
async fn who_gave_an_input_and_when_is_told_and_the_value_is_not() {
    let host = host_with_archive(true).await;
    let id = waiting_request(&host).await;
    host.operator().put(&input_of(&id, ARCHIVE), &json!({ "badge": "B-17-secret" })).await;
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
    let id = waiting_request(&host).await;
    let canceled =
        host.operator().post(&format!("/v1/privacy-requests/{id}/cancel"), &json!({})).await;
    assert_eq!(canceled.json["status"], "canceled");
    assert_eq!(canceled.json["waiting_for"], json!([]));
    let late = host.operator().put(&input_of(&id, ARCHIVE), &json!({})).await;
    assert_eq!((late.status, &late.json["code"]), (409, &json!("not_waiting_for_input")));
}

#[tokio::test]
async fn manual_webhook_is_the_only_type_of_the_category_manual() {
    let host = TestHost::start().await;
    let types = async |query: &str| {
        let listed = host.operator().get(&format!("/v1/connection-types?{query}")).await;
        assert_eq!(listed.status, 200, "{}", listed.json);
        let types = listed.json["items"].as_array().unwrap().clone();
        types.iter().map(|t| t["connector_type"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(types("category=manual").await, ["manual_webhook"]);
    assert_eq!(types("search=MANUAL").await, ["manual_webhook"]);
    assert_eq!(types("category=manual&search=webhook").await, ["manual_webhook"]);
    assert!(types("category=manual&search=proxy").await.is_empty());
    assert!(types("").await.len() > 1);
}

#[tokio::test]
async fn a_manual_webhook_has_no_queries_no_credentials_and_no_capability_but_access() {
    let host = TestHost::start().await;
    let mut body = connection(ARCHIVE);
    body["queries"] = json!({});
    body["credentials_location"] = json!("arn:aws");
    body["capabilities"] = json!(["privacy/access", "privacy/delete"]);
    let found = problems(&host.operator().post("/v1/connections", &body).await);
    for pointer in ["/queries", "/credentials_location", "/capabilities/1"] {
        assert!(found.iter().any(|(_, at)| at == pointer), "{pointer}: {found:?}");
    }
}

#[tokio::test]
async fn the_fields_of_a_manual_webhook_follow_their_rules() {
    let host = host_with_archive(false).await;
    let operator = host.operator();
    let path = format!("/v1/policies/{POLICY}/manual-webhooks/{ARCHIVE}");
    let put = async |fields| operator.put(&path, &json!({ "fields": fields })).await;
    let long = "x".repeat(201);
    let refused = [
        (json!([]), ("missing_fields", "/fields")),
        (json!([{ "pii_field": "  " }]), ("invalid_value", "/fields/0/pii_field")),
        (json!([{ "pii_field": long }]), ("invalid_value", "/fields/0/pii_field")),
        (
            json!([{ "pii_field": "a", "dsr_package_label": long }]),
            ("invalid_value", "/fields/0/dsr_package_label"),
        ),
        (
            json!([{ "pii_field": "a" }, { "pii_field": " a" }]),
            ("duplicate_field", "/fields/1/pii_field"),
        ),
        (
            json!([{ "pii_field": "A b" }, { "pii_field": "a-b" }]),
            ("duplicate_label", "/fields/1/dsr_package_label"),
        ),
        (json!([{ "pii_field": "a", "types": ["date"] }]), ("invalid_value", "/fields/0/types/0")),
    ];
    for (fields, (code, pointer)) in refused {
        let found = problems(&put(fields.clone()).await);
        assert_eq!(found, [(code.to_owned(), pointer.to_owned())], "{fields}");
    }
    let fields = json!([
        { "pii_field": " Phone Number " },
        { "pii_field": "Scan", "types": ["string", "file"], "required": true },
    ]);
    let stored = put(fields).await;
    assert_eq!(stored.status, 200, "{}", stored.json);
    assert_eq!(
        stored.json["fields"],
        json!([
            {
                "pii_field": "Phone Number", "dsr_package_label": "phone_number",
                "types": ["string"], "required": false,
            },
            {
                "pii_field": "Scan", "dsr_package_label": "scan",
                "types": ["string", "file"], "required": true,
            },
        ])
    );
}

#[tokio::test]
async fn a_notification_is_refused_by_name_until_something_delivers_it() {
    let host = host_with_archive(false).await;
    let path = format!("/v1/policies/{POLICY}/manual-webhooks/{ARCHIVE}");
    let webhook = json!({ "fields": [{ "pii_field": "a" }], "notify": ["desk@initech.example"] });
    let refused = host.operator().put(&path, &webhook).await;
    assert_eq!(problems(&refused), [("not_supported_yet".to_owned(), "/notify".to_owned())]);
}

/// A host with the example's connection, and a manual webhook on the policy `delete`.
async fn host_that_deletes(confirm: bool) -> (TestHost, crate::support::upstream::Upstream) {
    let upstream = seed::upstream().await;
    let host = seed::connected_to(&upstream).await;
    let operator = host.operator();
    created(operator.post("/v1/connections", &connection(ARCHIVE)).await);
    let webhook = json!({ "fields": [{ "pii_field": "Seen by" }], "confirm": confirm });
    link(&operator, "delete", ARCHIVE, &webhook).await;
    (host, upstream)
}

async fn approved(host: &TestHost) -> String {
    let id = seed::submit(host, "delete").await;
    let path = format!("/v1/privacy-requests/{id}/approve");
    assert_eq!(host.operator().post(&path, &json!({})).await.status, 200);
    id
}

#[tokio::test]
async fn a_policy_without_an_access_rule_is_not_held_up() {
    let (host, upstream) = host_that_deletes(false).await;
    let id = approved(&host).await;
    let request = host.wait_for_status(&id, "complete").await;
    assert_eq!(request["tasks"].as_array().unwrap().len(), 1);
    assert_eq!(upstream.calls().len(), 1);
}

#[tokio::test]
async fn nothing_is_deleted_before_a_person_confirmed_where_the_webhook_says_so() {
    let (host, upstream) = host_that_deletes(true).await;
    let id = approved(&host).await;
    host.wait_for_status(&id, "requires_input").await;
    assert_eq!(upstream.calls().len(), 0);
    give(&host, &id, ARCHIVE, &json!({ "seen_by": "the desk" })).await;
    assert_eq!(upstream.calls().len(), 0, "it goes on when a person says so");
    assert_eq!(resume(&host, &id).await.status, 200);
    host.wait_for_status(&id, "complete").await;
    assert_eq!(upstream.calls().len(), 1);
}

#[tokio::test]
async fn a_manual_webhook_runs_first_and_adds_no_identity() {
    let upstream = seed::upstream().await;
    let host = seed::connected_to(&upstream).await;
    ask_by(&host.operator(), &[ARCHIVE], false).await;
    let fields = json!([{ "pii_field": "phone_number" }, { "pii_field": "user_id" }]);
    link(&host.operator(), POLICY, ARCHIVE, &json!({ "fields": fields })).await;
    let id = waiting_request(&host).await;
    assert_eq!(upstream.calls().len(), 0, "before any other connector");
    give(&host, &id, ARCHIVE, &json!({ "phone_number": "1", "user_id": "2" })).await;
    assert_eq!(resume(&host, &id).await.status, 200);
    let request = host.wait_for_status(&id, "complete").await;
    assert_eq!(request["identity_kinds"], json!({ "email": 1 }));
    let bundle = Bundle::of(&host, &id).await;
    assert_eq!(bundle.lines("paper-archive/1.csv"), ["phone_number,1", "user_id,2"]);
    assert!(bundle.names().any(|name| name == "user-service/1.csv"));
}

#[tokio::test]
async fn a_request_waits_until_every_enabled_webhook_has_its_input() {
    let host = TestHost::start().await;
    ask_by(&host.operator(), &["crm", "hr", "off"], true).await;
    let disabled = json!({ "fields": [{ "pii_field": "x" }], "enabled": false });
    link(&host.operator(), POLICY, "off", &disabled).await;
    let id = waiting_request(&host).await;
    let given = give(&host, &id, "crm", &json!({ "badge": "1" })).await;
    assert_eq!(given["status"], "requires_input");
    let early = resume(&host, &id).await;
    assert_eq!((early.status, &early.json["code"]), (409, &json!("inputs_missing")));
    assert_eq!(early.json["detail"], "input is still missing for: hr");
    give(&host, &id, "hr", &json!({})).await;
    host.wait_for_status(&id, "complete").await;
    assert_eq!(
        events(&host, &id).await.iter().filter(|e| e["event"] == "request.resumed").count(),
        1
    );
}

#[tokio::test]
async fn a_waiting_request_can_be_canceled_and_neither_approved_nor_denied() {
    let host = host_with_archive(false).await;
    let id = waiting_request(&host).await;
    for action in ["approve", "deny"] {
        let path = format!("/v1/privacy-requests/{id}/{action}");
        let refused = host.operator().post(&path, &json!({})).await;
        assert_eq!((refused.status, &refused.json["code"]), (409, &json!("illegal_transition")));
    }
    let path = format!("/v1/privacy-requests/{id}/cancel");
    assert_eq!(host.operator().post(&path, &json!({})).await.json["status"], "canceled");
}

#[tokio::test]
async fn a_form_is_served_as_a_json_schema_in_the_order_of_its_fields() {
    let host = host_with_archive(false).await;
    let fields = json!([
        { "pii_field": "Phone Number", "required": true },
        { "pii_field": "A scan", "types": ["file"] },
    ]);
    link(&host.operator(), POLICY, ARCHIVE, &json!({ "fields": fields })).await;
    let id = waiting_request(&host).await;
    let schema = forms(&host, &id).await[0]["schema"].clone();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(schema["type"], "object");
    let labels: Vec<_> = schema["properties"].as_object().unwrap().keys().collect();
    assert_eq!(labels, ["phone_number", "a_scan"]);
    let phone = json!({ "title": "Phone Number", "type": "string" });
    assert_eq!(schema["properties"]["phone_number"], phone);
    let scan = &schema["properties"]["a_scan"]["anyOf"][0];
    assert_eq!(scan["contentMediaType"], "application/octet-stream");
    assert_eq!(schema["anyOf"], json!([{ "maxProperties": 0 }, { "required": ["phone_number"] }]));
}
