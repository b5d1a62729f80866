//! API keys: what each may do, for whom, and for how long.

mod matrix;
mod operations;
mod world;

use std::sync::Arc;
use std::time::Duration;

use cordon_cli::clock::SystemClock;
use cordon_model::PluginDigest;
use cordon_model::port::Clock as _;
use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::manual_clock::ManualClock;
use crate::support::seed;
use crate::support::test_host::TestHost;

/// Makes a key of the tenant `default`; what the host answers.
async fn make(by: &Client, name: &str, scopes: &[&str], expires_at: Option<String>) -> Value {
    let body = json!({ "name": name, "scopes": scopes, "expires_at": expires_at });
    let made = by.post("/v1/tenants/default/api-keys", &body).await;
    assert_eq!(made.status, 201, "{}", made.json);
    made.json
}

#[tokio::test]
async fn a_key_is_good_until_it_expires_and_not_for_a_second_more() {
    let clock = Arc::new(ManualClock::default());
    let host = TestHost::start_at(clock.clone(), |_| ()).await;
    let operator = host.operator();
    let in_an_hour = SystemClock.now() + Duration::from_hours(1);
    let made = make(&operator, "short", &["policies:read"], Some(in_an_hour.to_string())).await;
    assert_eq!(made["expires_at"], in_an_hour.to_string());
    let short = host.client(made["key"].as_str());
    assert_eq!(short.get("/v1/policies").await.status, 200);
    clock.advance(Duration::from_hours(1));
    let late = short.get("/v1/policies").await;
    assert_eq!((late.status, &late.json["code"]), (401, &json!("unauthenticated")));
    let unknown = host.client(Some("cordon_nobody")).get("/v1/policies").await;
    assert_eq!(late.json, unknown.json, "an expired key is told nothing more than a stranger");

    let body = json!({ "name": "late", "scopes": ["policies:read"], "expires_at": "2020-01-01T00:00:00Z" });
    let refused = operator.post("/v1/tenants/default/api-keys", &body).await;
    assert_eq!(refused.json["errors"][0]["code"], "in_the_past", "{}", refused.json);
}

#[tokio::test]
async fn nobody_makes_a_key_that_may_do_more_than_his_own_or_belongs_to_another_tenant() {
    let host = TestHost::start().await;
    host.tenant("other").await;
    let operator = host.operator();
    let made = make(&operator, "admin", &["tenants:read", "tenants:write"], None).await;
    let admin = host.client(made["key"].as_str());
    let body = json!({ "name": "more", "scopes": ["tenants:read", "requests:read"] });
    let refused = admin.post("/v1/tenants/default/api-keys", &body).await;
    assert_eq!(refused.status, 422);
    let error = &refused.json["errors"][0];
    assert_eq!(
        (&error["pointer"], &error["code"]),
        (&json!("/scopes/1"), &json!("scope_not_held"))
    );
    let same = make(&admin, "same", &["tenants:read", "tenants:write"], None).await;
    let same = host.client(same["key"].as_str());
    assert_eq!(same.get("/v1/tenants/default").await.status, 200);

    let body = json!({ "name": "theirs", "scopes": ["tenants:read"] });
    let theirs = admin.post("/v1/tenants/other/api-keys", &body).await;
    let nobodys = admin.post("/v1/tenants/nobody/api-keys", &body).await;
    assert_eq!((theirs.status, &theirs.json), (404, &nobodys.json));
    for tenant in ["other", "nobody"] {
        let named = [("Cordon-Tenant", tenant)];
        let refused = admin.call("GET", "/v1/policies", &named, None).await;
        assert_eq!(refused.status, 403, "{tenant}: the scope is looked at first");
    }
}

#[tokio::test]
async fn a_key_is_shown_once_and_nothing_that_is_stored_holds_it() {
    let mut host = TestHost::start().await;
    let made = make(&host.operator(), "reader", &["policies:read"], None).await;
    let key = made["key"].as_str().unwrap().to_owned();
    let list = host.operator().get("/v1/tenants/default/api-keys").await.json;
    assert!(!list.to_string().contains(&key));
    assert_eq!(list["items"][0]["id"], made["id"]);
    host.restart().await;
    assert_eq!(host.client(Some(&key)).get("/v1/policies").await.status, 200, "it is durable");
    host.stop().await;
    let random = key.strip_prefix("cordon_").unwrap().as_bytes();
    let holds = |bytes: &[u8]| bytes.windows(random.len()).any(|window| window == random);
    assert!(host.stored_files().iter().all(|(_, bytes)| !holds(bytes)));
}

/// The SHA-256 of a key, as the configuration gives it.
fn hash(key: &str) -> Option<[u8; 32]> {
    let digest = PluginDigest::of(key.as_bytes()).to_string();
    Some(hex::decode(digest).unwrap().try_into().unwrap())
}

#[tokio::test]
async fn the_key_of_the_configuration_is_the_operators_only_one() {
    let mut host = TestHost::start().await;
    let generated = host.operator_without_tenant();
    assert_eq!(generated.get("/v1/tenants").await.status, 200);
    let generated_key = generated.key().to_owned();
    let status =
        async |host: &TestHost, key: &str| host.client(Some(key)).get("/v1/tenants").await.status;

    host.restart_configured(|config| config.operator_key_hash = hash("cordon_one")).await;
    assert_eq!(status(&host, "cordon_one").await, 200);
    assert_eq!(status(&host, &generated_key).await, 401, "the one of the first start is replaced");

    host.restart_configured(|config| config.operator_key_hash = hash("cordon_two")).await;
    assert_eq!(status(&host, "cordon_two").await, 200);
    assert_eq!(status(&host, "cordon_one").await, 401);

    host.restart_configured(|config| config.operator_key_hash = None).await;
    for gone in ["cordon_one", "cordon_two", &generated_key] {
        assert_eq!(status(&host, gone).await, 401, "and none comes back");
    }
    let operator = host.operator_without_tenant();
    assert_eq!(operator.get("/v1/tenants").await.status, 200, "a new one was made");
    let ledger = operator.get("/v1/audit?ledger=host").await.json;
    let words: Vec<&str> =
        ledger["items"].as_array().unwrap().iter().map(|e| e["event"].as_str().unwrap()).collect();
    let expected = ["operator_key.created", "operator_key.deleted", "operator_key.created"];
    assert_eq!(words, expected);
}

#[tokio::test]
async fn what_the_configured_operator_does_stands_in_the_ledger_under_his_name() {
    let mut host = TestHost::start().await;
    host.restart_configured(|config| config.operator_key_hash = hash("cordon_one")).await;
    let operator = host.client(Some("cordon_one"));
    let policy = json!({ "key": "mine", "rules": [{ "action": "access" }] });
    assert_eq!(operator.post("/v1/policies", &policy).await.status, 201);
    let ledger = operator.get("/v1/audit?event=policy.created").await.json;
    assert_eq!(ledger["items"][0]["actor"]["name"], "operator (configuration)");
}

#[tokio::test]
async fn a_suspended_tenants_keys_are_refused_and_the_operator_looks_after_it() {
    let host = TestHost::start().await;
    let upstream = seed::upstream().await;
    let tenant = host.tenant("other").await;
    let created = tenant.post("/v1/connections", &seed::connection(&upstream)).await;
    assert_eq!(created.status, 201, "{}", created.json);
    let operator = host.operator_without_tenant();
    let suspend = json!({ "suspended": true });
    assert_eq!(operator.patch_with("/v1/tenants/other", &[], &suspend).await.status, 200);
    let refused = tenant.get("/v1/connections").await;
    assert_eq!((refused.status, &refused.json["code"]), (403, &json!("tenant_suspended")));
    let named = [("Cordon-Tenant", "other")];
    assert_eq!(operator.call("GET", "/v1/connections", &named, None).await.status, 200);
    let resume = json!({ "suspended": false });
    assert_eq!(operator.patch_with("/v1/tenants/other", &[], &resume).await.status, 200);
    assert_eq!(tenant.get("/v1/connections").await.status, 200);
}
