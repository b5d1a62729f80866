//! What is found out before the first query of a task goes out.

use serde_json::{Value, json};

use super::bench::{Bench, code, query};
use crate::support::package::Bundle;
use crate::support::seed;
use crate::support::upstream::{Reply, Upstream};

async fn upstream() -> Upstream {
    let upstream = Upstream::start().await;
    for path in ["/a", "/b", "/c"] {
        upstream.on("GET", path, |_| Reply::json(r#"[{"user_id": "77", "found": true}]"#));
    }
    upstream
}

fn access(upstream: &Upstream, paths: &[&str]) -> Value {
    let queries = paths.iter().map(|path| query(upstream, path, json!({})));
    json!({ "access": queries.collect::<Vec<_>>() })
}

#[tokio::test]
async fn a_missing_identity_of_a_later_query_is_found_before_the_first_is_sent() {
    let upstream = upstream().await;
    let queries = access(&upstream, &["/a?e={email}", "/b?id={user_id}"]);
    let bench = Bench::with(&upstream, queries).await;
    let task = bench.task("access").await;
    assert_eq!(
        (code(&task), &task["failure"]["label"]),
        ("missing_placeholder", &json!("access/1"))
    );
    assert_eq!(upstream.calls().len(), 0);
}

#[tokio::test]
async fn no_value_passes_from_a_query_to_the_next() {
    // The first answers with the very name that the second wants.
    let upstream = upstream().await;
    let queries = access(&upstream, &["/a?e={email}", "/b?id={user_id}"]);
    let bench = Bench::with(&upstream, queries).await;
    let identities = json!({ "email": seed::EMAIL, "user_id": "1" });
    let id = bench.submit("access", identities).await;
    assert_eq!(bench.rested(&id).await["status"], "complete");
    assert_eq!(upstream.calls()[1].query, "id=1", "what was submitted, not what was found");
}

#[tokio::test]
async fn queries_of_a_type_run_in_order_each_after_the_answer_to_the_one_before() {
    let upstream = upstream().await;
    let gate = crate::support::upstream::Gate::new();
    upstream.script("GET", "/a", [Reply::json("[]").held_by(&gate)]);
    let bench = Bench::with(&upstream, access(&upstream, &["/a", "/b", "/c"])).await;
    let id = bench.submit("access", json!({ "email": seed::EMAIL })).await;
    upstream.wait_for_calls(1).await;
    gate.open();
    let request = bench.rested(&id).await;
    let paths: Vec<String> = upstream.calls().into_iter().map(|call| call.path).collect();
    assert_eq!(paths, ["/a", "/b", "/c"]);
    let names: Vec<&str> = request["tasks"][0]["queries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|query| query["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["access/0", "access/1", "access/2"]);
}

#[tokio::test]
async fn a_query_that_may_be_skipped_is_and_the_report_says_so() {
    let upstream = upstream().await;
    let skipped = query(&upstream, "/b?id={user_id}", json!({ "when_missing": "skip" }));
    let queries = json!({ "access": [skipped, query(&upstream, "/a?e={email}", json!({}))] });
    let bench = Bench::with(&upstream, queries).await;
    let id = bench.submit("access", json!({ "email": seed::EMAIL })).await;
    let request = bench.rested(&id).await;
    assert_eq!(request["status"], "complete", "{request:#}");
    assert_eq!(
        request["tasks"][0]["skipped_queries"],
        json!([{ "name": "access/0", "reason": "missing_placeholder", "placeholder": "user_id" }])
    );
    let paths: Vec<String> = upstream.calls().into_iter().map(|call| call.path).collect();
    assert_eq!(paths, ["/a"]);
    let manifest = Bundle::of(&bench.host, &id).await.json("manifest.json");
    assert!(manifest["omissions"].to_string().contains("access/0"), "{manifest:#}");
}

#[tokio::test]
async fn identities_that_combine_in_too_many_ways_fail_the_task_before_its_first_query() {
    let upstream = upstream().await;
    let queries = access(&upstream, &["/a?e={email}", "/b?e={email}&id={user_id}"]);
    let bench = Bench::with(&upstream, queries).await;
    let emails = |count: usize| (0..count).map(|n| format!("p{n}@x.example")).collect::<Vec<_>>();
    let ids: Vec<String> = (0..10).map(|n| n.to_string()).collect();

    let many = json!({ "email": emails(11), "user_id": ids });
    let id = bench.submit("access", many).await;
    let task = bench.rested(&id).await["tasks"][0].take();
    assert_eq!(
        (code(&task), &task["failure"]["label"]),
        ("too_many_combinations", &json!("access/1"))
    );
    assert_eq!(upstream.calls().len(), 0);

    let id = bench.submit("access", json!({ "email": emails(10), "user_id": ids })).await;
    assert_eq!(bench.rested(&id).await["status"], "complete");
    assert_eq!(upstream.calls().len(), 10 + 100, "a hundred is not too many");
}
