//! Whatever is wrong with an input is said at once, with its place, and nothing of it is stored.

use serde_json::{Value, json};

use crate::support::seed;
use crate::support::test_host::{Response, TestHost};

fn pointers(response: &Response) -> Vec<&str> {
    let errors = response.json["errors"].as_array().expect("a list of errors");
    errors.iter().map(|error| error["pointer"].as_str().unwrap()).collect()
}

async fn connections(host: &TestHost) -> usize {
    let listed = host.operator().get("/v1/connections").await;
    listed.json["items"].as_array().unwrap().len()
}

#[tokio::test]
async fn all_problems_of_a_connection_are_reported_together_and_nothing_is_stored() {
    let upstream = seed::upstream().await;
    let host = TestHost::start().await;
    let mut connection = seed::connection(&upstream);
    connection["uuid"] = json!("not-a-uuid");
    connection["capabilities"] = json!(["privacy/acces"]);
    connection["queries"]["test"][0]["verb"] = json!("TRACE");
    connection["queries"]["access"][0]["url"] = json!("https://api.acme.com/{email");
    connection["queries"]["access"][0]["valid_response_codes"] = json!([99]);
    connection["queries"]["delete"][0]["verify_ssl"] = json!("maybe");
    connection["queries"]["optout"][0]["headres"] = json!({});
    let refused = host.operator().post("/v1/connections", &connection).await;
    assert_eq!(refused.status, 422, "{}", refused.json);
    assert_eq!(refused.header("content-type"), Some("application/problem+json"));
    let pointers = pointers(&refused);
    for pointer in [
        "/uuid",
        "/capabilities/0",
        "/queries/test/0/verb",
        "/queries/access/0/url",
        "/queries/access/0/valid_response_codes/0",
        "/queries/delete/0/verify_ssl",
        "/queries/optout/0/headres",
    ] {
        assert!(pointers.contains(&pointer), "{pointer} is not among {pointers:?}");
    }
    let text = refused.json.to_string();
    assert!(text.contains("headers"), "the nearest known name is named: {text}");
    assert_eq!(connections(&host).await, 0);
}

#[tokio::test]
async fn a_malformed_template_is_refused_with_its_column() {
    let upstream = seed::upstream().await;
    let host = TestHost::start().await;
    let mut connection = seed::connection(&upstream);
    connection["queries"]["access"][0]["url"] =
        json!(format!("{}/v0/users?email={{a!r}}", upstream.url("")));
    let refused = host.operator().post("/v1/connections", &connection).await;
    assert_eq!(refused.status, 422);
    let error = &refused.json["errors"][0];
    assert_eq!(error["pointer"], "/queries/access/0/url", "{}", refused.json);
    assert!(error["column"].as_u64().is_some(), "{error}");
}

#[tokio::test]
async fn malformed_json_unknown_fields_and_wrong_types_are_problems_with_a_place() {
    let host = TestHost::start().await;
    let operator = host.operator();
    let malformed =
        operator.post_bytes("/v1/policies", "application/json", b"{\"name\": oops}").await;
    assert_eq!((malformed.status, &malformed.json["code"]), (400, &json!("malformed_json")));

    let unknown = json!({ "name": "x", "rules": [{ "action": "access" }], "auto_resum": true });
    let unknown = operator.post("/v1/policies", &unknown).await;
    assert_eq!(unknown.status, 422);
    assert!(unknown.json.to_string().contains("auto_resum"));

    let wrong = json!({ "name": "x", "rules": [{ "action": 7 }] });
    let wrong = operator.post("/v1/policies", &wrong).await;
    assert_eq!(wrong.status, 422);
    assert!(pointers(&wrong).contains(&"/rules/0/action"), "{}", wrong.json);
}

#[tokio::test]
async fn a_request_with_an_unknown_policy_kind_or_a_value_that_could_mislead_is_refused() {
    let upstream = seed::upstream().await;
    let host = seed::connected_to(&upstream).await;
    let body = json!({
        "policy": "acces",
        "identities": { "shoe_size": "44", "email": " p@x.example", "user_id": "" },
    });
    let refused = host.operator().post("/v1/privacy-requests", &body).await;
    assert_eq!(refused.status, 422, "{}", refused.json);
    let mut places = pointers(&refused);
    places.sort_unstable();
    assert_eq!(
        places,
        ["/identities/email", "/identities/shoe_size", "/identities/user_id", "/policy"]
    );
    assert!(!refused.json.to_string().contains("p@x.example"));
    let listed = host.operator().get("/v1/privacy-requests").await;
    assert_eq!(listed.json["items"], json!([]));
}

#[tokio::test]
async fn a_request_that_nothing_serves_is_refused_at_submission() {
    let host = TestHost::start().await;
    let body = json!({ "policy": "access", "identities": { "email": seed::EMAIL } });
    let refused = host.operator().post("/v1/privacy-requests", &body).await;
    assert_eq!((refused.status, &refused.json["code"]), (409, &json!("rule_unserved")));
    assert!(refused.json["detail"].as_str().unwrap().contains("access"));
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let host = TestHost::start().await;
    let body = vec![b' '; 9 * 1024 * 1024];
    let refused = host.operator().post_bytes("/v1/policies", "application/json", &body).await;
    assert_eq!((refused.status, &refused.json["code"]), (413, &json!("body_too_large")));
}

#[tokio::test]
async fn nothing_but_health_and_the_document_answers_without_a_key() {
    let host = TestHost::start().await;
    let nobody = host.client(None);
    assert_eq!(nobody.get("/healthz").await.status, 200);
    assert_eq!(nobody.get("/readyz").await.status, 200);
    let document = nobody.get("/openapi.json").await;
    assert_eq!(document.status, 200);
    let mut tried = 0;
    for (path, methods) in document.json["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            if ["/healthz", "/readyz", "/openapi.json"].contains(&path.as_str()) {
                continue;
            }
            let path = path.replace(['{', '}'], "");
            for client in [&nobody, &host.client(Some("cordon_wrong"))] {
                let refused = client.send(&method.to_uppercase(), &path, Some(&json!({}))).await;
                assert_eq!(
                    (refused.status, &refused.json["code"]),
                    (401, &json!("unauthenticated")),
                    "{method} {path}"
                );
            }
            tried += 1;
        }
    }
    assert!(tried > 30, "{tried} operations are documented");
}

#[tokio::test]
async fn the_same_idempotency_key_gives_the_same_answer_once() {
    let upstream = seed::upstream().await;
    let host = seed::connected_to(&upstream).await;
    let body = json!({ "policy": "access", "identities": { "email": seed::EMAIL } });
    let headers = [("Idempotency-Key", "k-1")];
    let path = "/v1/privacy-requests";
    let first = host.operator().post_with(path, &headers, &body).await;
    let second = host.operator().post_with(path, &headers, &body).await;
    assert_eq!((first.status, second.status), (202, 202));
    assert_eq!(first.json["id"], second.json["id"]);
    let other: Value = json!({ "policy": "access", "identities": { "email": "other@x.example" } });
    let mismatch = host.operator().post_with(path, &headers, &other).await;
    assert_eq!(mismatch.status, 422, "{}", mismatch.json);
    let listed = host.operator().get(path).await;
    assert_eq!(listed.json["items"].as_array().unwrap().len(), 1);
}
