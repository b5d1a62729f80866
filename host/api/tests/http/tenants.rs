//! Tenants, keys, and the first start.

use std::time::Duration;

use cordon_model::Secret;
use serde_json::{Value, json};

use crate::host::Host;

#[tokio::test]
async fn a_second_start_makes_nothing() {
    let host = Host::start().await;
    let keep = |_: &Secret| -> Result<(), cordon_engine::Error> { panic!("a second key") };
    host.services.first_start(keep).await.unwrap();
    assert_eq!(host.get("/v1/tenants").await.json["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_key_that_could_not_be_kept_is_not_stored_and_the_next_start_makes_another() {
    let host = Host::unstarted();
    let fails = |_: &Secret| Err(cordon_engine::Error::Unavailable("no disk".to_owned()));
    assert!(host.services.first_start(fails).await.is_err());
    let mut made = 0;
    let keep = |_: &Secret| -> Result<(), cordon_engine::Error> {
        made += 1;
        Ok(())
    };
    host.services.first_start(keep).await.unwrap();
    assert_eq!(made, 1);
}

#[tokio::test]
async fn a_single_company_never_names_a_tenant() {
    let host = Host::start().await;
    assert_eq!(host.get("/v1/connections").await.status, 200);
    assert_eq!(host.post("/v1/tenants", &json!({"name": "acme"})).await.status, 201);
    assert_eq!(host.get("/v1/connections").await.problem(), (400, "tenant_required"));
    let named = [("cordon-tenant", "acme")];
    assert_eq!(host.call("GET", "/v1/policies", &named, &Value::Null).await.status, 200);
    let absent = [("cordon-tenant", "nobody")];
    let absent = host.call("GET", "/v1/policies", &absent, &Value::Null).await;
    assert_eq!(absent.problem(), (404, "not_found"));
}

#[tokio::test]
async fn a_tenant_is_created_with_its_own_kinds_and_changed_by_a_merge_patch() {
    let host = Host::start().await;
    let body = json!({"name": "acme", "identity_kinds": ["loyalty_id"], "limits": {"job_timeout_seconds": 60}});
    let created = host.post("/v1/tenants", &body).await;
    assert_eq!(created.status, 201, "{}", created.json);
    let kinds = json!(["email", "loyalty_id", "phone_number", "primary_phone_number", "user_id"]);
    assert_eq!(created.json["identity_kinds"], kinds);
    let patch = json!({"display_name": "Acme", "limits": null, "identity_kinds": ["email"]});
    let patched = host.patch("/v1/tenants/acme", &patch).await;
    assert_eq!(patched.status, 200, "{}", patched.json);
    assert_eq!(patched.json["limits"]["job_timeout_seconds"], Value::Null);
    assert_eq!(patched.json["effective_limits"]["job_timeout_seconds"], 300);
    assert_eq!(patched.json["identity_kinds"], json!(["email"]));
    let refused = host.post("/v1/tenants", &json!({"name": "A B", "identity_kinds": ["E"]})).await;
    assert_eq!(refused.errors(), [("invalid_key", "/name"), ("invalid_kind", "/identity_kinds/0")]);
    assert_eq!(host.post("/v1/tenants", &json!({"name": "acme"})).await.problem(), (409, "exists"));
}

#[tokio::test]
async fn what_a_tenant_may_reach_is_checked_shown_and_changed_member_by_member() {
    let host = Host::start().await;
    let unlimited = host.post("/v1/tenants", &json!({"name": "free"})).await;
    assert_eq!(unlimited.json["egress"], json!({"allow": null, "deny": []}));
    assert_eq!(unlimited.json["webhook_hosts"], json!([]));
    let body = json!({
        "name": "acme",
        "egress": {"allow": ["https://*.acme.com"], "deny": ["https://hr.acme.com"]},
        "webhook_hosts": ["hooks.acme.com", "*.hooks.acme.com"],
    });
    let created = host.post("/v1/tenants", &body).await;
    assert_eq!(created.status, 201, "{}", created.json);
    assert_eq!(created.json["egress"], body["egress"]);
    let patch = json!({"egress": {"deny": null}, "webhook_hosts": null});
    let patched = host.patch("/v1/tenants/acme", &patch).await;
    assert_eq!(patched.json["egress"], json!({"allow": ["https://*.acme.com"], "deny": []}));
    assert_eq!(patched.json["webhook_hosts"], json!([]));
    let patched = host.patch("/v1/tenants/acme", &json!({"egress": null})).await;
    assert_eq!(patched.json["egress"], json!({"allow": null, "deny": []}));
    let wrong = json!({"egress": {"allow": ["acme.com"]}, "webhook_hosts": ["*.github.io"]});
    let refused = host.patch("/v1/tenants/acme", &wrong).await;
    assert_eq!(
        refused.errors(),
        [("invalid_scheme", "/egress/allow/0"), ("wildcard_too_wide", "/webhook_hosts/0")]
    );
}

#[tokio::test]
async fn a_key_reaches_its_own_tenant_with_its_own_scopes_until_it_expires_or_is_revoked() {
    let host = Host::start().await;
    host.post("/v1/tenants", &json!({"name": "acme"})).await;
    let body = json!({
        "name": "ci", "scopes": ["policies:read", "tenants:write", "tenants:read"],
        "expires_at": "2027-02-01T00:00:00Z",
    });
    let made = host.post("/v1/tenants/acme/api-keys", &body).await;
    assert_eq!(made.status, 201, "{}", made.json);
    let key = made.json["key"].as_str().unwrap().to_owned();
    let call = async |method: &str, path: &str, headers: &[(&str, &str)], body: Value| {
        host.call_as(&key, method, path, headers, &body).await
    };
    assert_eq!(call("GET", "/v1/policies", &[], Value::Null).await.status, 200);
    let own = [("cordon-tenant", "acme")];
    assert_eq!(call("GET", "/v1/policies", &own, Value::Null).await.status, 200);
    let other = [("cordon-tenant", "default")];
    let other = call("GET", "/v1/policies", &other, Value::Null).await;
    assert_eq!(other.problem(), (404, "not_found"));
    assert_eq!(call("GET", "/v1/tenants/acme", &[], Value::Null).await.status, 200);
    let other = call("GET", "/v1/tenants/default", &[], Value::Null).await;
    assert_eq!(other.problem(), (404, "not_found"));
    let missing = call("GET", "/v1/connections", &[], Value::Null).await;
    assert_eq!(missing.problem(), (403, "forbidden"));
    assert_eq!(
        call("GET", "/v1/tenants", &[], Value::Null).await.problem(),
        (403, "operator_only")
    );
    let more = json!({"name": "more", "scopes": ["requests:write"]});
    let more = call("POST", "/v1/tenants/acme/api-keys", &[], more).await;
    assert_eq!(more.errors(), [("scope_not_held", "/scopes/0")]);

    host.patch("/v1/tenants/acme", &json!({"suspended": true})).await;
    let suspended = call("GET", "/v1/policies", &[], Value::Null).await;
    assert_eq!(suspended.problem(), (403, "tenant_suspended"));
    host.patch("/v1/tenants/acme", &json!({"suspended": null})).await;
    assert_eq!(call("GET", "/v1/policies", &[], Value::Null).await.status, 200);
    host.advance(Duration::from_hours(12));
    let expired = call("GET", "/v1/policies", &[], Value::Null).await;
    assert_eq!(expired.problem(), (401, "unauthenticated"));
}

#[tokio::test]
async fn a_revoked_key_and_the_key_of_another_tenant_are_not_found() {
    let host = Host::start().await;
    host.post("/v1/tenants", &json!({"name": "acme"})).await;
    let body = json!({"name": "ci", "scopes": ["policies:read"]});
    let made = host.post("/v1/tenants/acme/api-keys", &body).await;
    let id = made.json["id"].as_str().unwrap();
    let elsewhere = host.delete(&format!("/v1/tenants/default/api-keys/{id}")).await;
    assert_eq!(elsewhere.problem(), (404, "not_found"));
    let path = format!("/v1/tenants/acme/api-keys/{id}");
    assert_eq!(host.delete(&path).await.status, 204);
    assert_eq!(host.delete(&path).await.problem(), (404, "not_found"));
    let wrong = json!({"name": "ci", "scopes": [], "expires_at": "2020-01-01T00:00:00Z"});
    let refused = host.post("/v1/tenants/acme/api-keys", &wrong).await;
    assert_eq!(refused.errors(), [("empty", "/scopes"), ("in_the_past", "/expires_at")]);
}
