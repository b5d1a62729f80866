//! Health and dry runs: what a connection would send, told without a byte to anybody, and what
//! `mode: "test"` keeps out of live requests.

use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::seed;
use crate::support::test_host::TestHost;
use crate::support::test_process::TestProcess;
use crate::support::upstream::{Reply, Upstream};

const KEY: &str = "/v1/connections/user-service";

async fn dry_run(client: &Client, action: &str, identities: Value) -> Value {
    let body = json!({ "action": action, "identities": identities });
    let answer = client.post(&format!("{KEY}/dry-run"), &body).await;
    assert_eq!(answer.status, 200, "{:#}", answer.json);
    answer.json
}

fn list<'v>(value: &'v Value, name: &str) -> &'v Vec<Value> {
    value[name].as_array().unwrap()
}

fn urls(run: &Value) -> Vec<&str> {
    list(run, "requests").iter().map(|request| request["url"].as_str().unwrap()).collect()
}

/// The example's connection, changed by the test, with its secret.
async fn connected(upstream: &Upstream, change: impl FnOnce(&mut Value)) -> TestHost {
    let mut connection = seed::connection(upstream);
    change(&mut connection);
    let host = TestHost::start().await;
    seed::connect(&host, &connection).await;
    host
}

/// A query like the first access query of the example, to another path.
fn query(upstream: &Upstream, path: &str) -> Value {
    json!({ "url": upstream.url(path), "verb": "GET", "verify_ssl": "true" })
}

#[tokio::test]
async fn a_dry_run_shows_the_requests_with_placeholders_and_sends_nothing() {
    let upstream = seed::upstream().await;
    let host = seed::connected_to(&upstream).await;
    let run = dry_run(&host.operator(), "delete", json!({ "email": seed::EMAIL })).await;
    assert_eq!(run["may_also_send"], json!([]), "everything that it sends is planned");
    assert_eq!(run["ready"], true, "{run:#}");
    let request = &list(&run, "requests")[0];
    assert_eq!(
        (&request["label"], &request["method"], &request["url"]),
        (&json!("delete/0"), &json!("DELETE"), &json!(upstream.url("/v0/users")))
    );
    assert_eq!(request["headers"]["Authorization"], "Basic {credentials}");
    assert_eq!(request["body"], r#"{"email": "{email}"}"#);
    assert_eq!(request["identities"], json!({ "email": 1 }));
    assert_eq!(request["egress"], json!({ "decision": "allow" }));

    let access = dry_run(&host.operator(), "access", json!({ "email": seed::EMAIL })).await;
    assert_eq!(urls(&access), [upstream.url("/v0/users?email={email}")]);
    assert_eq!(upstream.calls().len(), 0);
    for shown in [run, access] {
        let text = shown.to_string();
        assert!(!text.contains(seed::EMAIL) && !text.contains(seed::CREDENTIALS), "{text}");
    }
}

#[tokio::test]
async fn every_query_and_every_value_of_an_identity_has_its_request() {
    let upstream = seed::upstream().await;
    let host = connected(&upstream, |connection| {
        let queries = connection["queries"]["access"].as_array_mut().unwrap();
        queries.push(query(&upstream, "/v0/orders?email={email}&id={user_id}"));
        queries.push(query(&upstream, "/v0/all"));
    })
    .await;
    let identities = json!({ "email": ["a@x.example", "b@x.example"], "user_id": ["1", "2"] });
    let run = dry_run(&host.operator(), "access", identities).await;
    let shown: Vec<(&str, u64, &Value)> = list(&run, "requests")
        .iter()
        .map(|r| {
            let (label, occurrence) = (r["label"].as_str(), r["occurrence"].as_u64());
            (label.unwrap(), occurrence.unwrap(), &r["identities"])
        })
        .collect();
    let of = |email: u64, user_id: u64| json!({ "email": email, "user_id": user_id });
    assert_eq!(
        shown,
        [
            ("access/0", 0, &json!({ "email": 1 })),
            ("access/0", 1, &json!({ "email": 2 })),
            ("access/1", 0, &of(1, 1)),
            ("access/1", 1, &of(1, 2)),
            ("access/1", 2, &of(2, 1)),
            ("access/1", 3, &of(2, 2)),
            ("access/2", 0, &json!({})),
        ]
    );
    assert_eq!(upstream.calls().len(), 0);
}

#[tokio::test]
async fn identifiers_are_shown_for_every_kind_that_can_be_found() {
    let upstream = seed::upstream().await;
    let host = seed::connected_to(&upstream).await;
    let run = dry_run(&host.operator(), "identifiers", json!({ "email": seed::EMAIL })).await;
    assert_eq!(run["requests"].as_array().unwrap().len(), 1, "{run:#}");
    let label = run["requests"][0]["label"].as_str().unwrap();
    assert!(label.starts_with("identifiers/"), "{label}");
    assert_eq!(upstream.calls().len(), 0);
}

#[tokio::test]
async fn what_a_request_would_fail_over_is_told_and_the_other_queries_are_shown_all_the_same() {
    let upstream = seed::upstream().await;
    let host = connected(&upstream, |connection| {
        let queries = connection["queries"]["access"].as_array_mut().unwrap();
        queries.push(query(&upstream, "/v0/orders/{user_id}"));
        let mut skipped = query(&upstream, "/v0/calls/{phone_number}");
        skipped["when_missing"] = json!("skip");
        queries.push(skipped);
        queries.push(query(&upstream, "/v0/all"));
    })
    .await;
    let run = dry_run(&host.operator(), "access", json!({ "email": seed::EMAIL })).await;
    assert_eq!(run["ready"], false);
    let labels: Vec<&str> =
        list(&run, "requests").iter().map(|r| r["label"].as_str().unwrap()).collect();
    assert_eq!(labels, ["access/0", "access/1", "access/3"]);
    assert_eq!(run["requests"][1]["egress"]["code"], "missing_placeholder");
    assert_eq!(run["requests"][2]["egress"]["decision"], "allow");
    let problem = &run["problems"][0];
    assert_eq!(
        (&problem["code"], &problem["label"]),
        (&json!("missing_placeholder"), &json!("access/1"))
    );
    assert!(problem["detail"].as_str().unwrap().contains("user_id"));
    assert_eq!(
        run["skipped_queries"],
        json!([{ "name": "access/2", "reason": "missing_placeholder", "placeholder": "phone_number" }])
    );
    assert_eq!(upstream.calls().len(), 0);
}

#[tokio::test]
async fn too_many_combinations_are_told_and_the_query_is_shown_as_not_reached() {
    let upstream = seed::upstream().await;
    let host = connected(&upstream, |connection| {
        let queries = connection["queries"]["access"].as_array_mut().unwrap();
        queries.push(query(&upstream, "/v0/orders?email={email}&id={user_id}"));
    })
    .await;
    let emails: Vec<String> = (0..11).map(|n| format!("p{n}@x.example")).collect();
    let ids: Vec<String> = (0..10).map(|n| n.to_string()).collect();
    let identities = json!({ "email": emails, "user_id": ids });
    let run = dry_run(&host.operator(), "access", identities).await;
    assert_eq!(run["problems"].as_array().unwrap().len(), 1, "{run:#}");
    assert_eq!(run["problems"][0]["code"], "too_many_combinations");
    assert_eq!(run["problems"][0]["label"], "access/1");
    assert!(list(&run, "requests").iter().all(|r| r["egress"]["decision"] == "not_reached"));
    assert_eq!(run["ready"], false);
}

#[tokio::test]
async fn a_value_that_may_not_stand_where_the_template_puts_it_is_refused_and_not_shown() {
    let upstream = seed::upstream().await;
    let host = connected(&upstream, |connection| {
        connection["queries"]["access"] = json!([query(&upstream, "/v0/users/{user_id}")]);
    })
    .await;
    let run = dry_run(&host.operator(), "access", json!({ "user_id": "../admin-secret" })).await;
    assert_eq!(run["requests"][0]["egress"]["code"], "value_refused", "{run:#}");
    assert!(!run.to_string().contains("admin-secret"));
}

#[tokio::test]
async fn missing_credentials_are_a_problem_and_no_failure_of_the_dry_run() {
    let upstream = seed::upstream().await;
    let host = TestHost::start().await;
    let created = host.operator().post("/v1/connections", &seed::connection(&upstream)).await;
    assert_eq!(created.status, 201, "{}", created.json);
    let run = dry_run(&host.operator(), "access", json!({ "email": seed::EMAIL })).await;
    assert_eq!(run["problems"][0]["code"], "secrets_unavailable", "{run:#}");
    assert_eq!(run["requests"][0]["headers"]["Authorization"], "Basic {credentials}");
    assert_eq!(run["ready"], false);
}

#[tokio::test]
async fn a_connection_that_waits_for_approval_says_so_and_nothing_is_allowed() {
    let upstream = seed::upstream().await;
    let host = seed::connected_to(&upstream).await;
    let none = json!({ "http": [], "secrets": [] });
    let taken = host.operator().put(&format!("{KEY}/grants"), &none).await;
    assert_eq!(taken.status, 200, "{}", taken.json);
    let run = dry_run(&host.operator(), "access", json!({ "email": seed::EMAIL })).await;
    assert_eq!(run["problems"][0]["code"], "not_granted", "{run:#}");
    assert!(run["problems"][0]["detail"].as_str().unwrap().contains("PUT /v1/connections/"));
    assert_eq!(run["requests"][0]["egress"]["decision"], "deny");
}

#[tokio::test]
async fn a_dry_run_needs_an_action_the_connection_can_do_identities_and_the_right_to_write() {
    let upstream = seed::upstream().await;
    let host = connected(&upstream, |connection| {
        connection["capabilities"] = json!(["privacy/access"]);
        connection["queries"] = json!({
            "test": connection["queries"]["test"], "access": connection["queries"]["access"],
        });
    })
    .await;
    let operator = host.operator();
    let path = format!("{KEY}/dry-run");
    for (body, pointer) in [
        (json!({ "action": "delete", "identities": {} }), "/action"),
        (json!({ "action": "erase" }), "/action"),
        (
            json!({ "action": "access", "identities": { "shoe_size": "43" } }),
            "/identities/shoe_size",
        ),
        (json!({ "action": "access", "identities": { "email": "" } }), "/identities/email"),
        (json!({ "action": "access", "identitys": {} }), "/identitys"),
    ] {
        let refused = operator.post(&path, &body).await;
        assert_eq!((refused.status, &refused.json["errors"][0]["pointer"]), (422, &json!(pointer)));
    }
    let key = json!({ "name": "reader", "scopes": ["connections:read"] });
    let made = operator.post("/v1/tenants/default/api-keys", &key).await;
    let reader = host.client(made.json["key"].as_str());
    let body = json!({ "action": "access", "identities": {} });
    assert_eq!(reader.post(&path, &body).await.status, 403);
    let stranger = host.tenant("stranger").await;
    assert_eq!(stranger.post(&path, &body).await.status, 404);
}

#[tokio::test]
async fn a_manual_webhook_shows_the_form_that_a_person_would_get() {
    let host = TestHost::start().await;
    let operator = host.operator();
    let connection = json!({
        "key": "user-service", "name": "Archive", "connector_type": "manual_webhook",
        "capabilities": ["privacy/access"], "mode": "live",
    });
    assert_eq!(operator.post("/v1/connections", &connection).await.status, 201);
    let before = dry_run(&operator, "access", json!({})).await;
    assert_eq!(before["problems"][0]["code"], "invalid_config", "{before:#}");
    let webhook = json!({ "connection": "user-service", "fields": [{ "pii_field": "Badge No" }] });
    let linked = operator.post("/v1/policies/access/manual-webhooks", &webhook).await;
    assert_eq!(linked.status, 201, "{}", linked.json);
    let run = dry_run(&operator, "access", json!({})).await;
    assert_eq!(run["form"]["fields"][0]["label"], "badge_no", "{run:#}");
    assert_eq!((&run["ready"], &run["requests"]), (&json!(true), &json!([])));
}

#[tokio::test]
async fn a_connector_that_gives_up_at_its_first_request_is_shown_as_far_as_it_came() {
    let upstream = Upstream::start().await;
    let host = TestHost::start().await;
    let connection = json!({
        "key": "user-service", "name": "Scripted", "connector_type": "scripted",
        "capabilities": ["privacy/access"], "mode": "live",
        "config": { "behave": "well", "origin": upstream.url("") },
    });
    let created = host.operator().post("/v1/connections", &connection).await;
    assert_eq!(created.status, 201, "{}", created.json);
    let run = dry_run(&host.operator(), "access", json!({ "email": seed::EMAIL })).await;
    assert_eq!(urls(&run), [upstream.url("/planned?email={email}")]);
    assert_eq!((&run["ready"], &run["problems"]), (&json!(true), &json!([])), "{run:#}");
    assert_eq!(upstream.calls().len(), 0);
}

#[tokio::test]
async fn a_connection_in_test_mode_answers_tests_and_dry_runs_and_serves_no_request() {
    let upstream = seed::upstream().await;
    let host = connected(&upstream, |connection| connection["mode"] = json!("test")).await;
    let operator = host.operator();
    let body = json!({ "policy": "access", "identities": { "email": seed::EMAIL } });
    let refused = operator.post("/v1/privacy-requests", &body).await;
    assert_eq!((refused.status, &refused.json["code"]), (409, &json!("rule_unserved")));

    let run = dry_run(&operator, "access", json!({ "email": seed::EMAIL })).await;
    assert_eq!(run["ready"], true, "{run:#}");
    let tested = operator.post(&format!("{KEY}/test"), &json!({})).await;
    assert_eq!(tested.json["healthy"], true, "{}", tested.json);

    let lenient = json!({
        "key": "lenient", "name": "Lenient", "rules": [{ "action": "access" }],
        "allow_unserved": true,
    });
    assert_eq!(operator.post("/v1/policies", &lenient).await.status, 201);
    let request = seed::complete(&host, "lenient").await;
    assert_eq!(request["tasks"], json!([]), "it takes part in no live request");
    let paths: Vec<String> = upstream.calls().iter().map(|call| call.path.clone()).collect();
    assert_eq!(paths, ["/v0/health-check"], "only the test was sent");
}

#[tokio::test]
async fn a_disabled_connection_answers_a_dry_run() {
    let upstream = seed::upstream().await;
    let host = connected(&upstream, |connection| connection["enabled"] = json!(false)).await;
    let run = dry_run(&host.operator(), "access", json!({ "email": seed::EMAIL })).await;
    assert_eq!(run["ready"], true, "{run:#}");
}

#[tokio::test]
async fn a_test_passes_when_all_queries_pass_and_its_result_and_time_are_kept() {
    let upstream = seed::upstream().await;
    upstream.on("GET", "/v0/second", |_| Reply::status(500));
    upstream.on("GET", "/v0/third", |_| Reply::status(200));
    let host = connected(&upstream, |connection| {
        let tests = connection["queries"]["test"].as_array_mut().unwrap();
        tests.push(query(&upstream, "/v0/second"));
        tests.push(query(&upstream, "/v0/third"));
    })
    .await;
    let operator = host.operator();
    let tested = operator.post(&format!("{KEY}/test"), &json!({})).await;
    assert_eq!((tested.status, &tested.json["healthy"]), (200, &json!(false)));
    let outcomes: Vec<&str> =
        list(&tested.json, "queries").iter().map(|q| q["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["success", "unexpected_status", "success"], "it goes on to the last");
    assert_eq!(upstream.calls().len(), 3, "a status in neither list is asked for once");
    let shown = operator.get(KEY).await.json;
    assert_eq!(shown["last_test"], tested.json, "{shown:#}");
    assert!(shown["last_test"]["at"].is_string());

    upstream.on("GET", "/v0/second", |_| Reply::status(200));
    let tested = operator.post(&format!("{KEY}/test"), &json!({})).await;
    assert_eq!(tested.json["healthy"], true, "{}", tested.json);
    assert_eq!(operator.get(KEY).await.json["last_test"]["healthy"], true);
}

/// What a command printed, and its exit code.
async fn cordon(process: &TestProcess, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = process.cordon(arguments).await;
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_shows_dry_runs_and_tests_and_exits_with_1_when_something_is_wrong() {
    let upstream = seed::upstream().await;
    let process = TestProcess::start().await;
    let operator = process.operator();
    let created = operator.post("/v1/connections", &seed::connection(&upstream)).await;
    assert_eq!(created.status, 201, "{}", created.json);
    operator.put(&format!("{KEY}/secrets"), &json!({ "credentials": seed::CREDENTIALS })).await;

    let dry_run = ["connection", "dry-run", "user-service", "--action", "access"];
    let identity = format!("email={}", seed::EMAIL);
    let with_identity = [&dry_run[..], &["--identity", &identity]].concat();
    let (code, text) = cordon(&process, &with_identity).await;
    assert_eq!(code, Some(0), "{text}");
    assert!(text.starts_with("access/0  email #1  [allow]\n"), "{text}");
    assert!(text.contains(&upstream.url("/v0/users?email={email}")), "{text}");
    assert!(text.contains("Authorization: Basic {credentials}"), "{text}");
    assert!(text.ends_with("1 would be sent; nothing was\n"), "{text}");
    let (code, text) = cordon(&process, &dry_run).await;
    assert_eq!(code, Some(1), "an identity is missing");
    assert!(text.contains("missing_placeholder"), "{text}");
    let (code, text) = cordon(&process, &[&dry_run[..], &["--json"]].concat()).await;
    let json: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, &json["ready"]), (Some(1), &json!(false)));
    assert_eq!(upstream.calls().len(), 0);

    let test = ["connection", "test", "user-service"];
    let (code, text) = cordon(&process, &test).await;
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("test/0  200     success") && text.ends_with("healthy\n"), "{text}");
    upstream.on("GET", "/v0/health-check", |_| Reply::status(500));
    let (code, text) = cordon(&process, &test).await;
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("500     unexpected_status"), "{text}");
    assert!(text.contains("not healthy: "), "{text}");
}
