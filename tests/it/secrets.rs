//! A secret goes where its connection's grants say, and nowhere else.

use serde_json::json;

use crate::support::seed;
use crate::support::upstream::Reply;

#[tokio::test]
async fn no_answer_event_metric_or_stored_file_holds_a_secret_or_an_identity() {
    let upstream = seed::upstream().await;
    let mut host = seed::connected_to(&upstream).await;
    let operator = host.operator();
    let tested = operator.post("/v1/connections/user-service/test", &json!({})).await;
    assert_eq!(tested.json["healthy"], true, "{}", tested.json);
    let mut seen = tested.json.to_string();
    for policy in ["identifiers", "access", "optout"] {
        let request = seed::complete(&host, policy).await;
        let id = request["id"].as_str().unwrap();
        seen.push_str(&request.to_string());
        let events = operator.get(&format!("/v1/privacy-requests/{id}/events")).await;
        seen.push_str(&events.json.to_string());
    }
    for path in
        ["/v1/connections", "/v1/connections/user-service", "/v1/privacy-requests", "/v1/policies"]
    {
        seen.push_str(&operator.get(path).await.json.to_string());
    }
    seen.push_str(&operator.get_text("/metrics").await);
    let needles = [seed::CREDENTIALS, seed::EMAIL, seed::PHONE, "Gibbons", "191 N. Lamar"];
    for needle in needles {
        assert!(!seen.contains(needle), "{needle} was shown");
    }
    host.stop().await;
    let files = host.stored_files();
    assert!(files.len() >= 3, "{:?}", files.iter().map(|(path, _)| path).collect::<Vec<_>>());
    for (path, bytes) in files {
        for needle in needles {
            let found = bytes.windows(needle.len()).any(|window| window == needle.as_bytes());
            assert!(!found, "{needle} stands in {}", path.display());
        }
    }
}

#[tokio::test]
async fn a_response_that_repeats_the_secret_fails_and_nothing_of_it_is_kept() {
    let upstream = seed::upstream().await;
    upstream.on("GET", "/v0/users", |call| {
        let sent = call.header("authorization").unwrap();
        Reply::json(json!([{ "debug": sent }]).to_string())
    });
    let host = seed::connected_to(&upstream).await;
    let id = seed::submit(&host, "access").await;
    let request = host.wait_for_status(&id, "error").await;
    assert_eq!(request["tasks"][0]["failure"]["code"], "secret_reflected");
    assert!(!request.to_string().contains(seed::CREDENTIALS));
}

#[tokio::test]
async fn a_connection_without_its_secret_says_so_and_sends_nothing() {
    let upstream = seed::upstream().await;
    let host = crate::support::test_host::TestHost::start().await;
    let created = host.operator().post("/v1/connections", &seed::connection(&upstream)).await;
    assert_eq!(created.status, 201, "{}", created.json);
    assert!(
        created.json["problems"].to_string().contains("credentials_unavailable"),
        "{}",
        created.json
    );
    let id = seed::submit(&host, "access").await;
    let request = host.wait_for_status(&id, "error").await;
    assert_eq!(request["tasks"][0]["failure"]["code"], "secrets_unavailable");
    assert_eq!(upstream.calls().len(), 0);
}

#[tokio::test]
async fn secrets_that_lack_a_name_the_templates_use_are_refused() {
    let upstream = seed::upstream().await;
    let host = crate::support::test_host::TestHost::start().await;
    host.operator().post("/v1/connections", &seed::connection(&upstream)).await;
    let secrets = json!({ "credentails": "s3cret-value" });
    let refused = host.operator().put("/v1/connections/user-service/secrets", &secrets).await;
    assert_eq!(refused.status, 422, "{}", refused.json);
    assert!(refused.json.to_string().contains("credentials"));
    assert!(!refused.json.to_string().contains("s3cret-value"));
}
