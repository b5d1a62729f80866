//! Identifiers: requests for them, and rounds before the other stages.

use serde_json::json;

use crate::support::package::Bundle;
use crate::support::seed;
use crate::support::test_host::TestHost;
use crate::support::upstream::Reply;

#[tokio::test]
async fn an_identifiers_request_ends_with_its_findings_in_the_package() {
    let upstream = seed::upstream().await;
    let host = seed::connected_to(&upstream).await;
    let request = seed::complete(&host, "identifiers").await;
    let bundle = Bundle::of(&host, request["id"].as_str().unwrap()).await;
    let found = bundle.json("identities.json");
    assert_eq!(found[0]["value"], seed::PHONE, "{found}");
    assert_eq!(found[0]["kind"], "primary_phone_number");
    assert!(!request.to_string().contains(seed::PHONE), "the API shows no identity");
}

#[tokio::test]
async fn the_key_of_a_found_identity_may_be_its_category() {
    let upstream = seed::upstream().await;
    upstream.on("GET", "/v0/identifiers/get-phone", |_| {
        Reply::json(r#"[{"phone_number": 5125550142}, {"phone_number": 5125550142}]"#)
    });
    let host = seed::connected_to(&upstream).await;
    let request = seed::complete(&host, "identifiers").await;
    let bundle = Bundle::of(&host, request["id"].as_str().unwrap()).await;
    let found = bundle.json("identities.json");
    assert_eq!(found.as_array().unwrap().len(), 1, "duplicates are removed: {found}");
    assert_eq!(found[0]["value"], "5125550142", "a number is substituted as its JSON text");
}

#[tokio::test]
async fn an_identity_that_a_later_query_names_is_found_first_in_rounds() {
    let upstream = seed::upstream().await;
    upstream.on("GET", "/v0/identifiers/get-user", |call| {
        assert_eq!(call.query, "phone=%2B1%20512%20555%200142");
        Reply::json(r#"[{"user_id": "u/1"}]"#)
    });
    upstream.on("GET", "/v0/orders", |_| Reply::json(r#"[{"order": 1.10}]"#));
    let mut connection = seed::connection(&upstream);
    let query =
        |url: &str| json!({ "url": upstream.url(url), "verb": "GET", "verify_ssl": "true" });
    connection["queries"]["identifiers"]["user_id"] =
        json!([query("/v0/identifiers/get-user?phone={primary_phone_number}")]);
    connection["queries"]["access"] = json!([query("/v0/orders?user={user_id}")]);
    let host = TestHost::start().await;
    seed::connect(&host, &connection).await;
    let request = seed::complete(&host, "access").await;

    let paths: Vec<String> = upstream.calls().iter().map(|call| call.path.clone()).collect();
    assert_eq!(paths, ["/v0/identifiers/get-phone", "/v0/identifiers/get-user", "/v0/orders"]);
    assert_eq!(upstream.calls()[2].query, "user=u%2F1");
    let bundle = Bundle::of(&host, request["id"].as_str().unwrap()).await;
    assert_eq!(bundle.lines("user-service/1.csv"), ["order,1.10"]);
}

#[tokio::test]
async fn an_object_without_the_identifier_is_malformed_and_not_quoted() {
    let upstream = seed::upstream().await;
    upstream.on("GET", "/v0/identifiers/get-phone", |_| Reply::json(r#"[{"telefon": "123456"}]"#));
    let host = seed::connected_to(&upstream).await;
    let id = seed::submit(&host, "identifiers").await;
    let request = host.wait_for_status(&id, "error").await;
    assert_eq!(request["tasks"][0]["failure"]["code"], "malformed_response");
    assert!(!request.to_string().contains("telefon"));
}
