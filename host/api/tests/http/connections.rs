//! Connections and their secrets.

use serde_json::{Value, json};

use crate::host::Host;

fn connection() -> Value {
    json!({
        "name": "User Service",
        "uuid": "44d9e703-b8cf-40a8-a138-3cc110319b0d",
        "capabilities": ["privacy/access"],
        "mode": "live",
        "connector_type": "APIProxy",
        "queries": {"access": [{"names": ["email", "credentials"]}]},
        "credentials_location": "arn:aws:secretsmanager:Region:AccountId:secret:x",
    })
}

fn with(changes: Value) -> Value {
    let mut object = connection();
    for (name, value) in changes.as_object().unwrap() {
        object[name] = value.clone();
    }
    object
}

#[tokio::test]
async fn a_connection_is_created_under_the_key_of_its_name_and_found_by_key_and_uuid() {
    let host = Host::start().await;
    let created = host.post("/v1/connections", &connection()).await;
    assert_eq!(created.status, 201, "{}", created.json);
    assert_eq!(created.header("location"), "/v1/connections/user-service");
    assert_eq!(created.header("etag"), "\"1\"");
    assert_eq!(created.json["connector_type"], "api_proxy");
    assert_eq!(created.json["enabled"], true);
    assert_eq!(created.json["credentials_source"], "none");
    assert_eq!(created.json["queries"], connection()["queries"]);
    let by_uuid = host.get("/v1/connections/44d9e703-b8cf-40a8-a138-3cc110319b0d").await;
    let by_key = host.get("/v1/connections/user-service").await;
    assert_eq!((by_uuid.json, by_key.json.clone()), (by_key.json, created.json));
}

#[tokio::test]
async fn what_the_plan_needs_is_granted_and_identities_are_no_secrets() {
    let host = Host::start().await;
    let created = host.post("/v1/connections", &connection()).await;
    assert_eq!(created.json["grants"]["http"][0]["origin"], "https://api.acme.com");
    let secrets = created.json["grants"]["secrets"].as_array().unwrap();
    assert_eq!(secrets.len(), 1);
    assert_eq!(secrets[0]["name"], "credentials");
    assert_eq!(secrets[0]["places"], json!(["header"]));
}

#[tokio::test]
async fn problems_of_the_object_and_of_its_queries_are_reported_together_and_nothing_is_stored() {
    let host = Host::start().await;
    let object = with(json!({
        "name": "",
        "uuid": "44d9e703-b8cf-10a8-a138-3cc110319b0d",
        "capabilities": ["privacy/acces"],
        "mode": "alive",
        "capabilites": [],
        "ca_bundle": "",
        "job_timeout_seconds": 0,
        "queries": {"access": [{"broken": true}]},
    }));
    let refused = host.post("/v1/connections", &object).await;
    assert_eq!(refused.problem(), (422, "invalid"));
    let mut errors = refused.errors();
    errors.sort_unstable();
    assert_eq!(
        errors,
        [
            ("empty", "/name"),
            ("invalid_ca_bundle", "/ca_bundle"),
            ("invalid_key", "/key"),
            ("invalid_mode", "/mode"),
            ("invalid_template", "/queries/access/0/url"),
            ("invalid_uuid", "/uuid"),
            ("out_of_range", "/job_timeout_seconds"),
            ("unknown_capability", "/capabilities/0"),
            ("unknown_field", "/capabilites"),
        ]
    );
    assert!(refused.json.to_string().contains("did you mean capabilities"));
    assert_eq!(host.get("/v1/connections").await.json["items"], json!([]));
}

#[tokio::test]
async fn an_unknown_type_is_told_the_nearest_one() {
    let host = Host::start().await;
    let refused = host.post("/v1/connections", &with(json!({"connector_type": "api_prox"}))).await;
    assert_eq!(refused.errors(), [("unknown_connector_type", "/connector_type")]);
    assert!(refused.json["detail"].as_str().unwrap().contains("api_proxy"));
}

#[tokio::test]
async fn a_key_or_uuid_that_is_taken_is_a_conflict() {
    let host = Host::start().await;
    host.post("/v1/connections", &connection()).await;
    let same_key = with(json!({"uuid": "0b7c9a52-1f5e-4b57-8d3c-2f6d1c1f0a01"}));
    assert_eq!(host.post("/v1/connections", &same_key).await.problem(), (409, "exists"));
    let same_uuid = with(json!({"name": "Other"}));
    assert_eq!(host.post("/v1/connections", &same_uuid).await.problem(), (409, "exists"));
}

#[tokio::test]
async fn a_write_that_expects_another_revision_is_refused() {
    let host = Host::start().await;
    let path = "/v1/connections/user-service";
    let if_match = |revision: &'static str| [("if-match", revision)];
    let absent = host.call("PUT", path, &if_match("\"1\""), &connection()).await;
    assert_eq!(absent.problem(), (412, "precondition_failed"));
    assert_eq!(host.put(path, &connection()).await.status, 201);
    let renamed = with(json!({"name": "Renamed"}));
    let replaced = host.call("PUT", path, &if_match("\"1\""), &renamed).await;
    assert_eq!((replaced.status.as_u16(), replaced.header("etag")), (200, "\"2\""));
    for (method, body) in [("PUT", connection()), ("PATCH", json!({})), ("DELETE", Value::Null)] {
        let stale = host.call(method, path, &if_match("\"1\""), &body).await;
        assert_eq!(stale.problem(), (412, "precondition_failed"), "{method}");
    }
    assert_eq!(host.call("DELETE", path, &if_match("\"2\""), &Value::Null).await.status, 204);
    assert_eq!(host.get(path).await.problem(), (404, "not_found"));
}

#[tokio::test]
async fn a_patch_changes_what_it_names_and_what_comes_out_is_checked_whole() {
    let host = Host::start().await;
    let path = "/v1/connections/user-service";
    host.put(path, &connection()).await;
    let patched =
        host.patch(path, &json!({"description": "x", "credentials_location": null})).await;
    assert_eq!(patched.status, 200, "{}", patched.json);
    assert_eq!(patched.json["description"], "x");
    assert_eq!(patched.json["credentials_source"], "none");
    let refused = host.patch(path, &json!({"mode": null, "key": "other"})).await;
    assert_eq!(refused.errors(), [("missing_field", "/mode"), ("immutable", "/key")]);
    let refused = host.patch(path, &json!({"connector_type": "manual_webhook"})).await;
    assert_eq!(refused.errors(), [("immutable", "/connector_type")]);
}

#[tokio::test]
async fn secrets_are_answered_by_name_only_and_never_shown() {
    let host = Host::start().await;
    let path = "/v1/connections/user-service";
    let created = host.put(path, &connection()).await;
    let codes = |json: &Value| -> Vec<String> {
        let problems = json["problems"].as_array().unwrap();
        problems.iter().map(|p| p["code"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(codes(&created.json), ["credentials_unavailable", "unknown_placeholder"]);
    let stored = host
        .put(&format!("{path}/secrets"), &json!({"credentials": "hunter2-hunter2", "pin": 12.50}))
        .await;
    assert_eq!(stored.status, 200, "{}", stored.json);
    assert_eq!(stored.json["names"], json!(["credentials", "pin"]));
    assert_eq!(codes(&stored.json), Vec::<String>::new());
    let shown = host.get(path).await;
    assert_eq!(shown.json["credentials_source"], "vault");
    assert_eq!(shown.header("etag"), stored.header("etag"));
    assert!(!format!("{} {}", stored.json, shown.json).contains("hunter2"));
}

#[tokio::test]
async fn secrets_that_lack_a_name_or_share_one_with_an_identity_are_refused() {
    let host = Host::start().await;
    let path = "/v1/connections/user-service/secrets";
    host.put("/v1/connections/user-service", &connection()).await;
    let refused = host.put(path, &json!({"credentails": "hunter2-hunter2"})).await;
    assert_eq!(refused.errors(), [("unknown_placeholder", "/queries/access/0")]);
    let refused = host.put(path, &json!({"credentials": "hunter2-hunter2", "email": "x"})).await;
    assert_eq!(refused.errors(), [("ambiguous_placeholder", "/queries/access/0")]);
    let wrong = json!({"credentials": ["hunter2-hunter2"], "a b": "x", "empty": ""});
    let refused = host.put(path, &wrong).await;
    assert_eq!(
        refused.errors(),
        [("wrong_type", "/credentials"), ("invalid_name", "/a b"), ("invalid_length", "/empty")]
    );
    assert!(!refused.json.to_string().contains("hunter2"));
    let shown = host.get("/v1/connections/user-service").await;
    assert_eq!(shown.json["credentials_source"], "none", "nothing was stored");
}

#[tokio::test]
async fn once_secrets_are_stored_a_template_that_names_none_of_them_is_refused() {
    let host = Host::start().await;
    let path = "/v1/connections/user-service";
    host.put(path, &connection()).await;
    host.put(&format!("{path}/secrets"), &json!({"credentials": "x"})).await;
    let other = with(json!({"queries": {"access": [{"names": ["token"]}]}}));
    let refused = host.put(path, &other).await;
    assert_eq!(refused.errors(), [("unknown_placeholder", "/queries/access/0")]);
}

#[tokio::test]
async fn the_result_of_a_test_is_kept_until_the_configuration_changes() {
    let host = Host::start().await;
    let path = "/v1/connections/user-service";
    host.put(path, &with(json!({"enabled": false}))).await;
    let tested = host.post(&format!("{path}/test"), &Value::Null).await;
    assert_eq!(tested.status, 200, "{}", tested.json);
    assert_eq!(tested.json["healthy"], true);
    assert_eq!(tested.json["queries"][0]["outcome"], "success");
    assert_eq!(host.get(path).await.json["last_test"], tested.json);
    let enabled = host.patch(path, &json!({"enabled": true})).await;
    assert_eq!(enabled.json["last_test"], tested.json);
    let queries = json!({"queries": {"access": [{"names": ["email"]}]}});
    assert_eq!(host.patch(path, &queries).await.json["last_test"], Value::Null);
}

#[tokio::test]
async fn kinds_of_connection_are_found_by_category_and_by_any_part_of_their_words() {
    let host = Host::start().await;
    let types = async |query: &str| {
        let listed = host.get(&format!("/v1/connection-types{query}")).await;
        let items = listed.json["items"].as_array().unwrap().clone();
        let of = |item: &Value| item["connector_type"].as_str().unwrap().to_owned();
        items.iter().map(of).collect::<Vec<_>>()
    };
    assert_eq!(types("").await, ["api_proxy", "manual_webhook"]);
    assert_eq!(types("?category=manual").await, ["manual_webhook"]);
    assert_eq!(types("?search=PROXY").await, ["api_proxy"]);
    assert_eq!(types("?category=manual&search=proxy").await, Vec::<String>::new());
}
