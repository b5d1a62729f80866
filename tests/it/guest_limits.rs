//! What connectors may use together and in time: processor time, memory, and places to run in.
//! What each may use by itself is in `sandbox`.

use std::time::{Duration, Instant};

use cordon_cli::config::Config;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::client::Client;
use crate::support::seed;
use crate::support::test_host::TestHost;
use crate::support::upstream::{Gate, Reply, Upstream};

const PATIENCE: Duration = Duration::from_secs(30);

/// A host whose connectors reach this machine.
async fn host(set: impl FnOnce(&mut Config)) -> TestHost {
    TestHost::start_configured(|config| {
        let networks = ["127.0.0.0/8", "::1/128"];
        config.egress.development_networks =
            networks.iter().map(|network| network.parse().unwrap()).collect();
        config.engine.tick = Duration::from_millis(10);
        config.engine.host_retry = Duration::from_millis(50);
        set(config);
    })
    .await
}

/// An upstream that answers an access query when the gate is open.
async fn held(gate: &Gate) -> Upstream {
    let (upstream, gate) = (seed::upstream().await, gate.clone());
    upstream.on("GET", "/v0/users", move |_| Reply::json(seed::ACCESS).held_by(&gate));
    upstream
}

/// The example's connection of a tenant.
async fn connect(tenant: &Client, connection: &Value) {
    let created = tenant.post("/v1/connections", connection).await;
    assert_eq!(created.status, 201, "{}", created.json);
    let key = created.json["key"].as_str().unwrap();
    let secrets = json!({ "credentials": seed::CREDENTIALS });
    let stored = tenant.put(&format!("/v1/connections/{key}/secrets"), &secrets).await;
    assert_eq!(stored.status, 200, "{}", stored.json);
}

async fn submit(tenant: &Client) -> String {
    let body = json!({ "policy": "access", "identities": { "email": seed::EMAIL } });
    let accepted = tenant.post("/v1/privacy-requests", &body).await;
    assert_eq!(accepted.status, 202, "{}", accepted.json);
    accepted.json["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_connector_that_uses_up_its_processor_time_is_stopped_long_before_its_deadline() {
    let host = host(|config| {
        config.runtime.processor_time_max = Duration::from_millis(200);
    })
    .await;
    let upstream = Upstream::start().await;
    let connection = json!({
        "key": "scripted",
        "name": "Scripted",
        "connector_type": "scripted",
        "capabilities": ["privacy/access"],
        "mode": "live",
        "config": { "behave": "spin", "origin": upstream.url("") },
    });
    let created = host.operator().post("/v1/connections", &connection).await;
    assert_eq!(created.status, 201, "{}", created.json);
    let began = Instant::now();
    let id = submit(&host.operator()).await;
    let failed = host.wait_for_status(&id, "error").await;
    assert!(began.elapsed() < PATIENCE, "its deadline is in five minutes");
    let failure = &failed["tasks"][0]["failure"];
    assert_eq!(failure["code"], "limit_reached");
    assert_eq!(failure["detail"], "the connector used up its processor time of 200ms");
}

#[tokio::test]
async fn a_call_for_which_its_tenant_has_no_memory_left_is_made_later_and_nobody_else_waits() {
    let host = host(|config| {
        // One call of the example fits, two do not.
        config.runtime.memory_bytes_max = 3 << 20;
        config.engine.allowance.guest_memory_bytes_max = config.runtime.call_memory_bytes();
    })
    .await;
    let gate = Gate::new();
    let upstream = held(&gate).await;
    let short = host.tenant("short").await;
    connect(&short, &seed::connection(&upstream)).await;
    let first = submit(&short).await;
    upstream.wait_for_calls(1).await;
    let second = submit(&short).await;

    let free = seed::upstream().await;
    let other = host.tenant("other").await;
    connect(&other, &seed::connection(&free)).await;
    let done = submit(&other).await;
    other.wait_for_status(&done, "complete").await;

    let calls = upstream.calls().len();
    let shown = short.get(&format!("/v1/privacy-requests/{second}")).await;
    assert_eq!(shown.json["status"], "in_processing");
    assert_eq!(calls, 1, "the second has not begun");
    gate.open();
    for id in [first, second] {
        short.wait_for_status(&id, "complete").await;
    }
}

#[tokio::test]
async fn a_connection_has_so_many_calls_at_a_time_and_the_others_of_its_tenant_go_on() {
    let host = host(|config| config.engine.allowance.connection_calls_max = 1).await;
    let gate = Gate::new();
    let upstream = held(&gate).await;
    let operator = host.operator();
    connect(&operator, &seed::connection(&upstream)).await;
    let first = submit(&operator).await;
    upstream.wait_for_calls(1).await;
    let second = submit(&operator).await;
    let connection = seed::connection(&upstream);
    let stored = operator.put("/v1/connections/user-service", &connection).await;
    assert_eq!(stored.status, 200, "what is asked of no connection passes: {}", stored.json);
    let waits = async {
        while !operator.get_text("/metrics").await.contains("cordon_connector_calls_waiting") {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waits).await.expect("the second call waits");
    assert_eq!(upstream.calls().len(), 1, "the second waits for its place");
    gate.open();
    for id in [first, second] {
        operator.wait_for_status(&id, "complete").await;
    }
}

#[tokio::test]
async fn more_calls_than_may_wait_are_told_to_come_again() {
    let host = host(|config| {
        config.runtime.instances_max = 1;
        config.runtime.calls_waiting_max = 1;
        config.engine.allowance.calls_max = 1;
        config.engine.allowance.connection_calls_max = 1;
    })
    .await;
    let gate = Gate::new();
    let upstream = held(&gate).await;
    let operator = host.operator();
    let connection = seed::connection(&upstream);
    connect(&operator, &connection).await;
    let id = submit(&operator).await;
    upstream.wait_for_calls(1).await;
    let mut storing = JoinSet::new();
    for _ in 0..2 {
        let (operator, connection) = (operator.clone(), connection.clone());
        storing
            .spawn(async move { operator.put("/v1/connections/user-service", &connection).await });
    }
    let refused = storing.join_next().await.unwrap().unwrap();
    assert_eq!(refused.status, 503, "{}", refused.json);
    gate.open();
    let stored = storing.join_next().await.unwrap().unwrap();
    assert_eq!(stored.status, 200, "{}", stored.json);
    operator.wait_for_status(&id, "complete").await;
}

#[tokio::test]
async fn a_run_that_finds_more_records_than_it_may_fails_and_stores_none() {
    let host = host(|config| config.runtime.records_max = 2).await;
    let upstream = seed::upstream().await;
    upstream.on("GET", "/v0/users", |_| Reply::json(r#"[{"n": 1}, {"n": 2}, {"n": 3}]"#));
    let operator = host.operator();
    connect(&operator, &seed::connection(&upstream)).await;
    let id = submit(&operator).await;
    let failed = host.wait_for_status(&id, "error").await;
    let failures: Vec<_> = failed["tasks"].as_array().unwrap().iter().map(failure_of).collect();
    assert!(
        failures.contains(&("limit_reached", "the run found more than 2 records")),
        "{failures:?}"
    );
}

fn failure_of(task: &Value) -> (&str, &str) {
    let failure = &task["failure"];
    (failure["code"].as_str().unwrap_or(""), failure["detail"].as_str().unwrap_or(""))
}
