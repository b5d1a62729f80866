//! How much a tenant may use: set, shown, enforced at once, and how often who may call.

use std::time::Duration;

use cordon_cli::config::{Config, Environment};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::support::client::{Client, Response};
use crate::support::seed;
use crate::support::test_host::TestHost;
use crate::support::upstream::{Gate, Reply};

/// One limit of a list, by its name.
fn limit<'v>(list: &'v Value, name: &str) -> &'v Value {
    let found = list.as_array().unwrap().iter().find(|limit| limit["name"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {list:#}"))
}

fn problems(refused: &Response) -> Vec<(&str, &str)> {
    assert_eq!(refused.status, 422, "{}", refused.json);
    let errors = refused.json["errors"].as_array().unwrap().iter();
    errors.map(|e| (e["code"].as_str().unwrap(), e["pointer"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn what_was_set_and_what_is_in_force_are_shown_side_by_side() {
    let host = TestHost::start().await;
    let operator = host.operator_without_tenant();
    let body = json!({"name": "acme", "limits": {"calls_in_flight": 8, "requests_in_flight": 3}});
    let created = operator.post("/v1/tenants", &body).await;
    assert_eq!(created.status, 201, "{}", created.json);
    assert_eq!(created.json["limits"]["calls_in_flight"], 8);
    assert_eq!(created.json["limits"]["job_timeout_seconds"], Value::Null);
    let effective = &created.json["effective_limits"];
    assert_eq!(effective["calls_in_flight"], 8);
    assert_eq!(effective["connection_calls_in_flight"], 8, "no more than its tenant");
    assert_eq!(effective["requests_in_flight"], 3);
    assert_eq!(effective["job_timeout_seconds"], 300);
    let back = json!({"limits": {"calls_in_flight": null}});
    let patched = operator.patch_with("/v1/tenants/acme", &[], &back).await;
    assert_eq!(patched.json["limits"]["calls_in_flight"], Value::Null, "{}", patched.json);
    assert_eq!(patched.json["limits"]["requests_in_flight"], 3, "member by member");
    assert_eq!(patched.json["effective_limits"]["connection_calls_in_flight"], 16);
}

#[tokio::test]
async fn a_limit_that_cannot_be_enforced_is_refused_where_it_stands_and_nothing_is_stored() {
    let host = TestHost::start_configured(|config| {
        config.runtime.instances_max = 20;
        config.runtime.guest_memory_bytes_max = Some(1 << 30);
        config.engine.requests_in_flight_max = 10;
    })
    .await;
    let operator = host.operator_without_tenant();
    let before = operator.get("/v1/tenants/default").await.json;
    let out_of_range = |name: &str| format!("/limits/{name}");
    for (name, value) in [
        ("job_timeout_seconds", 0),
        ("job_timeout_seconds", 86_401),
        ("guest_memory_bytes", 1 << 20),
        ("guest_memory_bytes", (1 << 30) + 1),
        ("calls_in_flight", 0),
        ("calls_in_flight", 21),
        ("connection_calls_in_flight", 21),
        ("requests_in_flight", 11),
        ("requests_in_flight", u64::MAX),
        ("api_requests_per_minute", 0),
        ("api_requests_per_minute", 1_000_001),
    ] {
        let body = json!({ "limits": { name: value } });
        let refused = operator.patch_with("/v1/tenants/default", &[], &body).await;
        assert_eq!(problems(&refused), [("out_of_range", out_of_range(name).as_str())], "{value}");
    }
    let above = json!({"limits": {"calls_in_flight": 4, "connection_calls_in_flight": 5}});
    let refused = operator.patch_with("/v1/tenants/default", &[], &above).await;
    assert_eq!(problems(&refused), [("out_of_range", "/limits/connection_calls_in_flight")]);
    let both = json!({"limits": {"calls_in_flight": 0, "requests_in_flight": 0}});
    let refused = operator.patch_with("/v1/tenants/default", &[], &both).await;
    assert_eq!(problems(&refused).len(), 2, "all at once");
    assert_eq!(operator.get("/v1/tenants/default").await.json, before);
}

#[tokio::test]
async fn every_limit_is_told_with_who_says_so_and_a_tenant_learns_nothing_of_the_host() {
    let text = "[limits]\nrequests_in_flight = 100\n[limits.tenant]\nrequests_in_flight = 40";
    let environment = Environment::from([("CORDON_LIMITS_TENANT_CALLS_IN_FLIGHT", "12")]);
    let configured = Config::parse(text, &environment).unwrap();
    let host = TestHost::start_configured(|config| {
        config.engine = configured.engine;
        config.given = configured.given;
    })
    .await;
    let acme = host.tenant("acme").await;
    let operator = host.operator_without_tenant();
    let own = json!({"limits": {"job_timeout_seconds": 60}});
    assert_eq!(operator.patch_with("/v1/tenants/acme", &[], &own).await.status, 200);

    let told = acme.get("/v1/limits").await.json;
    assert_eq!((&told["tenant"], &told["host_limits"]), (&json!("acme"), &json!([])));
    for (name, value, source) in [
        ("job_timeout_seconds", 60, "tenant"),
        ("requests_in_flight", 40, "configuration"),
        ("calls_in_flight", 12, "configuration"),
        ("connection_calls_in_flight", 12, "default"),
        ("api_requests_per_minute", 6_000, "default"),
    ] {
        let limit = limit(&told["tenant_limits"], name);
        assert_eq!((&limit["value"], &limit["source"]), (&json!(value), &json!(source)), "{name}");
    }
    assert_eq!(limit(&told["tenant_limits"], "requests_in_flight")["in_use"], 0);
    let named = [("Cordon-Tenant", "acme")];
    assert_eq!(operator.call("GET", "/v1/limits", &named, None).await.json, told);

    let of_host = operator.get("/v1/limits").await.json;
    assert_eq!(of_host["tenant"], Value::Null);
    let requests = limit(&of_host["host_limits"], "limits.requests_in_flight");
    assert_eq!((&requests["value"], &requests["source"]), (&json!(100), &json!("configuration")));
    let instances = limit(&of_host["host_limits"], "limits.connector_instances");
    assert_eq!((&instances["value"], &instances["source"]), (&json!(128), &json!("default")));
    assert_eq!(limit(&of_host["tenant_limits"], "job_timeout_seconds")["value"], 300);
}

#[tokio::test]
async fn a_tenant_has_no_more_requests_at_work_than_it_may_and_a_change_needs_no_restart() {
    let upstream = seed::upstream().await;
    let gate = Gate::new();
    let held = gate.clone();
    upstream.on("GET", "/v0/users", move |_| Reply::json(seed::ACCESS).held_by(&held));
    let host = seed::connected_to(&upstream).await;
    let operator = host.operator();
    let one = json!({"limits": {"requests_in_flight": 1}});
    assert_eq!(operator.patch_with("/v1/tenants/default", &[], &one).await.status, 200);
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(seed::submit(&host, "access").await);
    }
    upstream.wait_for_calls(1).await;
    let told = operator.get("/v1/limits").await.json;
    let calls = upstream.calls().len();
    assert_eq!(calls, 1);
    let of_host = host.operator_without_tenant().get("/v1/limits").await.json;
    for (of_tenant, of_all) in [
        ("requests_in_flight", Some("limits.requests_in_flight")),
        ("calls_in_flight", Some("limits.connector_instances")),
        ("connection_calls_in_flight", None),
    ] {
        assert_eq!(limit(&told["tenant_limits"], of_tenant)["in_use"], 1, "{of_tenant}");
        let of_all = of_all.map(|name| limit(&of_host["host_limits"], name)["in_use"].clone());
        assert!(of_all.is_none_or(|in_use| in_use == 1), "{of_tenant}");
    }
    let memory = &limit(&told["tenant_limits"], "guest_memory_bytes")["in_use"];
    assert!(memory.as_u64().unwrap() >= 64 << 10, "a page at least: {memory}");
    assert_eq!(&limit(&of_host["host_limits"], "limits.guest_memory_bytes")["in_use"], memory);
    for (name, in_use) in [
        ("limits.calls_waiting_per_tenant", 0),
        ("limits.messages_in_flight_per_tenant", 0),
        ("limits.event_streams_per_tenant", 0),
        ("server.uploads_per_tenant_max", 0),
    ] {
        assert_eq!(limit(&told["tenant_limits"], name)["in_use"], in_use, "{name}");
    }
    let timeout = limit(&told["tenant_limits"], "job_timeout_seconds");
    assert_eq!(timeout.get("in_use"), None, "no amount: {timeout}");
    let three = json!({"limits": {"requests_in_flight": 3}});
    assert_eq!(operator.patch_with("/v1/tenants/default", &[], &three).await.status, 200);
    upstream.wait_for_calls(3).await;
    gate.open();
    for id in ids {
        host.wait_for_status(&id, "complete").await;
    }
}

#[tokio::test]
async fn a_suspended_tenants_work_rests_and_goes_on_when_it_is_resumed() {
    let upstream = seed::upstream().await;
    let gate = Gate::new();
    let held = gate.clone();
    upstream.on("GET", "/v0/users", move |_| Reply::json(seed::ACCESS).held_by(&held));
    let host = seed::connected_to(&upstream).await;
    let operator = host.operator();
    let at_work = seed::submit(&host, "access").await;
    upstream.wait_for_calls(1).await;
    let suspend = json!({"suspended": true});
    assert_eq!(operator.patch_with("/v1/tenants/default", &[], &suspend).await.status, 200);
    gate.open();
    // The operator looks after it: what is submitted is kept.
    let kept = seed::submit(&host, "access").await;
    let told = operator.get("/v1/limits").await.json;
    assert_eq!(limit(&told["tenant_limits"], "requests_in_flight")["in_use"], 0);
    assert_eq!(upstream.calls().len(), 1, "nothing more is sent");
    let status = operator.get(&format!("/v1/privacy-requests/{at_work}")).await.json;
    assert_eq!(status["status"], "in_processing", "its work was ended, not failed: {status}");
    let resume = json!({"suspended": false});
    assert_eq!(operator.patch_with("/v1/tenants/default", &[], &resume).await.status, 200);
    for id in [at_work, kept] {
        host.wait_for_status(&id, "complete").await;
    }
}

#[tokio::test]
async fn a_tenant_that_calls_too_often_is_told_when_to_come_back_and_holds_up_nobody() {
    let host = TestHost::start().await;
    let (acme, other) = (host.tenant("acme").await, host.tenant("other").await);
    let operator = host.operator_without_tenant();
    let rate = |n: u64| json!({ "limits": { "api_requests_per_minute": n } });
    assert_eq!(operator.patch_with("/v1/tenants/acme", &[], &rate(2)).await.status, 200);
    for _ in 0..2 {
        assert_eq!(acme.get("/v1/policies").await.status, 200);
    }
    let refused = acme.get("/v1/policies").await;
    assert_eq!((refused.status, &refused.json["code"]), (429, &json!("rate_limited")));
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=30).contains(&wait), "{wait}");
    for path in ["/healthz", "/readyz", "/openapi.json"] {
        assert_eq!(acme.get(path).await.status, 200, "{path}");
    }
    assert_eq!(other.get("/v1/policies").await.status, 200);
    for _ in 0..5 {
        let named = [("Cordon-Tenant", "acme")];
        assert_eq!(operator.call("GET", "/v1/policies", &named, None).await.status, 200);
    }
    let metrics = operator.get_text("/metrics").await;
    assert!(metrics.contains("cordon_http_rate_limited_total{by=\"tenant\"}"), "{metrics}");
    assert_eq!(operator.patch_with("/v1/tenants/acme", &[], &rate(100)).await.status, 200);
    assert_eq!(acme.get("/v1/policies").await.status, 200, "at once");
}

#[tokio::test]
async fn who_tries_keys_is_told_to_come_back_and_locks_nobody_out() {
    let host = TestHost::start_configured(|config| {
        config.api.failed_authentications_per_minute_max = 3;
    })
    .await;
    let operator = host.operator();
    let guesser = host.client(Some("cordon_guess"));
    assert_eq!(host.client(None).get("/v1/policies").await.status, 401, "no key is no guess");
    for _ in 0..3 {
        assert_eq!(operator.get("/v1/policies").await.status, 200);
        assert_eq!(guesser.get("/v1/policies").await.status, 401);
    }
    let refused = guesser.get("/v1/policies").await;
    assert_eq!((refused.status, &refused.json["code"]), (429, &json!("rate_limited")));
    assert!(refused.header("retry-after").is_some());
    assert_eq!(operator.get("/v1/policies").await.status, 200, "a key that is one always counts");
    assert_eq!(guesser.get("/healthz").await.status, 200);
}

/// An upload that says how long it is, and then nothing.
async fn slow_upload(host: &TestHost, client: &Client) -> TcpStream {
    let mut stream = TcpStream::connect(host.address()).await.unwrap();
    let head = format!(
        "POST /v1/plugins?version=1 HTTP/1.1\r\nhost: here\r\nauthorization: Bearer {}\r\n\
         content-type: application/wasm\r\ncontent-length: 1000\r\n\r\n",
        client.key()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

#[tokio::test]
async fn the_slow_uploads_of_a_tenant_keep_its_own_out_and_nobody_elses() {
    let host = TestHost::start_configured(|config| {
        (config.api.uploads_max, config.api.uploads_per_tenant_max) = (3, Some(2));
        config.api.body_timeout = Duration::from_millis(500);
    })
    .await;
    let (slow, other) = (host.tenant("slow").await, host.tenant("other").await);
    let uploads = [slow_upload(&host, &slow).await, slow_upload(&host, &slow).await];
    let uploads_of = async |client: &Client| {
        let told = client.get("/v1/limits").await.json;
        limit(&told["tenant_limits"], "server.uploads_per_tenant_max")["in_use"].clone()
    };
    while uploads_of(&slow).await != 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(uploads_of(&other).await, 0, "of itself alone");
    let of_host = host.operator_without_tenant().get("/v1/limits").await.json;
    assert_eq!(limit(&of_host["host_limits"], "server.uploads_max")["in_use"], 2);
    let upload = async |client: &Client| {
        let path = "/v1/plugins?version=1";
        client.post_bytes(path, "application/wasm", b"no component").await.status
    };
    assert_eq!(upload(&other).await, 422, "it is read, and judged");
    assert_eq!(upload(&slow).await, 503);
    drop(uploads);
    while uploads_of(&slow).await != 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(upload(&slow).await, 422);
}

#[tokio::test]
async fn once_a_suspension_is_answered_nothing_more_of_the_tenant_is_done() {
    let upstream = seed::upstream().await;
    let host = seed::connected_to(&upstream).await;
    let operator = host.operator();
    let suspended = async |suspended: bool| {
        let body = json!({ "suspended": suspended });
        assert_eq!(operator.patch_with("/v1/tenants/default", &[], &body).await.status, 200);
    };
    for round in 0..24 {
        let id = seed::submit(&host, "access").await;
        // At a moment of its own, from before its work is claimed to after its end.
        for _ in 0..round {
            operator.get("/healthz").await;
        }
        suspended(true).await;
        let request = async || operator.get(&format!("/v1/privacy-requests/{id}")).await.json;
        let rests = request().await;
        for _ in 0..5 {
            assert_eq!(request().await, rests, "round {round}");
        }
        suspended(false).await;
        host.wait_for_status(&id, "complete").await;
    }
}
