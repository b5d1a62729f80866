//! What a component takes of the host: bodies and records are never in its memory.

use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::test_process::TestProcess;
use crate::support::upstream::{Reply, Upstream};

/// Size of the answer.
const ANSWER_BYTES: usize = 20 << 20;

/// How many runs there were, and the linear memory of all of them together.
async fn runs(operator: &Client) -> (u64, u64) {
    let metrics = operator.get_text("/metrics").await;
    let sample = |name: &str| -> u64 {
        let name = format!("cordon_guest_memory_bytes_{name}{{export=\"run\"}} ");
        let value = metrics.lines().find_map(|line| line.strip_prefix(&name));
        value.unwrap_or_else(|| panic!("no {name} in {metrics}")).parse().unwrap()
    };
    (sample("count"), sample("sum"))
}

/// The only task of an access request that is complete.
async fn access(operator: &Client) -> Value {
    let body = json!({ "policy": "access", "identities": { "email": "p@x.example" } });
    let accepted = operator.post("/v1/privacy-requests", &body).await;
    let id = accepted.json["id"].as_str().unwrap();
    operator.wait_for_status(id, "complete").await["tasks"][0].take()
}

#[tokio::test]
async fn an_answer_of_twenty_megabytes_costs_the_component_nothing() {
    let upstream = Upstream::start().await;
    let record = format!(r#"{{"note": "{}"}}"#, "x".repeat(64 << 10));
    let count = ANSWER_BYTES / record.len() + 1;
    let body = format!("[{}]", vec![record; count].join(","));
    assert!(body.len() > ANSWER_BYTES);
    upstream.on("GET", "/q", move |_| Reply::json(body.clone()));
    upstream.script("GET", "/q", [Reply::json("[]")]);
    // A process of its own: the metrics of a process are those of all its hosts.
    let process = TestProcess::start().await;
    let operator = process.operator();
    let query = json!({ "url": upstream.url("/q"), "verb": "GET", "verify_ssl": "true" });
    let connection = json!({
        "key": "large", "name": "Large", "connector_type": "api_proxy", "mode": "live",
        "capabilities": ["privacy/access"], "queries": { "test": [query], "access": [query] },
    });
    let created = operator.post("/v1/connections", &connection).await;
    assert_eq!(created.status, 201, "{:#}", created.json);
    let task = access(&operator).await;
    assert_eq!(task["finding"]["kind"], "nothing_found", "{task:#}");
    let (_, for_nothing) = runs(&operator).await;

    let task = access(&operator).await;
    assert_eq!(task["finding"]["count"], count, "{task:#}");
    assert!(task["queries"][0]["response_bytes"].as_u64().unwrap() > ANSWER_BYTES as u64);
    let (count, for_both) = runs(&operator).await;
    println!("FIGURE guest_memory answer_bytes={ANSWER_BYTES} guest_bytes={for_nothing}");
    assert_eq!((count, for_both), (2, 2 * for_nothing), "not a page more than for no answer");
    assert!(for_nothing < 4 << 20, "{for_nothing} bytes");
}
