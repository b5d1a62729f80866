//! What a submission may say beside the person: where the submitter is told.

use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::seed;
use crate::support::test_host::{Response, TestHost};

/// A host with the example's connection, whose tenant can be called back at `hooks.example`.
async fn host() -> TestHost {
    let upstream = seed::upstream().await;
    let host = seed::connected_to(&upstream).await;
    let operator = host.operator();
    let made = operator.post("/v1/tenants/default/callback-secret", &json!({})).await;
    assert!(made.status < 300, "{}", made.json);
    let hosts = json!({ "webhook_hosts": ["hooks.example"] });
    let opened = operator.patch_with("/v1/tenants/default", &[], &hosts).await;
    assert_eq!(opened.status, 200, "{}", opened.json);
    host
}

async fn submit(operator: &Client, callback_url: &str) -> Response {
    let body = json!({
        "policy": "delete", "identities": { "email": seed::EMAIL }, "callback_url": callback_url,
    });
    operator.post("/v1/privacy-requests", &body).await
}

#[tokio::test]
async fn a_callback_goes_to_a_host_that_was_named_for_it_and_nowhere_else() {
    let host = host().await;
    let long = format!("https://hooks.example/{}", "x".repeat(2_048));
    for (url, code) in [
        ("https://elsewhere.example/needle", "egress_denied"),
        ("https://127.0.0.1/needle", "egress_denied"),
        ("ftp://hooks.example/needle", "egress_denied"),
        ("needle", "egress_denied"),
        (&long, "too_long"),
    ] {
        let refused = submit(&host.operator(), url).await;
        let error = &refused.json["errors"][0];
        assert_eq!(refused.status, 422, "{}", refused.json);
        assert_eq!((&error["pointer"], &error["code"]), (&json!("/callback_url"), &json!(code)));
        assert!(!refused.json.to_string().contains("needle"), "{}", refused.json);
    }
    let list = host.operator().get("/v1/privacy-requests").await.json;
    assert_eq!(list["items"], json!([]), "nothing is stored");
}

#[tokio::test]
async fn of_a_callback_its_origin_is_shown_and_the_rest_is_kept_sealed() {
    let mut host = host().await;
    let url = "https://hooks.example/cb?for=peter&token=needle";
    let accepted = submit(&host.operator(), url).await;
    assert_eq!(accepted.status, 202, "{}", accepted.json);
    let shown = json!({ "origin": "https://hooks.example", "pending": 0 });
    assert_eq!(accepted.json["callback"], shown);
    let path = format!("/v1/privacy-requests/{}", accepted.json["id"].as_str().unwrap());
    assert_eq!(host.operator().get(&path).await.json["callback"], shown);
    let without = seed::submit(&host, "delete").await;
    let without = host.operator().get(&format!("/v1/privacy-requests/{without}")).await.json;
    assert_eq!(without["callback"], Value::Null);
    let ledger = host.operator().get("/v1/audit?limit=200").await.json;
    assert!(!ledger.to_string().contains("needle"));
    host.stop().await;
    let holds = |bytes: &[u8]| bytes.windows(6).any(|window| window == b"needle");
    assert!(host.stored_files().iter().all(|(_, bytes)| !holds(bytes)));
}
