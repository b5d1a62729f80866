//! How long the queries of a type may take, and whose limit it is.

use serde_json::{Value, json};

use super::bench::{Bench, code, connection, query};
use crate::support::seed;
use crate::support::upstream::{Reply, Upstream};

fn patient(upstream: &Upstream, verb: &str, path: &str) -> Value {
    query(upstream, path, json!({ "verb": verb, "fail_retry_response_codes": [503] }))
}

/// Busy for so long, then well.
fn busy_once(upstream: &Upstream, verb: &str, path: &str, seconds: u64) {
    upstream.on(verb, path, |_| Reply::json("[]"));
    let busy = Reply::status(503).header("retry-after", &seconds.to_string());
    upstream.script(verb, path, [busy]);
}

/// Waits for a task to wait, and moves the clock beyond it.
async fn wait_out(bench: &Bench, id: &str) {
    let waiting = bench.task_in(id, "waiting").await;
    let left = u64::try_from(bench.seconds_until(&waiting)).unwrap();
    bench.advance(left + 1);
}

#[tokio::test]
async fn all_queries_of_a_type_share_one_deadline_of_five_minutes() {
    let upstream = Upstream::start().await;
    busy_once(&upstream, "GET", "/a", 200);
    busy_once(&upstream, "GET", "/b", 200);
    let queries =
        json!({ "access": [patient(&upstream, "GET", "/a"), patient(&upstream, "GET", "/b")] });
    let bench = Bench::with(&upstream, queries).await;
    let id = bench.submit("access", json!({ "email": seed::EMAIL })).await;
    wait_out(&bench, &id).await;
    let task = bench.rested(&id).await["tasks"][0].take();
    assert_eq!(code(&task), "query_failed", "there is no time for the second: {task:#}");
    let paths: Vec<String> = upstream.calls().into_iter().map(|call| call.path).collect();
    assert_eq!(paths, ["/a", "/a", "/b"]);
}

#[tokio::test]
async fn each_type_has_a_deadline_of_its_own() {
    let upstream = Upstream::start().await;
    busy_once(&upstream, "GET", "/a", 200);
    busy_once(&upstream, "PUT", "/b", 200);
    let bench = Bench::with(
        &upstream,
        json!({
            "access": [patient(&upstream, "GET", "/a")],
            "optout": [patient(&upstream, "PUT", "/b")],
        }),
    )
    .await;
    let policy = json!({
        "key": "both", "name": "Both", "rules": [{ "action": "access" }, { "action": "optout" }],
        "requires_approval": false,
    });
    assert_eq!(bench.host.operator().post("/v1/policies", &policy).await.status, 201);
    let id = bench.submit("both", json!({ "email": seed::EMAIL })).await;
    wait_out(&bench, &id).await;
    upstream.wait_for_calls(3).await;
    wait_out(&bench, &id).await;
    assert_eq!(bench.rested(&id).await["status"], "complete");
    assert_eq!(upstream.calls().len(), 4);
}

#[tokio::test]
async fn a_deadline_that_passes_while_the_run_waits_ends_it() {
    let upstream = Upstream::start().await;
    busy_once(&upstream, "GET", "/a", 200);
    let queries = json!({ "access": [patient(&upstream, "GET", "/a")] });
    let bench = Bench::with(&upstream, queries).await;
    let id = bench.submit("access", json!({ "email": seed::EMAIL })).await;
    bench.task_in(&id, "waiting").await;
    bench.advance(400);
    let task = bench.rested(&id).await["tasks"][0].take();
    assert_eq!(code(&task), "deadline_passed", "{task:#}");
    assert_eq!(upstream.calls().len(), 1);
}

#[tokio::test]
async fn the_tenants_limit_counts_and_a_connection_may_override_it() {
    let upstream = Upstream::start().await;
    busy_once(&upstream, "GET", "/a", 90);
    let bench = Bench::start().await;
    let operator = bench.host.operator();
    let limits = json!({ "limits": { "job_timeout_seconds": 60 } });
    let patched = operator.patch_with("/v1/tenants/default", &[], &limits).await;
    assert_eq!(patched.status, 200, "{:#}", patched.json);
    let mut connection =
        connection(&upstream, json!({ "access": [patient(&upstream, "GET", "/a")] }));
    bench.connect(&connection).await;
    let task = bench.task("access").await;
    assert_eq!((code(&task), upstream.calls().len()), ("query_failed", 1), "{task:#}");

    connection["job_timeout_seconds"] = json!(120);
    let put = operator.put("/v1/connections/semantics", &connection).await;
    assert_eq!(put.status, 200, "{:#}", put.json);
    busy_once(&upstream, "GET", "/a", 90);
    let id = bench.submit("access", json!({ "email": seed::EMAIL })).await;
    wait_out(&bench, &id).await;
    assert_eq!(bench.rested(&id).await["status"], "complete");
}

#[tokio::test]
async fn a_call_that_is_under_way_is_cut_off_at_the_deadline() {
    let upstream = Upstream::start().await;
    let gate = crate::support::upstream::Gate::new();
    let held = gate.clone();
    upstream.on("GET", "/a", move |_| Reply::json("[]").held_by(&held));
    upstream.on("POST", "/b", |_| Reply::status(200));
    let bench = Bench::start().await;
    let mut connection = connection(
        &upstream,
        json!({ "access": [query(&upstream, "/a", json!({})), query(&upstream, "/a", json!({}))] }),
    );
    connection["job_timeout_seconds"] = json!(1);
    bench.connect(&connection).await;
    let task = bench.task("access").await;
    assert_eq!((code(&task), upstream.calls().len()), ("deadline_passed", 1), "{task:#}");
    gate.open();
}
