//! A tenant cannot see, change, or learn of what belongs to another.

use serde_json::json;

use crate::support::seed;

#[tokio::test]
async fn an_object_of_another_tenant_answers_byte_for_byte_like_an_absent_one() {
    let upstream = seed::upstream().await;
    let host = seed::connected_to(&upstream).await;
    let request = seed::complete(&host, "access").await;
    let id = request["id"].as_str().unwrap();
    let absent = "0192f0c1-2345-7000-8000-000000000000";
    let other = host.tenant("other").await;
    for (theirs, nothing) in [
        (format!("/v1/privacy-requests/{id}"), format!("/v1/privacy-requests/{absent}")),
        (
            format!("/v1/privacy-requests/{id}/events"),
            format!("/v1/privacy-requests/{absent}/events"),
        ),
        (
            format!("/v1/privacy-requests/{id}/package"),
            format!("/v1/privacy-requests/{absent}/package"),
        ),
        ("/v1/connections/user-service".to_owned(), "/v1/connections/absent".to_owned()),
    ] {
        let theirs = other.get(&theirs).await;
        let nothing = other.get(&nothing).await;
        assert_eq!(theirs.status, 404);
        assert_eq!(theirs.json, nothing.json);
    }
    let canceled = other.post(&format!("/v1/privacy-requests/{id}/cancel"), &json!({})).await;
    assert_eq!(canceled.status, 404);
    for list in ["/v1/connections", "/v1/privacy-requests"] {
        assert_eq!(other.get(list).await.json["items"], json!([]));
    }
}

#[tokio::test]
async fn a_tenants_key_does_only_what_its_scopes_say_and_nothing_of_the_operators() {
    let upstream = seed::upstream().await;
    let host = seed::connected_to(&upstream).await;
    let body = json!({ "name": "reader", "scopes": ["requests:read"] });
    let made = host.operator().post("/v1/tenants/default/api-keys", &body).await;
    assert_eq!(made.status, 201, "{}", made.json);
    let reader = host.client(Some(made.json["key"].as_str().unwrap()));
    assert_eq!(reader.get("/v1/privacy-requests").await.status, 200);
    let submission = json!({ "policy": "access", "identities": { "email": seed::EMAIL } });
    for refused in [
        reader.post("/v1/privacy-requests", &submission).await,
        reader.get("/v1/connections").await,
        reader.get("/v1/tenants").await,
        reader.get("/metrics").await,
        reader.post("/v1/tenants", &json!({ "name": "mine" })).await,
    ] {
        assert_eq!(refused.status, 403, "{}", refused.json);
    }
    let keys = host.operator().get("/v1/tenants/default/api-keys").await;
    assert!(!keys.json.to_string().contains(made.json["key"].as_str().unwrap()), "shown once");

    let id = made.json["id"].as_str().unwrap();
    assert_eq!(
        host.operator().delete(&format!("/v1/tenants/default/api-keys/{id}")).await.status,
        204
    );
    assert_eq!(reader.get("/v1/privacy-requests").await.status, 401);
}

#[tokio::test]
async fn an_operator_names_the_tenant_as_soon_as_there_are_two() {
    let host = crate::support::test_host::TestHost::start().await;
    assert_eq!(host.operator().get("/v1/connections").await.status, 200);
    host.tenant("second").await;
    let unnamed = host.operator_without_tenant().get("/v1/connections").await;
    assert_eq!((unnamed.status, &unnamed.json["code"]), (400, &json!("tenant_required")));
}

#[tokio::test]
async fn an_object_that_was_changed_since_it_was_read_is_not_overwritten() {
    let upstream = seed::upstream().await;
    let host = seed::connected_to(&upstream).await;
    let operator = host.operator();
    let read = operator.get("/v1/connections/user-service").await;
    let etag = read.header("etag").unwrap().to_owned();
    let patch = json!({ "description": "one" });
    let path = "/v1/connections/user-service";
    let first = operator.patch_with(path, &[("If-Match", &etag)], &patch).await;
    assert_eq!(first.status, 200, "{}", first.json);
    let second = operator.patch_with(path, &[("If-Match", &etag)], &patch).await;
    assert_eq!(second.status, 412, "{}", second.json);
}
