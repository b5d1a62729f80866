//! What an operator approves: no more than a plan needs, told before a switch of versions, and
//! granted with one command.

use serde_json::{Value, json};

use crate::support::stranger::{self, activate, connect, connection, install, upload, version};
use crate::support::test_process::TestProcess;
use crate::support::upstream::Upstream;

/// What a command printed, and its exit code.
async fn cordon(process: &TestProcess, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = process.cordon(arguments).await;
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

fn exactly(upstream: &Upstream, method: &str) -> Value {
    json!([{
        "origin": upstream.url(""), "methods": [method], "path": "/people",
        "unverified_tls": false, "raw": false,
    }])
}

#[tokio::test]
async fn a_planned_path_without_a_value_is_needed_and_granted_alone() {
    let (host, upstream) = (stranger::host().await, stranger::upstream().await);
    let operator = host.operator();
    install(&operator, &version("well", "1.0")).await;
    connect(&operator, &connection("crm", &upstream, json!({}))).await;
    let state = operator.get("/v1/connections/crm/grants").await.json;
    assert_eq!(state["needs"]["http"], exactly(&upstream, "GET"), "{state}");
    assert_eq!(state["granted"]["http"], exactly(&upstream, "GET"), "{state}");
    for (path, code) in [
        ("/people", Value::Null),
        ("/people?email=x", Value::Null),
        ("/people/", json!("path_not_granted")),
        ("/people/7/points", json!("path_not_granted")),
        ("/People", json!("path_not_granted")),
        ("/", json!("path_not_granted")),
    ] {
        let question = json!({ "connection": "crm", "method": "GET", "url": upstream.url(path) });
        let told = operator.post("/v1/egress/explain", &question).await.json;
        assert_eq!(told["code"], code, "{path}: {told}");
    }
    let id = stranger::submit(&operator).await;
    operator.wait_for_status(&id, "complete").await;
}

#[tokio::test]
async fn a_prefix_that_was_granted_covers_a_version_that_needs_one_path_of_it() {
    let (host, upstream) = (stranger::host().await, stranger::upstream().await);
    let operator = host.operator();
    install(&operator, &version("well", "1.0")).await;
    connect(&operator, &connection("crm", &upstream, json!({}))).await;
    let wide = json!({ "http": [
        { "origin": upstream.url(""), "methods": ["GET"], "path_prefix": "/people" },
        { "origin": upstream.url(""), "methods": ["HEAD"], "path": "/people/" },
    ]});
    let put = operator.put("/v1/connections/crm/grants", &wide).await;
    assert_eq!(put.json["approval"], "granted", "{}", put.json);
    assert_eq!(put.json["effective"]["http"], exactly(&upstream, "GET"), "{}", put.json);
    let second = install(&operator, &version("well", "2.0")).await;
    assert_eq!(second["connections"]["moved_count"], 1, "{second}");
    let state = operator.get("/v1/connections/crm/grants").await.json;
    assert_eq!(state["approval"], "granted", "{state}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_version_would_need_is_shown_before_the_switch_and_granted_by_one_command() {
    let (process, upstream) = (TestProcess::start().await, stranger::upstream().await);
    let operator = process.operator();
    install(&operator, &version("well", "1.0")).await;
    let created = operator.post("/v1/connections", &connection("crm", &upstream, json!({}))).await;
    let detail = created.json["problems"][0]["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("cordon connection grants approve crm"), "{detail}");
    let (code, text) = cordon(&process, &["connection", "grants", "approve", "crm"]).await;
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("exactly /people") && text.contains("approval: granted"), "{text}");

    let uploaded = upload(&operator, &version("post", "1.1"), "?activate=false").await;
    assert_eq!(uploaded.status, 201, "{}", uploaded.json);
    let state = operator.get("/v1/connections/crm/grants").await.json;
    assert_eq!(state["approval"], "granted", "with the version that it is with: {state}");
    let waiting = &state["waiting_versions"][0];
    assert_eq!((&waiting["version"], &waiting["active"]), (&json!("1.1"), &json!(false)));
    assert_eq!(waiting["reason"], "needs_more", "{state}");
    assert_eq!(waiting["missing"]["http"], exactly(&upstream, "POST"), "{state}");
    let (_, text) = cordon(&process, &["connection", "grants", "show", "crm"]).await;
    assert!(text.contains("with 1.1"), "{text}");
    assert!(text.contains("grants approve crm --with 1.1"), "{text}");

    let (code, text) =
        cordon(&process, &["connection", "grants", "approve", "crm", "--with", "1.1"]).await;
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("needs nothing more"), "{text}");
    let switched = activate(&operator, "1.1").await;
    assert_eq!(switched["connections"]["moved_count"], 1, "{switched}");
    let state = operator.get("/v1/connections/crm/grants").await.json;
    assert!(state.get("waiting_versions").is_none(), "1.0 is older: {state}");
}

#[tokio::test]
async fn a_connection_that_stayed_behind_shows_what_the_active_version_wants_of_it() {
    let (host, upstream) = (stranger::host().await, stranger::upstream().await);
    let operator = host.operator();
    install(&operator, &version("well", "1.0")).await;
    connect(&operator, &connection("crm", &upstream, json!({ "picky": true }))).await;
    install(&operator, &version("post", "1.1")).await;
    upload(&operator, &version("refuse", "1.2"), "?activate=false").await;
    let state = operator.get("/v1/connections/crm/grants").await.json;
    let waiting: Vec<_> = state["waiting_versions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|w| (&w["version"], &w["active"], &w["reason"]))
        .collect();
    let expected = [("1.1", true, "needs_more"), ("1.2", false, "refused")]
        .map(|(version, active, reason)| (json!(version), json!(active), json!(reason)));
    assert_eq!(waiting, expected.each_ref().map(|(v, a, r)| (v, a, r)), "{state}");
    assert_eq!(state["waiting_versions"][1]["problems"][0]["code"], "too_picky", "{state}");
    let after = operator.get("/v1/connections/crm/grants").await.json;
    assert_eq!(after, state, "looking changes nothing");
}
