//! Verbs, bodies, redirects: what stands on the wire, and what an answer's body counts for.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use super::bench::{Bench, code, connection, query, query_to};
use crate::support::hostile;
use crate::support::package::Bundle;
use crate::support::raw_upstream::{RawUpstream, json_answer};
use crate::support::seed;
use crate::support::upstream::{Reply, Upstream};

/// Sent with every verb.
const BODY: &str = "{{\"email\": \"{email}\"}}";

#[tokio::test]
async fn any_verb_is_sent_as_it_is_written_with_its_body() {
    let upstream = Upstream::start().await;
    for (action, verb) in [
        ("optout", "PATCH"),
        ("optout", "PURGE"),
        ("optout", "patch"),
        ("optout", "M-SEARCH"),
        ("optout", "GET"),
        ("optout", "DELETE"),
        ("access", "GET"),
        ("access", "REPORT"),
    ] {
        upstream.on(verb, "/q", |_| Reply::json("[]"));
        let before = upstream.calls().len();
        let headers = json!({ "Content-Type": "application/json" });
        let more = json!({ "verb": verb, "headers": headers, "body": BODY });
        let bench = Bench::with(&upstream, json!({ action: [query(&upstream, "/q", more)] })).await;
        let task = bench.task(action).await;
        assert_eq!(task["status"], "complete", "{action} {verb}: {task:#}");
        let calls = upstream.calls();
        assert_eq!(calls.len(), before + 1, "{action} {verb}");
        assert_eq!(calls[before].method, verb);
        assert_eq!(calls[before].text(), format!("{{\"email\": \"{}\"}}", seed::EMAIL), "{verb}");
        assert_eq!(calls[before].header("content-type"), Some("application/json"));
    }
}

#[tokio::test]
async fn a_verb_that_is_no_token_and_those_that_are_never_sent_are_refused_when_written() {
    let upstream = Upstream::start().await;
    let bench = Bench::start().await;
    for (action, verb) in [
        ("optout", "TRACE"),
        ("optout", "CONNECT"),
        ("optout", "GET /x"),
        ("optout", ""),
        ("access", "DELETE"),
        ("access", "delete"),
    ] {
        let queries = json!({ action: [query(&upstream, "/q", json!({ "verb": verb }))] });
        let refused =
            bench.host.operator().post("/v1/connections", &connection(&upstream, queries)).await;
        assert_eq!(refused.status, 422, "{action} {verb:?}: {:#}", refused.json);
        let pointer = format!("/queries/{action}/0/verb");
        assert_eq!(refused.json["errors"][0]["pointer"], pointer, "{action} {verb:?}");
    }
    let mut identifiers = json!({ "access": [query(&upstream, "/q", json!({}))] });
    let delete = query(&upstream, "/q", json!({ "verb": "DELETE" }));
    identifiers["identifiers"] = json!({ "user_id": [delete] });
    let refused =
        bench.host.operator().post("/v1/connections", &connection(&upstream, identifiers)).await;
    assert_eq!(refused.json["errors"][0]["pointer"], "/queries/identifiers/user_id/0/verb");
    assert_eq!(upstream.calls().len(), 0);
}

#[tokio::test]
async fn a_redirect_is_a_status_like_any_other_and_is_not_followed() {
    let upstream = Upstream::start().await;
    upstream.on("GET", "/elsewhere", |_| Reply::json(r#"[{"a": 1}]"#));
    for (status, valid, ends) in [
        (302, json!([302]), "complete"),
        (307, json!([200, 307]), "complete"),
        (301, json!([200]), "error"),
        (308, json!([200]), "error"),
    ] {
        let location = upstream.url("/elsewhere");
        upstream.on("GET", "/q", move |_| Reply::status(status).header("location", &location));
        let more = json!({ "valid_response_codes": valid });
        let bench =
            Bench::with(&upstream, json!({ "access": [query(&upstream, "/q", more)] })).await;
        let task = bench.task("access").await;
        assert_eq!(task["status"], ends, "{status}: {task:#}");
        assert_eq!(task["queries"][0]["status"], status);
        if ends == "complete" {
            assert_eq!(task["finding"]["kind"], "nothing_found", "{status}");
        }
    }
    assert!(upstream.calls().iter().all(|call| call.path == "/q"), "same origin included");
}

fn packed(body: &str) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    packer.write_all(body.as_bytes()).unwrap();
    packer.finish().unwrap()
}

#[tokio::test]
async fn a_packed_body_is_unpacked_and_its_size_counted_after_that() {
    let upstream = Upstream::start().await;
    let body = format!(r#"[{{"note": "{}"}}]"#, "x".repeat(10_000));
    let (zipped, size) = (packed(&body), body.len());
    upstream
        .on("GET", "/q", move |_| Reply::json(zipped.clone()).header("content-encoding", "gzip"));
    let queries = json!({ "access": [query(&upstream, "/q", json!({}))] });
    let bench = Bench::with(&upstream, queries).await;
    let id = bench.submit("access", json!({ "email": seed::EMAIL })).await;
    let request = bench.rested(&id).await;
    assert_eq!(request["tasks"][0]["queries"][0]["response_bytes"], size, "{request:#}");
    let bundle = Bundle::of(&bench.host, &id).await;
    assert_eq!(bundle.json("semantics/1.json")["note"].as_str().unwrap().len(), 10_000);
}

/// A host that reads a kilobyte, with an opt-out and an access query to this upstream.
async fn small_reader(upstream: &RawUpstream) -> Bench {
    let bench = Bench::start_with(|config| config.egress.response_bytes_max = 1024).await;
    let nobody = Upstream::start().await;
    let query = |verb: &str| json!([query_to(&upstream.url("/q"), json!({ "verb": verb }))]);
    let queries = json!({ "optout": query("PUT"), "access": query("GET") });
    bench.connect(&connection(&nobody, queries)).await;
    bench
}

#[tokio::test]
async fn a_truncated_or_oversized_body_fails_where_it_is_looked_at_and_nowhere_else() {
    let large = json_answer(&format!("[{}]", " ".repeat(10_000)));
    let large = RawUpstream::answering(large).await;
    let short = RawUpstream::start(hostile::short_body).await;
    for (upstream, outcome) in [(&large, "too_large"), (&short, "truncated")] {
        let bench = small_reader(upstream).await;
        let task = bench.task("access").await;
        assert_eq!(code(&task), "query_failed", "{task:#}");
        assert_eq!(task["queries"][0]["outcome"], outcome, "{task:#}");
        let task = bench.task("optout").await;
        assert_eq!(task["finding"]["kind"], "done", "{outcome}: {task:#}");
    }
}

#[tokio::test]
async fn a_secret_that_comes_back_fails_whatever_the_action_and_its_spelling() {
    use base64::Engine as _;
    let encoded = base64::engine::general_purpose::STANDARD.encode(seed::CREDENTIALS);
    for (action, body) in [
        ("optout", format!("you sent {}", seed::CREDENTIALS)),
        ("optout", encoded.clone()),
        ("access", json!([{ "debug": encoded }]).to_string()),
    ] {
        let upstream = Upstream::start().await;
        let said = body.clone();
        upstream.on("GET", "/q", move |_| Reply::json(said.clone()));
        let more = json!({ "headers": { "Authorization": "Basic {credentials}" } });
        let queries: Value = json!({ action: [query(&upstream, "/q", more)] });
        let bench = Bench::start().await;
        seed::connect(&bench.host, &connection(&upstream, queries)).await;
        let task = bench.task(action).await;
        assert_eq!(code(&task), "secret_reflected", "{action} {body}: {task:#}");
        assert_eq!(upstream.calls().len(), 1);
        assert!(!task.to_string().contains(seed::CREDENTIALS));
    }
}
