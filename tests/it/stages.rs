//! Which connections take part in a request, in which order, and how it ends.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::package::Bundle;
use crate::support::seed;
use crate::support::test_host::{Response, TestHost};
use crate::support::upstream::{Gate, Reply, Upstream};

/// An upstream that answers for any system of [`system`].
async fn upstream(systems: &[&str]) -> Upstream {
    let upstream = Upstream::start().await;
    for key in systems {
        let records = json!([{ "system": key }]).to_string();
        upstream.on("GET", &format!("/{key}/access"), move |_| Reply::json(records.clone()));
        upstream.on("DELETE", &format!("/{key}/delete"), |_| Reply::status(200));
        upstream.on("PUT", &format!("/{key}/optout"), |_| Reply::status(200));
    }
    upstream
}

/// A connection to one system of the upstream, which can do this much.
fn system(upstream: &Upstream, key: &str, actions: &[&str]) -> Value {
    let query = |action: &str| {
        let verb = match action {
            "delete" => "DELETE",
            "optout" => "PUT",
            _ => "GET",
        };
        let url = upstream.url(&format!("/{key}/{action}?email={{email}}"));
        json!([{ "url": url, "verb": verb, "verify_ssl": "true" }])
    };
    let mut queries: serde_json::Map<String, Value> =
        actions.iter().map(|action| ((*action).to_owned(), query(action))).collect();
    let test = json!([{ "url": upstream.url("/test"), "verb": "GET", "verify_ssl": "true" }]);
    queries.insert("test".to_owned(), test);
    let capabilities: Vec<String> = actions.iter().map(|a| format!("privacy/{a}")).collect();
    json!({
        "key": key, "name": key, "connector_type": "api_proxy", "capabilities": capabilities,
        "mode": "live", "queries": queries,
    })
}

async fn connect(host: &TestHost, connection: &Value) {
    let created = host.operator().post("/v1/connections", connection).await;
    assert_eq!(created.status, 201, "{}", created.json);
}

async fn policy(host: &TestHost, key: &str, actions: &[&str], more: Value) {
    let rules: Vec<Value> = actions.iter().map(|action| json!({ "action": action })).collect();
    let mut policy = json!({ "key": key, "rules": rules, "requires_approval": false });
    policy.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let created = host.operator().post("/v1/policies", &policy).await;
    assert_eq!(created.status, 201, "{}", created.json);
}

async fn act(host: &TestHost, id: &str, what: &str, body: Value) -> Response {
    host.operator().post(&format!("/v1/privacy-requests/{id}/{what}"), &body).await
}

/// The connections of a request's tasks.
fn cast(request: &Value) -> Vec<&str> {
    let tasks = request["tasks"].as_array().unwrap();
    tasks.iter().map(|task| task["connection"].as_str().unwrap()).collect()
}

/// The methods and paths that arrived.
fn arrived(upstream: &Upstream) -> Vec<String> {
    upstream.calls().iter().map(|call| format!("{} {}", call.method, call.path)).collect()
}

/// How many packages lie at the destination `local`.
fn packages(directory: &Path) -> usize {
    let below = |path: PathBuf| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(path).into_iter().flatten();
        entries.map(|entry| entry.unwrap().path()).collect()
    };
    let requests = below(directory.join("packages")).into_iter().flat_map(below);
    requests.flat_map(below).filter(|path| path.extension().is_some_and(|e| e == "zip")).count()
}

#[tokio::test]
async fn every_enabled_live_connection_with_the_capability_takes_part_and_no_other() {
    let upstream = upstream(&["crm", "shop", "off", "trial", "mail"]).await;
    let host = TestHost::start().await;
    connect(&host, &system(&upstream, "crm", &["access", "delete"])).await;
    connect(&host, &system(&upstream, "shop", &["access"])).await;
    connect(&host, &system(&upstream, "mail", &["delete"])).await;
    let mut off = system(&upstream, "off", &["access"]);
    off["enabled"] = json!(false);
    connect(&host, &off).await;
    let mut trial = system(&upstream, "trial", &["access"]);
    trial["mode"] = json!("test");
    connect(&host, &trial).await;

    let request = seed::complete(&host, "access").await;
    assert_eq!(cast(&request), ["crm", "shop"]);
    policy(&host, "only-shop", &["access"], json!({ "connections": ["shop", "mail"] })).await;
    let request = seed::complete(&host, "only-shop").await;
    assert_eq!(cast(&request), ["shop"], "of those that the policy lists, the ones that can");
}

#[tokio::test]
async fn who_takes_part_is_fixed_when_processing_starts_with_the_plugin_to_the_byte() {
    let upstream = upstream(&["crm", "late"]).await;
    let gate = Gate::new();
    let held = gate.clone();
    upstream.on("GET", "/crm/access", move |_| Reply::json("[]").held_by(&held));
    let host = TestHost::start().await;
    connect(&host, &system(&upstream, "crm", &["access", "delete"])).await;
    policy(&host, "goodbye", &["access", "delete"], json!({})).await;
    let id = seed::submit(&host, "goodbye").await;
    upstream.wait_for_calls(1).await;
    let path = format!("/v1/privacy-requests/{id}");
    let started = host.operator().get(&path).await.json;
    connect(&host, &system(&upstream, "late", &["access", "delete"])).await;
    let removed = host.operator().delete("/v1/connections/crm").await;
    assert_eq!((removed.status, &removed.json["code"]), (409, &json!("in_use")));
    gate.open();
    let done = host.wait_for_status(&id, "complete").await;

    assert_eq!(cast(&done), ["crm", "crm"]);
    for (before, after) in
        started["tasks"].as_array().unwrap().iter().zip(done["tasks"].as_array().unwrap())
    {
        assert_eq!(before["plugin"], after["plugin"]);
        assert_eq!(after["plugin"]["digest"].as_str().unwrap().len(), 64);
    }
    let next = seed::complete(&host, "goodbye").await;
    assert_eq!(cast(&next), ["crm", "late", "crm", "late"]);
}

#[tokio::test]
async fn a_rule_that_nothing_serves_is_refused_by_name_unless_the_policy_allows_it() {
    let upstream = upstream(&["crm"]).await;
    let host = TestHost::start().await;
    connect(&host, &system(&upstream, "crm", &["access"])).await;
    policy(&host, "strict", &["access", "optout"], json!({})).await;
    let body = json!({ "policy": "strict", "identities": { "email": seed::EMAIL } });
    let refused = host.operator().post("/v1/privacy-requests", &body).await;
    assert_eq!((refused.status, &refused.json["code"]), (409, &json!("rule_unserved")));
    assert!(refused.json["detail"].as_str().unwrap().contains("optout"), "{}", refused.json);

    policy(&host, "lenient", &["access", "optout"], json!({ "allow_unserved": true })).await;
    let request = seed::complete(&host, "lenient").await;
    assert_eq!(request["unserved"], json!(["optout"]));
    assert_eq!(request["problems"][0]["code"], "rule_unserved", "it says that it was not done");
    assert_eq!(cast(&request), ["crm"]);
}

#[tokio::test]
async fn a_rule_of_access_that_is_not_served_stands_in_the_package_too() {
    let upstream = upstream(&["crm"]).await;
    let host = TestHost::start().await;
    connect(&host, &system(&upstream, "crm", &["optout"])).await;
    policy(&host, "lenient", &["access", "optout"], json!({ "allow_unserved": true })).await;
    let request = seed::complete(&host, "lenient").await;
    let bundle = Bundle::of(&host, request["id"].as_str().unwrap()).await;
    assert_eq!(bundle.json("manifest.json")["omissions"][0]["code"], "rule_unserved");
}

/// An upstream for the whole order; a delete or opt-out that comes before the package is at its
/// destination is answered with an error.
async fn whole_upstream(host: &TestHost) -> Upstream {
    let upstream = upstream(&["crm"]).await;
    let directory = host.data_directory().to_owned();
    upstream.on("POST", "/before", |_| Reply::json("{}"));
    upstream.on("POST", "/after", |_| Reply::status(204));
    upstream.on("GET", "/crm/user", |_| Reply::json(r#"[{"user_id": "u1"}]"#));
    for (verb, path) in [("DELETE", "/crm/delete"), ("PUT", "/crm/optout")] {
        let directory = directory.clone();
        upstream.on(verb, path, move |_| match packages(&directory) {
            0 => Reply::status(418),
            _ => Reply::status(200),
        });
    }
    upstream
}

#[tokio::test]
async fn people_then_webhooks_then_identifiers_then_access_then_the_package_then_erasure() {
    let host = TestHost::start().await;
    let upstream = whole_upstream(&host).await;
    let mut crm = system(&upstream, "crm", &["access", "delete", "optout"]);
    crm["capabilities"].as_array_mut().unwrap().push(json!("privacy/identifiers"));
    let user = upstream.url("/crm/user?email={email}");
    crm["queries"]["identifiers"] =
        json!({ "user_id": [{ "url": user, "verb": "GET", "verify_ssl": "true" }] });
    crm["queries"]["access"][0]["url"] = json!(upstream.url("/crm/access?user={user_id}"));
    connect(&host, &crm).await;
    let archive = json!({
        "key": "paper-archive", "name": "Paper archive", "connector_type": "manual_webhook",
        "capabilities": ["privacy/access"], "mode": "live",
    });
    connect(&host, &archive).await;
    policy(&host, "whole", &["optout", "delete", "access"], json!({ "auto_resume": true })).await;
    let operator = host.operator();
    let manual = json!({ "connection": "paper-archive", "fields": [{ "pii_field": "Phone" }] });
    let linked = operator.post("/v1/policies/whole/manual-webhooks", &manual).await;
    assert_eq!(linked.status, 201, "{}", linked.json);
    let hosts = json!({ "webhook_hosts": ["127.0.0.1"] });
    let opened = operator.patch_with("/v1/tenants/default", &[], &hosts).await;
    assert_eq!(opened.status, 200, "{}", opened.json);
    for (phase, path) in [("pre_execution", "/before"), ("post_execution", "/after")] {
        let webhook = json!({
            "order": 1, "phase": phase, "direction": "one_way", "url": upstream.url(path),
        });
        let made = operator.post("/v1/policies/whole/webhooks", &webhook).await;
        assert_eq!(made.status, 201, "{}", made.json);
    }

    let id = seed::submit(&host, "whole").await;
    host.wait_for_status(&id, "requires_input").await;
    assert_eq!(arrived(&upstream), Vec::<String>::new(), "people come first");
    let input = format!("/v1/privacy-requests/{id}/manual-inputs/paper-archive");
    let given = operator.put(&input, &json!({ "phone": "1" })).await;
    assert_eq!(given.status, 200, "{}", given.json);
    let request = host.wait_for_status(&id, "complete").await;

    let mut order = arrived(&upstream);
    order[3..5].sort();
    let expected = [
        "POST /before",
        "GET /crm/user",
        "GET /crm/access",
        "DELETE /crm/delete",
        "PUT /crm/optout",
        "POST /after",
    ];
    assert_eq!(order, expected, "and nothing is deleted before the answer is safe");
    let kinds: Vec<(&str, &str)> = request["tasks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| (t["stage"].as_str().unwrap(), t["finding"]["kind"].as_str().unwrap()))
        .collect();
    let expected = [
        ("manual", "records"),
        ("identifiers", "identities"),
        ("access", "records"),
        ("erasure", "done"),
        ("erasure", "done"),
    ];
    assert_eq!(kinds, expected, "the report says for every task what came of it");
    assert_eq!(request["webhooks"][1]["state"], "done");
    let bundle = Bundle::of(&host, &id).await;
    let folders: Vec<&str> = bundle.names().filter(|name| name.ends_with(".csv")).collect();
    assert_eq!(folders, ["crm/1.csv", "paper-archive/1.csv"], "erasure stands in the report only");
}

#[tokio::test]
async fn connections_of_one_stage_run_side_by_side() {
    let upstream = upstream(&["one", "two", "three"]).await;
    let gate = Gate::new();
    let host = TestHost::start().await;
    for key in ["one", "two", "three"] {
        let held = gate.clone();
        upstream.on("GET", &format!("/{key}/access"), move |_| Reply::json("[]").held_by(&held));
        connect(&host, &system(&upstream, key, &["access"])).await;
    }
    let id = seed::submit(&host, "access").await;
    // Each is answered only when all have arrived.
    upstream.wait_for_calls(3).await;
    gate.open();
    host.wait_for_status(&id, "complete").await;
}

#[tokio::test]
async fn a_failed_access_holds_back_erasure_until_it_is_retried() {
    let upstream = upstream(&["crm", "shop"]).await;
    upstream.script("GET", "/shop/access", [Reply::status(500)]);
    let host = TestHost::start().await;
    for key in ["crm", "shop"] {
        connect(&host, &system(&upstream, key, &["access", "delete"])).await;
    }
    policy(&host, "goodbye", &["access", "delete"], json!({})).await;
    let id = seed::submit(&host, "goodbye").await;
    let request = host.wait_for_status(&id, "error").await;
    assert_eq!(request["problems"][0]["connection"], "shop", "it names what failed");
    assert!(arrived(&upstream).iter().all(|call| call.starts_with("GET")), "nothing was deleted");
    assert_eq!(request["package"], Value::Null);

    assert_eq!(act(&host, &id, "retry", json!({})).await.status, 200);
    let request = host.wait_for_status(&id, "complete").await;
    assert_eq!(request["problems"], json!([]));
    let calls = arrived(&upstream);
    let crm = calls.iter().filter(|call| *call == "GET /crm/access").count();
    assert_eq!(crm, 1, "what succeeded is not asked again: {calls:?}");
    assert_eq!(calls.iter().filter(|call| call.starts_with("DELETE")).count(), 2);
}

#[tokio::test]
async fn with_on_error_continue_the_rest_goes_on_and_the_request_still_says_that_it_failed() {
    let upstream = upstream(&["crm", "shop"]).await;
    upstream.script("GET", "/shop/access", [Reply::status(500)]);
    let host = TestHost::start().await;
    for key in ["crm", "shop"] {
        connect(&host, &system(&upstream, key, &["access", "delete"])).await;
    }
    let more = json!({ "on_error": "continue" });
    policy(&host, "goodbye", &["access", "delete"], more).await;
    let id = seed::submit(&host, "goodbye").await;
    let request = host.wait_for_status(&id, "error").await;
    assert_eq!(arrived(&upstream).iter().filter(|call| call.starts_with("DELETE")).count(), 2);
    let codes: Vec<&str> = request["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| problem["code"].as_str().unwrap())
        .collect();
    assert_eq!(codes, ["query_failed"]);
    let bundle = Bundle::of(&host, &id).await;
    let omission = &bundle.json("manifest.json")["omissions"][0];
    assert_eq!(
        (&omission["connection"], &omission["code"]),
        (&json!("shop"), &json!("query_failed"))
    );

    assert_eq!(act(&host, &id, "retry", json!({})).await.status, 200);
    let request = host.wait_for_status(&id, "complete").await;
    assert_eq!(request["problems"], json!([]));
    let deletes = arrived(&upstream).iter().filter(|call| call.starts_with("DELETE")).count();
    assert_eq!(deletes, 2, "what was done is not done again");
    let bundle = Bundle::of(&host, &id).await;
    assert!(bundle.names().any(|name| name == "shop/1.csv"), "what the retry brought is packed");
}

#[tokio::test]
async fn what_a_connector_calls_done_without_a_call_is_reported_as_unverified() {
    let upstream = Upstream::start().await;
    let host = TestHost::start().await;
    let connection = json!({
        "key": "liar", "name": "Liar", "connector_type": "scripted",
        "capabilities": ["privacy/delete"], "mode": "live",
        "config": { "behave": "lie", "origin": upstream.url("") },
    });
    connect(&host, &connection).await;
    policy(&host, "goodbye", &["delete"], json!({})).await;
    let request = seed::complete(&host, "goodbye").await;
    let task = &request["tasks"][0];
    assert_eq!(task["finding"], json!({ "kind": "done", "verified": false }));
    assert_eq!(request["problems"][0]["code"], "unverified");
    assert_eq!(request["problems"][0]["task"], task["id"]);
}

#[tokio::test]
async fn nothing_happens_to_a_request_that_is_final() {
    let upstream = upstream(&["crm"]).await;
    let host = TestHost::start().await;
    connect(&host, &system(&upstream, "crm", &["access", "delete"])).await;
    let complete = seed::complete(&host, "access").await["id"].as_str().unwrap().to_owned();
    let denied = seed::submit(&host, "delete").await;
    assert_eq!(act(&host, &denied, "deny", json!({})).await.status, 200);
    let canceled = seed::submit(&host, "delete").await;
    assert_eq!(act(&host, &canceled, "cancel", json!({})).await.status, 200);
    for (id, status) in [(&complete, "complete"), (&denied, "denied"), (&canceled, "canceled")] {
        let path = format!("/v1/privacy-requests/{id}");
        let before = host.operator().get(&path).await.json;
        assert_eq!(before["status"], status);
        assert!(before["ended_at"].is_string());
        for what in ["approve", "deny", "cancel", "retry", "resume"] {
            let refused = act(&host, id, what, json!({})).await;
            assert_eq!(refused.status, 409, "{what} {status}: {}", refused.json);
        }
        assert_eq!(host.operator().get(&path).await.json, before);
    }
}

#[tokio::test]
async fn an_error_is_left_by_settling_what_is_in_doubt_or_by_a_cancel() {
    let upstream = upstream(&["crm"]).await;
    upstream.script("POST", "/crm/delete", [Reply::hang_up(), Reply::hang_up()]);
    upstream.on("POST", "/crm/delete", |_| Reply::status(200));
    let host = TestHost::start().await;
    let mut crm = system(&upstream, "crm", &["delete"]);
    crm["queries"]["delete"][0]["verb"] = json!("POST");
    connect(&host, &crm).await;
    policy(&host, "goodbye", &["delete"], json!({})).await;

    let id = seed::submit(&host, "goodbye").await;
    let request = host.wait_for_status(&id, "error").await;
    assert_eq!(request["problems"][0]["code"], "in_doubt", "{request}");
    assert_eq!(upstream.calls().len(), 1, "in an error nothing runs");
    let failure = &request["tasks"][0]["failure"];
    let settlement = json!({
        "task": request["tasks"][0]["id"], "call": failure["label"], "outcome": "not_done",
        "note": "their log has no such call",
    });
    assert_eq!(act(&host, &id, "settle", settlement.clone()).await.status, 200);
    host.wait_for_status(&id, "error").await;
    assert_eq!(upstream.calls().len(), 2, "not done is sent again");
    let mut done = settlement;
    done["outcome"] = json!("done");
    assert_eq!(act(&host, &id, "settle", done).await.status, 200);
    host.wait_for_status(&id, "complete").await;
    assert_eq!(upstream.calls().len(), 2, "done is not");

    upstream.script("POST", "/crm/delete", [Reply::hang_up()]);
    let id = seed::submit(&host, "goodbye").await;
    host.wait_for_status(&id, "error").await;
    assert_eq!(act(&host, &id, "cancel", json!({})).await.json["status"], "canceled");
}

#[tokio::test]
async fn a_policy_with_a_delete_rule_asks_for_approval_unless_it_says_otherwise() {
    let host = TestHost::start().await;
    let operator = host.operator();
    for (actions, written, expected) in [
        (vec!["access"], None, false),
        (vec!["access", "delete"], None, true),
        (vec!["optout", "identifiers"], None, false),
        (vec!["delete"], Some(false), false),
        (vec!["access"], Some(true), true),
    ] {
        let rules: Vec<Value> = actions.iter().map(|action| json!({ "action": action })).collect();
        let mut policy = json!({ "rules": rules });
        if let Some(written) = written {
            policy["requires_approval"] = json!(written);
        }
        let put = operator.put("/v1/policies/asked", &policy).await;
        assert_eq!(put.json["requires_approval"], expected, "{policy}");
    }
}
