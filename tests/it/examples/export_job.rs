//! `plugins/examples/export_job`, as its README says.

use serde_json::json;

use super::Bench;
use crate::support::upstream::Reply;

const COMPONENT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/export_job.wasm"));

/// Not ready; to be asked for again at once.
fn not_ready() -> Reply {
    Reply::status(202).header("retry-after", "0")
}

/// The first email has an export, the second one is not known.
async fn bench() -> Bench {
    let bench = Bench::of(COMPONENT, "exports", &["privacy/access"], json!({})).await;
    let unknown = Reply::status(404).header("retry-after", "0");
    bench.upstream.script("POST", "/v1/exports", [not_ready().body(r#"{"job": "e 17"}"#), unknown]);
    bench.upstream.on("GET", "/v1/exports/e%2017", |_| not_ready());
    bench
}

#[tokio::test]
async fn an_export_is_begun_waited_for_over_a_restart_and_fetched() {
    let mut bench = bench().await;
    bench.test_passes().await;
    let id = bench.submit("access").await;
    // The test, two starts, and some polls.
    bench.upstream.wait_for_calls(5).await;
    bench.host.restart().await;
    bench.operator = bench.host.operator();
    bench.upstream.on("GET", "/v1/exports/e%2017", |_| Reply::status(200));
    bench.upstream.on("GET", "/v1/exports/e%2017/records", |_| Reply::json(r#"[{"id": 1}]"#));
    let request = bench.operator.wait_for_status(&id, "complete").await;
    assert_eq!(bench.package(&request).await.lines("people/1.csv"), ["id,1"]);

    let calls = bench.calls();
    assert_eq!(calls.iter().filter(|call| *call == "POST /v1/exports").count(), 2, "once each");
    assert_eq!(calls.last().unwrap(), "GET /v1/exports/e%2017/records");
    let bodies = bench.upstream.calls();
    assert_eq!(bodies[1].text(), r#"{"email": "ada+dsr@initech.example"}"#);
}

#[tokio::test]
async fn an_export_that_is_given_up_fails_its_query() {
    let bench = bench().await;
    bench.upstream.on("GET", "/v1/exports/e%2017", |_| Reply::status(410));
    let id = bench.submit("access").await;
    let failed = bench.operator.wait_for_status(&id, "error").await;
    let failure = &failed["tasks"][0]["failure"];
    assert_eq!(bench.calls().last().unwrap(), "GET /v1/exports/e%2017");
    assert_eq!(
        (&failure["code"], &failure["label"]),
        (&json!("query_failed"), &json!("access/poll"))
    );
}
