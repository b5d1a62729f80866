//! `plugins/examples/asks_first`, as its README says.

use serde_json::json;

use super::{Bench, EMAILS};
use crate::support::stranger;
use crate::support::upstream::Reply;

const COMPONENT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/asks_first.wasm"));

/// The first email has an account, the second one is not known.
async fn bench() -> Bench {
    let bench = Bench::of(COMPONENT, "accounts", &["privacy/delete"], json!({})).await;
    let found = Reply::json(r#"{"id": "a-7"}"#);
    bench.upstream.script("GET", "/v1/accounts", [found, Reply::status(404)]);
    bench.upstream.on("DELETE", "/v1/accounts/a-7", |_| Reply::status(204));
    bench
}

#[tokio::test]
async fn nothing_is_deleted_before_a_person_has_approved_it() {
    let bench = bench().await;
    bench.test_passes().await;
    let id = bench.submit("delete").await;
    bench.operator.wait_for_status(&id, "requires_input").await;
    let [first, second] = EMAILS.map(|email| format!("GET /v1/accounts?email={email}"));
    assert_eq!(bench.calls(), ["GET /v1/ping".to_owned(), first, second]);

    bench.supply(&id, json!({ "ticket": "LEGAL-1" })).await;
    let request = bench.operator.wait_for_status(&id, "complete").await;
    assert_eq!(bench.calls()[3..], ["DELETE /v1/accounts/a-7"]);
    let finding = &request["tasks"][0]["finding"];
    assert_eq!((&finding["kind"], &finding["verified"]), (&json!("done"), &json!(true)));
}

/// The deletions are made of the answers to the questions before: not one of them is shown.
#[tokio::test]
async fn a_dry_run_says_that_it_may_send_more_than_it_shows() {
    let bench = Bench::waiting(COMPONENT, "accounts", &["privacy/delete"], json!({})).await;
    let deletions = json!([{
        "methods": ["DELETE"], "origin": bench.upstream.url(""), "path_prefix": "/v1/accounts",
        "secrets": ["api_key"],
    }]);
    let body = json!({ "action": "delete", "identities": { "email": "ada@home.example" } });
    for ready in [false, true] {
        let run = bench.operator.post("/v1/connections/people/dry-run", &body).await.json;
        assert_eq!(run["ready"], ready, "{run:#}");
        assert_eq!(run["requests"].as_array().unwrap().len(), 1, "{run:#}");
        assert_eq!(run["may_also_send"], deletions, "granted or not: {run:#}");
        if !ready {
            stranger::grant(&bench.operator, "people").await;
        }
    }
    assert_eq!(bench.upstream.calls().len(), 0);
}

#[tokio::test]
async fn a_deletion_that_is_not_approved_is_an_error_and_sends_nothing() {
    let bench = bench().await;
    let id = bench.submit("delete").await;
    bench.supply(&id, json!({ "notes": "legal hold" })).await;
    let failed = bench.operator.wait_for_status(&id, "error").await;
    assert_eq!(failed["tasks"][0]["failure"]["code"], "unsupported", "{failed:#}");
    assert_eq!(bench.calls().len(), 2, "the two that looked for accounts");
}

#[tokio::test]
async fn nobody_is_asked_about_somebody_who_has_no_account() {
    let bench = Bench::of(COMPONENT, "accounts", &["privacy/delete"], json!({})).await;
    bench.upstream.on("GET", "/v1/accounts", |_| Reply::status(404));
    let request = bench.complete("delete").await;
    assert_eq!(request["tasks"][0]["finding"]["kind"], "nothing_found");
}
