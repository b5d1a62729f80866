//! A secret goes where its connection's grants say, and nowhere else.

use serde_json::json;

use crate::support::needles::Needles;
use crate::support::seed;
use crate::support::test_process::TestProcess;
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
async fn no_line_of_the_log_holds_a_secret_or_an_identity_at_any_level() {
    let upstream = seed::upstream().await;
    // Libraries have their own ways to be asked for more.
    let environment = [("CORDON_LOG_LEVEL", "trace"), ("LOGLEVEL", "trace"), ("RUST_LOG", "trace")];
    let mut process = TestProcess::start_in(&environment).await;
    let operator = process.operator();
    let created = operator.post("/v1/connections", &seed::connection(&upstream)).await;
    assert_eq!(created.status, 201, "{}", created.json);
    let path = "/v1/connections/user-service";
    let secrets = json!({ "credentials": seed::CREDENTIALS });
    assert_eq!(operator.put(&format!("{path}/secrets"), &secrets).await.status, 200);
    let malformed = json!({ "credentials": [seed::CREDENTIALS] });
    assert_eq!(operator.put(&format!("{path}/secrets"), &malformed).await.status, 422);
    operator.post(&format!("{path}/test"), &json!({})).await;
    for (policy, status) in [("identifiers", "complete"), ("access", "complete")] {
        submitted(&process, policy, status).await;
    }
    let failing = [
        Reply::status(500),
        Reply::json(json!([{ "debug": format!("Basic {}", seed::CREDENTIALS) }]).to_string()),
        Reply::json(format!("{{\"{}\": ", seed::EMAIL)),
        Reply::hang_up(),
    ];
    for reply in failing {
        upstream.on("GET", "/v0/users", move |_| reply.clone());
        submitted(&process, "access", "error").await;
    }
    upstream.on("GET", "/v0/users", |_| Reply::json(seed::ACCESS));
    submitted(&process, "delete", "complete").await;
    process.kill_and_restart().await;
    let values = [seed::CREDENTIALS, seed::EMAIL, seed::PHONE, "Gibbons", "191 N. Lamar"];
    let needles = Needles::new(values.map(str::to_owned));
    let logged = process.logged();
    for line in &logged {
        assert!(needles.found_in(line.as_bytes()).is_empty(), "{line}");
    }
    let own = |line: &&String| line.contains("cordon") && line.contains("\"level\":\"INFO\"");
    assert!(logged.iter().filter(own).count() > 10, "{logged:#?}");
}

/// Submits a request, approves it if it has to be, and waits for how it ends.
async fn submitted(process: &TestProcess, policy: &str, status: &str) {
    let operator = process.operator();
    let body = json!({ "policy": policy, "identities": { "email": seed::EMAIL } });
    let accepted = operator.post("/v1/privacy-requests", &body).await;
    assert_eq!(accepted.status, 202, "{}", accepted.json);
    let id = accepted.json["id"].as_str().unwrap();
    if policy == "delete" {
        let approve = format!("/v1/privacy-requests/{id}/approve");
        assert_eq!(operator.post(&approve, &json!({})).await.status, 200);
    }
    operator.wait_for_status(id, status).await;
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
