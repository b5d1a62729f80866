//! Which status means what, and when a query is sent again.

use std::time::Duration;

use cordon_model::port::Clock as _;
use serde_json::{Value, json};

use super::bench::{Bench, code, query};
use crate::support::seed;
use crate::support::upstream::{Reply, Upstream};

/// An access query that is tried again after a 503.
fn patient(upstream: &Upstream, path: &str) -> Value {
    query(upstream, path, json!({ "fail_retry_response_codes": [503] }))
}

fn busy(seconds: &str) -> Reply {
    Reply::status(503).header("retry-after", seconds)
}

#[tokio::test]
async fn a_valid_code_succeeds_a_retry_code_is_tried_again_and_any_other_fails_after_one_request() {
    let upstream = Upstream::start().await;
    let more = json!({
        "verb": "POST", "valid_response_codes": [200, 202], "fail_retry_response_codes": [503, 409],
    });
    let bench = Bench::with(&upstream, json!({ "optout": [query(&upstream, "/q", more)] })).await;
    for (statuses, outcome) in [
        (&[202][..], "success"),
        (&[503, 409, 200], "success"),
        (&[201], "unexpected_status"),
        (&[204], "unexpected_status"),
        (&[500], "unexpected_status"),
        (&[503, 404], "unexpected_status"),
    ] {
        let before = upstream.calls().len();
        upstream.script("POST", "/q", statuses.iter().copied().map(Reply::status));
        let task = bench.task("optout").await;
        let query = &task["queries"][0];
        assert_eq!(query["outcome"], outcome, "{statuses:?}: {task:#}");
        assert_eq!(query["status"], *statuses.last().unwrap(), "{statuses:?}");
        assert_eq!(query["attempts"], statuses.len(), "{statuses:?}");
        assert_eq!(upstream.calls().len() - before, statuses.len(), "{statuses:?}");
    }
}

#[tokio::test]
async fn a_query_is_sent_at_most_five_times() {
    let upstream = Upstream::start().await;
    upstream.on("GET", "/q", |_| Reply::status(503));
    let bench = Bench::with(&upstream, json!({ "access": [patient(&upstream, "/q")] })).await;
    let task = bench.task("access").await;
    assert_eq!((code(&task), &task["queries"][0]["attempts"]), ("query_failed", &json!(5)));
    assert_eq!(upstream.calls().len(), 5);
}

#[tokio::test]
async fn a_long_retry_after_in_seconds_suspends_the_run_and_repeats_it_from_the_journal() {
    let upstream = Upstream::start().await;
    upstream.on("POST", "/first", |_| Reply::status(200));
    upstream.on("POST", "/second", |_| Reply::status(200));
    upstream.script("POST", "/second", [busy("120")]);
    let mut second = patient(&upstream, "/second");
    second["verb"] = json!("POST");
    let first = query(&upstream, "/first", json!({ "verb": "POST" }));
    // One instance at a time: while the run waits somebody else can have it.
    let bench = Bench::start_with(|config| config.runtime.instances_max = 1).await;
    bench.connect(&super::bench::connection(&upstream, json!({ "optout": [first, second] }))).await;
    upstream.on("GET", "/up", |_| Reply::status(200));
    let id = bench.submit("optout", json!({ "email": seed::EMAIL })).await;

    let waiting = bench.task_in(&id, "waiting").await;
    assert!((110..=120).contains(&bench.seconds_until(&waiting)), "{waiting:#}");
    let operator = bench.host.operator();
    let tested = operator.post("/v1/connections/semantics/test", &json!({})).await;
    assert_eq!(tested.json["healthy"], true, "no instance waits: {:#}", tested.json);
    bench.advance(60);
    let tested = operator.post("/v1/connections/semantics/test", &json!({})).await;
    assert_eq!(tested.json["healthy"], true);
    let posts = |upstream: &Upstream| {
        let calls = upstream.calls().into_iter().filter(|call| call.method == "POST");
        calls.map(|call| call.path).collect::<Vec<_>>()
    };
    assert_eq!(posts(&upstream), ["/first", "/second"], "it is too early");

    bench.advance(61);
    let request = bench.rested(&id).await;
    assert_eq!(request["status"], "complete", "{request:#}");
    assert_eq!(posts(&upstream), ["/first", "/second", "/second"], "the first is on record");
    let queries = &request["tasks"][0]["queries"];
    assert_eq!(
        (&queries[0]["outcome"], &queries[1]["outcome"], &queries[1]["attempts"]),
        (&json!("replayed"), &json!("success"), &json!(2))
    );
}

#[tokio::test]
async fn a_retry_after_may_be_a_date() {
    let upstream = Upstream::start().await;
    let bench = Bench::with(&upstream, json!({ "access": [patient(&upstream, "/q")] })).await;
    let at = bench.clock.now() + Duration::from_secs(90);
    let date = at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    upstream.on("GET", "/q", |_| Reply::json("[]"));
    upstream.script("GET", "/q", [busy(&date)]);
    let id = bench.submit("access", json!({ "email": seed::EMAIL })).await;
    let waiting = bench.task_in(&id, "waiting").await;
    assert!((80..=90).contains(&bench.seconds_until(&waiting)), "{waiting:#}");
    bench.advance(91);
    assert_eq!(bench.rested(&id).await["status"], "complete");
    assert_eq!(upstream.calls().len(), 2);
}

#[tokio::test]
async fn a_date_that_has_passed_and_words_that_are_none_are_not_waited_for() {
    let upstream = Upstream::start().await;
    upstream.on("GET", "/q", |_| Reply::json("[]"));
    let bench = Bench::with(&upstream, json!({ "access": [patient(&upstream, "/q")] })).await;
    for said in ["Wed, 21 Oct 2015 07:28:00 GMT", "soon", "-1", "0"] {
        let before = upstream.calls().len();
        upstream.script("GET", "/q", [busy(said)]);
        let task = bench.task("access").await;
        assert_eq!(task["queries"][0]["attempts"], 2, "{said}: {task:#}");
        assert_eq!(upstream.calls().len() - before, 2, "{said}");
    }
}

#[tokio::test]
async fn a_retry_after_is_capped() {
    let upstream = Upstream::start().await;
    upstream.on("GET", "/q", |_| Reply::json("[]"));
    upstream.script("GET", "/q", [busy("999999999999")]);
    let bench = Bench::start().await;
    let mut connection =
        super::bench::connection(&upstream, json!({ "access": [patient(&upstream, "/q")] }));
    connection["job_timeout_seconds"] = json!(86_400);
    bench.connect(&connection).await;
    let id = bench.submit("access", json!({ "email": seed::EMAIL })).await;
    let waiting = bench.task_in(&id, "waiting").await;
    assert!((3_500..=3_600).contains(&bench.seconds_until(&waiting)), "{waiting:#}");
    bench.advance(3_601);
    assert_eq!(bench.rested(&id).await["status"], "complete");
}

#[tokio::test]
async fn suspensions_count_as_tries() {
    let upstream = Upstream::start().await;
    upstream.on("GET", "/q", |_| busy("20"));
    let bench = Bench::with(&upstream, json!({ "access": [patient(&upstream, "/q")] })).await;
    let id = bench.submit("access", json!({ "email": seed::EMAIL })).await;
    for sent in 1..5 {
        upstream.wait_for_calls(sent).await;
        bench.task_in(&id, "waiting").await;
        bench.advance(21);
    }
    let task = bench.rested(&id).await["tasks"][0].take();
    assert_eq!((code(&task), upstream.calls().len()), ("query_failed", 5), "{task:#}");
}

#[tokio::test]
async fn no_wait_passes_the_deadline() {
    let upstream = Upstream::start().await;
    upstream.on("GET", "/q", |_| busy("301"));
    let bench = Bench::with(&upstream, json!({ "access": [patient(&upstream, "/q")] })).await;
    let task = bench.task("access").await;
    assert_eq!((code(&task), upstream.calls().len()), ("query_failed", 1), "{task:#}");
    assert_eq!(task["queries"][0]["status"], 503);
}
