//! Policies and their manual webhooks.

use serde_json::{Value, json};

use crate::host::Host;

async fn host_with_archive() -> Host {
    let host = Host::start().await;
    let archive = json!({
        "name": "Archive", "capabilities": ["privacy/access"], "mode": "live",
        "connector_type": "manual_webhook",
    });
    assert_eq!(host.post("/v1/connections", &archive).await.status, 201);
    host
}

#[tokio::test]
async fn a_fresh_tenant_has_a_policy_for_each_action_and_deleting_asks_for_approval() {
    let host = Host::start().await;
    let listed = host.get("/v1/policies").await;
    let mut keys: Vec<&str> = listed.json["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p["key"].as_str().unwrap())
        .collect();
    keys.sort_unstable();
    assert_eq!(keys, ["access", "delete", "identifiers", "optout"]);
    assert_eq!(host.get("/v1/policies/delete").await.json["requires_approval"], true);
    assert_eq!(host.get("/v1/policies/access").await.json["requires_approval"], false);
    let policy = json!({"name": "Both", "rules": [{"action": "access"}, {"action": "delete"}]});
    let created = host.post("/v1/policies", &policy).await;
    assert_eq!((created.status.as_u16(), created.header("location")), (201, "/v1/policies/both"));
    assert_eq!(created.json["requires_approval"], true);
}

#[tokio::test]
async fn all_problems_of_a_policy_are_reported_together() {
    let host = Host::start().await;
    let policy = json!({
        "name": "X",
        "rules": [
            {"action": "acces"},
            {"action": "delete", "destination": "nowhere"},
            {"action": "delete"},
        ],
        "connections": ["absent"],
        "on_error": "ignore",
    });
    let refused = host.post("/v1/policies", &policy).await;
    let mut errors = refused.errors();
    errors.sort_unstable();
    assert_eq!(
        errors,
        [
            ("duplicate", "/rules/2/action"),
            ("invalid_value", "/on_error"),
            ("unknown_action", "/rules/0/action"),
            ("unknown_connection", "/connections/0"),
            ("unknown_destination", "/rules/1/destination"),
        ]
    );
    let empty = host.post("/v1/policies", &json!({"key": "x", "rules": []})).await;
    assert_eq!(empty.errors(), [("empty", "/rules")]);
}

#[tokio::test]
async fn a_deadline_is_a_law_or_a_number_of_days() {
    let host = Host::start().await;
    let policy = json!({
        "key": "x", "rules": [{"action": "access"}], "deadline": 30, "retention_days": "30",
    });
    let refused = host.post("/v1/policies", &policy).await;
    let expected = [("wrong_type", "/deadline"), ("wrong_type", "/retention_days")];
    assert_eq!(refused.errors(), expected);
    let policy = json!({
        "key": "x", "rules": [{"action": "access"}], "deadline": {"days": 30}, "retention_days": 9,
    });
    let created = host.post("/v1/policies", &policy).await;
    assert_eq!(created.status, 201, "{}", created.json);
    assert_eq!(created.json["deadline"], json!({"days": 30}));
    assert_eq!(created.json["retention_days"], 9);
}

#[tokio::test]
async fn a_callback_that_nobody_could_sign_is_refused_with_the_remedy() {
    let host = Host::start().await;
    let submission = json!({"policy": "access", "identities": {"email": "p@x.com"}, "callback_url": "https://x"});
    let refused = host.post("/v1/privacy-requests", &submission).await;
    assert_eq!(refused.errors(), [("no_callback_secret", "/callback_url")]);
    assert!(refused.json["detail"].as_str().unwrap().contains("callback-secret"));
}

#[tokio::test]
async fn a_manual_webhook_gets_labels_and_is_one_per_connection() {
    let host = host_with_archive().await;
    let webhook = json!({"connection": "archive", "fields": [{"pii_field": "Home Phone"}]});
    let path = "/v1/policies/access/manual-webhooks";
    let created = host.post(path, &webhook).await;
    assert_eq!(created.status, 201, "{}", created.json);
    assert_eq!(created.header("location"), format!("{path}/archive"));
    assert_eq!(
        created.json["fields"],
        json!([{
            "pii_field": "Home Phone", "dsr_package_label": "home_phone", "types": ["string"],
            "required": false,
        }])
    );
    assert_eq!(host.post(path, &webhook).await.problem(), (409, "exists"));
    let elsewhere = host.post("/v1/policies/delete/manual-webhooks", &webhook).await;
    assert_eq!(elsewhere.problem(), (409, "exists"));
    let elsewhere = host.get("/v1/policies/delete/manual-webhooks/archive").await;
    assert_eq!(elsewhere.problem(), (404, "not_found"));
    let fields = json!({"fields": [{"pii_field": "Badge"}], "enabled": false});
    let replaced = host.put(&format!("{path}/archive"), &fields).await;
    assert_eq!((replaced.status.as_u16(), &replaced.json["enabled"]), (200, &json!(false)));
    assert_eq!(host.get(path).await.json["items"], json!([replaced.json]));
}

#[tokio::test]
async fn what_the_plugin_says_of_the_fields_is_reported_with_its_pointers() {
    let host = host_with_archive().await;
    let webhook = json!({
        "connection": "archive",
        "fields": [{"pii_field": "refused"}, {"pii_field": "Scan", "types": ["file"]}],
    });
    let refused = host.post("/v1/policies/access/manual-webhooks", &webhook).await;
    assert_eq!(refused.errors(), [("too_long", "/fields/0/pii_field")]);
}

#[tokio::test]
async fn a_manual_webhook_needs_a_connection_of_its_type() {
    let host = host_with_archive().await;
    let proxy = json!({
        "name": "Proxy", "capabilities": ["privacy/access"], "mode": "live",
        "connector_type": "APIProxy", "queries": {},
    });
    host.post("/v1/connections", &proxy).await;
    let path = "/v1/policies/access/manual-webhooks";
    let webhook =
        |connection: &str| json!({"connection": connection, "fields": [{"pii_field": "x"}]});
    let refused = host.post(path, &webhook("proxy")).await;
    assert_eq!(refused.errors(), [("wrong_connector_type", "/connection")]);
    let refused = host.post(path, &webhook("absent")).await;
    assert_eq!(refused.errors(), [("unknown_connection", "/connection")]);
    let secrets = host.put("/v1/connections/archive/secrets", &json!({"a": "b"})).await;
    assert_eq!(secrets.errors(), [("no_secrets", "")]);
}

#[tokio::test]
async fn what_is_in_use_is_not_removed() {
    let host = host_with_archive().await;
    let policy = json!({"key": "p", "rules": [{"action": "access"}], "connections": ["archive"]});
    assert_eq!(host.post("/v1/policies", &policy).await.status, 201);
    let webhook = json!({"connection": "archive", "fields": [{"pii_field": "x"}]});
    host.post("/v1/policies/p/manual-webhooks", &webhook).await;
    let refused = host.delete("/v1/connections/archive").await;
    assert_eq!(refused.problem(), (409, "in_use"));
    let detail = refused.json["detail"].as_str().unwrap();
    assert!(detail.contains("1 manual webhooks and 1 policies"), "{detail}");
    assert_eq!(host.delete("/v1/policies/p").await.problem(), (409, "in_use"));

    let submission = json!({"policy": "p", "identities": {"email": "p@x.com"}});
    let accepted = host.post("/v1/privacy-requests", &submission).await;
    assert_eq!(accepted.status, 202, "{}", accepted.json);
    assert_eq!(host.delete("/v1/policies/p/manual-webhooks/archive").await.status, 204);
    let refused = host.delete("/v1/policies/p").await;
    assert!(
        refused.json["detail"].as_str().unwrap().contains("1 open requests"),
        "{}",
        refused.json
    );
    let id = accepted.json["id"].as_str().unwrap();
    let canceled = host.post(&format!("/v1/privacy-requests/{id}/cancel"), &Value::Null).await;
    assert_eq!(canceled.json["status"], "canceled");
    assert_eq!(host.delete("/v1/policies/p").await.status, 204);
    assert_eq!(host.delete("/v1/connections/archive").await.status, 204);
}
