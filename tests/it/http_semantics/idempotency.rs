//! What becomes of a call that nobody answered.

use std::net::{Ipv4Addr, TcpListener};

use serde_json::{Value, json};

use super::bench::{Bench, code, query, query_to};
use crate::support::upstream::{Call, Reply, Upstream};

/// What an action does about a call whose connection broke after it was sent.
async fn after_a_hang_up(action: &str, verb: &str, idempotent: Option<bool>) -> (Vec<Call>, Value) {
    let upstream = Upstream::start().await;
    upstream.on(verb, "/q", |_| Reply::json("[]"));
    upstream.script(verb, "/q", [Reply::hang_up()]);
    let mut more = json!({ "verb": verb });
    if let Some(idempotent) = idempotent {
        more["idempotent"] = json!(idempotent);
    }
    let bench = Bench::with(&upstream, json!({ action: [query(&upstream, "/q", more)] })).await;
    let task = bench.task(action).await;
    (upstream.calls(), task)
}

#[tokio::test]
async fn a_call_without_an_answer_is_sent_again_if_twice_is_as_good_as_once_else_it_is_in_doubt() {
    for (action, verb, idempotent, again) in [
        ("optout", "GET", None, true),
        ("optout", "PUT", None, true),
        ("optout", "DELETE", None, true),
        ("optout", "POST", None, false),
        ("optout", "PATCH", None, false),
        ("optout", "PURGE", None, false),
        ("optout", "POST", Some(true), true),
        ("optout", "PUT", Some(false), false),
        ("access", "GET", None, true),
        ("access", "POST", None, true),
        ("access", "SEARCH", None, true),
        ("access", "POST", Some(false), false),
    ] {
        let (calls, task) = after_a_hang_up(action, verb, idempotent).await;
        let what = format!("{action} {verb} {idempotent:?}: {task:#}");
        if again {
            assert_eq!((calls.len(), &task["status"]), (2, &json!("complete")), "{what}");
            let keys: Vec<_> = calls.iter().map(|call| call.header("idempotency-key")).collect();
            assert_eq!(keys[0], keys[1], "{what}");
            let unsafe_call = action == "optout" && verb != "GET";
            assert_eq!(keys[0].is_some(), unsafe_call, "{what}");
        } else {
            assert_eq!((calls.len(), code(&task)), (1, "in_doubt"), "{what}");
        }
    }
}

#[tokio::test]
async fn in_a_test_every_verb_counts_as_idempotent() {
    let upstream = Upstream::start().await;
    upstream.on("POST", "/ping", |_| Reply::status(200));
    upstream.script("POST", "/ping", [Reply::hang_up()]);
    let bench = Bench::start().await;
    let queries = json!({ "access": [query(&upstream, "/q", json!({}))] });
    let mut connection = super::bench::connection(&upstream, queries);
    connection["queries"]["test"] = json!([query(&upstream, "/ping", json!({ "verb": "POST" }))]);
    bench.connect(&connection).await;
    let path = "/v1/connections/semantics/test";
    let tested = bench.host.operator().post(path, &json!({})).await;
    assert_eq!(tested.json["healthy"], true, "{:#}", tested.json);
    assert_eq!(upstream.calls().len(), 2);
}

#[tokio::test]
async fn a_post_of_which_nothing_went_out_is_tried_again_and_never_in_doubt() {
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://{}/q", closed.local_addr().unwrap());
    drop(closed);
    let upstream = Upstream::start().await;
    let post = query_to(&url, json!({ "verb": "POST" }));
    let bench = Bench::with(&upstream, json!({ "optout": [post] })).await;
    let task = bench.task("optout").await;
    let query = &task["queries"][0];
    assert_eq!(code(&task), "query_failed", "{task:#}");
    assert_eq!((&query["outcome"], &query["attempts"]), (&json!("unreachable"), &json!(5)));
}

#[tokio::test]
async fn two_calls_of_a_task_have_two_keys_and_a_status_that_is_tried_again_keeps_its_own() {
    let upstream = Upstream::start().await;
    upstream.on("POST", "/a", |_| Reply::status(200));
    upstream.on("POST", "/b", |_| Reply::status(200));
    upstream.script("POST", "/a", [Reply::status(503)]);
    let post = |path| {
        query(&upstream, path, json!({ "verb": "POST", "fail_retry_response_codes": [503] }))
    };
    let bench = Bench::with(&upstream, json!({ "optout": [post("/a"), post("/b")] })).await;
    let task = bench.task("optout").await;
    assert_eq!(task["status"], "complete", "{task:#}");
    let calls = upstream.calls();
    let keys: Vec<_> = calls.iter().map(|call| call.header("idempotency-key").unwrap()).collect();
    assert_eq!(keys.len(), 3);
    assert_eq!(keys[0], keys[1]);
    assert_ne!(keys[1], keys[2]);
}
