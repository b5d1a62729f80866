//! A component that was built against the first state of the contract is admitted and runs as it
//! did: within a version the contract grows by imported functions only. How it was made stands
//! beside it.

use serde_json::json;

use super::{API_KEY, Bench};
use crate::support::upstream::{Call, Reply};

const COMPONENT: &[u8] = include_bytes!("../../data/connectors/built-against-0.1.0.wasm");

const ALL: [&str; 2] = ["privacy/access", "privacy/identifiers"];

async fn bench(everything: bool) -> Bench {
    let more = json!({ "everything": everything });
    let bench = Bench::of(COMPONENT, "first_contract", &ALL, more).await;
    bench.upstream.on("GET", "/people", |call: &Call| {
        assert!(!call.headers.contains_key("authorization"), "{API_KEY} is not asked for");
        Reply::json(r#"[{"id": 7}]"#)
    });
    bench
}

#[tokio::test]
async fn it_is_admitted_tested_and_run() {
    let bench = bench(false).await;
    bench.test_passes().await;
    let request = bench.complete("access").await;
    assert_eq!(bench.package(&request).await.lines("people/1.csv"), ["id,7"]);
    assert_eq!(bench.upstream.calls()[1].query, "email=ada%2Bdsr%40initech.example");
}

#[tokio::test]
async fn every_function_that_it_imports_does_what_it_did() {
    let bench = bench(true).await;
    let id = bench.submit("access").await;
    bench.supply(&id, json!({ "found": "a folder" })).await;
    let request = bench.operator.wait_for_status(&id, "complete").await;
    let package = bench.package(&request).await;
    assert_eq!(package.lines("people/1.csv"), ["id,7"]);
    assert_eq!(package.lines("people/2.csv"), ["found,a folder"]);
    assert_eq!(
        package.lines("people/3.csv"),
        ["status,200", "type,application/json", "first_id,7", "begins,91", "at,7", "kept,1"]
    );
    assert_eq!(bench.upstream.calls().len(), 2, "one before it waited, one after it asked");
}

#[tokio::test]
async fn it_finds_identities() {
    let bench = bench(false).await;
    bench.upstream.on("GET", "/ids", |_| Reply::json(r#"[{"user_id": "u-1"}]"#));
    let request = bench.complete("identifiers").await;
    let found = bench.package(&request).await.json("identities.json");
    assert_eq!((&found[0]["kind"], &found[0]["value"]), (&json!("user_id"), &json!("u-1")));
}
