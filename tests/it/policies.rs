//! Policies: what they say, and what is refused.

use serde_json::{Value, json};

use crate::support::seed;
use crate::support::test_host::TestHost;

#[tokio::test]
async fn every_tenant_starts_with_four_policies() {
    let host = TestHost::start().await;
    let other = host.tenant("other").await;
    for client in [host.operator(), other] {
        let list = client.get("/v1/policies").await.json;
        let mut found: Vec<(String, bool)> = list["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|p| (p["key"].as_str().unwrap().to_owned(), p["requires_approval"] == true))
            .collect();
        found.sort();
        let expected =
            [("access", false), ("delete", true), ("identifiers", false), ("optout", false)];
        let expected = expected.map(|(key, approval)| (key.to_owned(), approval));
        assert_eq!(found, expected, "a delete rule asks for approval");
    }
}

#[tokio::test]
async fn a_deadline_and_days_of_retention_are_kept_as_they_were_written() {
    let host = TestHost::start().await;
    let operator = host.operator();
    for deadline in [json!("gdpr"), json!("ccpa"), json!({ "days": 30 }), Value::Null] {
        let policy = json!({
            "name": "Timed",
            "rules": [{ "action": "access" }],
            "deadline": deadline,
            "retention_days": 90,
        });
        let put = operator.put("/v1/policies/timed", &policy).await;
        assert!(put.status < 300, "{}", put.json);
        let read = operator.get("/v1/policies/timed").await.json;
        assert_eq!((&read["deadline"], &read["retention_days"]), (&deadline, &json!(90)));
    }
    let plain = operator.get("/v1/policies/access").await.json;
    assert_eq!((&plain["deadline"], &plain["retention_days"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn everything_that_is_wrong_with_a_policy_is_told_at_once() {
    let host = TestHost::start().await;
    let policy = json!({
        "key": "wrong",
        "rules": [{ "action": "forget" }, { "action": "access", "destination": "moon" }],
        "connections": ["nobody"],
        "on_error": "panic",
        "deadline": { "days": 3651 },
        "retention_days": 0,
    });
    let refused = host.operator().post("/v1/policies", &policy).await;
    assert_eq!(refused.status, 422);
    let mut pointers: Vec<&str> = refused.json["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["pointer"].as_str().unwrap())
        .collect();
    pointers.sort_unstable();
    let expected = [
        "/connections/0",
        "/deadline/days",
        "/on_error",
        "/retention_days",
        "/rules/0/action",
        "/rules/1/destination",
    ];
    assert_eq!(pointers, expected, "{}", refused.json);
    for (deadline, pointer, code) in [
        (json!("hipaa"), "/deadline", "invalid_value"),
        (json!({ "days": 0 }), "/deadline/days", "out_of_range"),
        (json!({ "days": "45" }), "/deadline/days", "wrong_type"),
        (json!({ "weeks": 2 }), "/deadline/weeks", "unknown_field"),
        (json!({}), "/deadline/days", "missing_field"),
        (json!(45), "/deadline", "wrong_type"),
    ] {
        let policy = json!({
            "key": "wrong", "rules": [{ "action": "access" }], "deadline": deadline,
        });
        let refused = host.operator().post("/v1/policies", &policy).await;
        assert_eq!(refused.status, 422, "{policy}");
        let errors = refused.json["errors"].as_array().unwrap();
        let found: Vec<_> =
            errors.iter().map(|e| (e["pointer"].as_str(), e["code"].as_str())).collect();
        assert_eq!(found, [(Some(pointer), Some(code))], "{policy}");
    }
    assert_eq!(host.operator().get("/v1/policies/wrong").await.status, 404, "nothing is stored");
}

#[tokio::test]
async fn a_policy_that_requests_are_under_cannot_be_removed_and_they_keep_its_terms() {
    let upstream = seed::upstream().await;
    let host = seed::connected_to(&upstream).await;
    let operator = host.operator();
    let id = seed::submit(&host, "delete").await;
    let refused = operator.delete("/v1/policies/delete").await;
    assert_eq!((refused.status, &refused.json["code"]), (409, &json!("in_use")));
    assert!(refused.json["detail"].as_str().unwrap().contains("1 open request"));

    // A request under it does what it was submitted for, whatever the policy says afterwards.
    let optout = json!({ "rules": [{ "action": "optout" }] });
    assert_eq!(operator.put("/v1/policies/delete", &optout).await.status, 200);
    let approve = format!("/v1/privacy-requests/{id}/approve");
    assert_eq!(operator.post(&approve, &json!({})).await.status, 200);
    let request = host.wait_for_status(&id, "complete").await;
    assert_eq!(request["tasks"][0]["action"], "delete");
    assert_eq!(operator.delete("/v1/policies/delete").await.status, 204);
}

#[tokio::test]
async fn a_package_goes_to_the_one_destination_that_its_policy_names_and_the_operator_configured() {
    let upstream = seed::upstream().await;
    let directory = tempfile::tempdir().unwrap();
    let host = TestHost::start_configured(|config| {
        config.egress.development_networks = vec!["127.0.0.0/8".parse().unwrap()];
        config.destinations.insert("archive".to_owned(), directory.path().to_owned());
    })
    .await;
    seed::connect(&host, &seed::connection(&upstream)).await;
    let policy = |destination: &str| {
        let rule = json!({ "action": "access", "destination": destination });
        json!({ "key": "kept", "rules": [rule] })
    };
    let unknown = host.operator().post("/v1/policies", &policy("elsewhere")).await;
    assert_eq!(unknown.status, 422, "a path or a name of the client's own is none");
    assert_eq!(unknown.json["errors"][0]["code"], "unknown_destination");
    assert_eq!(host.operator().post("/v1/policies", &policy("archive")).await.status, 201);
    let done = seed::complete(&host, "kept").await;
    assert_eq!(done["package"]["destination"], "archive", "{done}");
    let folder = directory.path().join("default").join(done["id"].as_str().unwrap());
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 1);
}
