//! What a tenant notices of others that use all they may: of one that spins nearly nothing, of one
//! that floods as much as sharing the processors costs.
//!
//! One spins in eight runs at a time, one hands in more than can be worked on, and a third does
//! ordinary work: it stores its connection, which asks the plugin, and answers requests for
//! access. Compared are its slowest ones, alone and beside each of them, in turns, so that whatever
//! else the machine does falls on all alike. How much slower they may get is asserted loosely;
//! `just neighbors` measures it.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinSet;

use crate::support::client::Client;
use crate::support::seed;
use crate::support::test_host::TestHost;
use crate::support::upstream::Upstream;

/// How often it works alone, beside one that floods, and beside one that spins.
const ROUNDS: usize = 2;
/// Its requests, each time.
const REQUESTS: usize = 16;
/// Runs that spin at the same time.
const SPINNING: usize = 8;
/// Requests of the one that floods before the first is measured.
const FLOOD: usize = 60;
/// Who goes on submitting all the while.
const FLOODING: usize = 4;
/// How often a request is looked at.
const LOOK: Duration = Duration::from_millis(2);
/// Times as slow, at most, in the median: those that spin have workers of their own.
const SPINNING_RATIO_MAX: f64 = 4.0;
/// The same beside a flood: it takes its turns of everything, on as many processors as there are.
/// Who had to wait for all that came before would be slower by hundreds.
const FLOODING_RATIO_MAX: f64 = 20.0;
/// Below this a ratio says nothing: a turn of somebody else's compiler is as long.
const NOISE: Duration = Duration::from_millis(25);

/// How long each thing took.
#[derive(Default)]
struct Times {
    validate: Vec<Duration>,
    access: Vec<Duration>,
    api: Vec<Duration>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_hardly_notices_one_that_spins_and_takes_turns_with_one_that_floods() {
    let host = host().await;
    let (upstream, flood) = (seed::upstream().await, seed::upstream().await);
    let calm = connected(&host, "calm", &upstream).await;
    let flooding = connected(&host, "flooding", &flood).await;
    let spinning = host.tenant("spinning").await;
    // It looks at its requests more often than anybody should; the others have the usual rate.
    let rate = json!({ "limits": { "api_requests_per_minute": 1_000_000 } });
    let raised = host.operator_without_tenant().patch_with("/v1/tenants/calm", &[], &rate).await;
    assert_eq!(raised.status, 200, "{}", raised.json);
    connect_spinning(&spinning, &upstream).await;
    work(&calm, &upstream, &mut Times::default()).await;

    let [mut alone, mut flooded, mut spun] = [(); 3].map(|()| Times::default());
    for _ in 0..ROUNDS {
        work(&calm, &upstream, &mut alone).await;
        while_flooded(&flooding, work(&calm, &upstream, &mut flooded)).await;
        while_spinning(&spinning, work(&calm, &upstream, &mut spun)).await;
    }
    compare("spinning", &alone, &spun, SPINNING_RATIO_MAX);
    compare("flooding", &alone, &flooded, FLOODING_RATIO_MAX);
}

/// A host that lets a run spin for longer than the test takes.
async fn host() -> TestHost {
    TestHost::start_configured(|config| {
        let networks = ["127.0.0.0/8", "::1/128"];
        config.egress.development_networks =
            networks.iter().map(|network| network.parse().unwrap()).collect();
        config.runtime.processor_time_max = Duration::from_secs(3_600);
    })
    .await
}

/// A tenant with the example's connection.
async fn connected(host: &TestHost, name: &str, upstream: &Upstream) -> Client {
    let tenant = host.tenant(name).await;
    let created = tenant.post("/v1/connections", &seed::connection(upstream)).await;
    assert_eq!(created.status, 201, "{}", created.json);
    let secrets = json!({ "credentials": seed::CREDENTIALS });
    let stored = tenant.put("/v1/connections/user-service/secrets", &secrets).await;
    assert_eq!(stored.status, 200, "{}", stored.json);
    tenant
}

async fn work(tenant: &Client, upstream: &Upstream, times: &mut Times) {
    let connection = seed::connection(upstream);
    for _ in 0..REQUESTS {
        let began = Instant::now();
        let stored = tenant.put("/v1/connections/user-service", &connection).await;
        times.validate.push(began.elapsed());
        assert_eq!(stored.status, 200, "{}", stored.json);
        access(tenant, times).await;
    }
}

/// One request for access, to its end.
async fn access(tenant: &Client, times: &mut Times) {
    let began = Instant::now();
    let id = submit(tenant).await.expect("there is room for it");
    let path = format!("/v1/privacy-requests/{id}");
    loop {
        let asked = Instant::now();
        let request = tenant.get(&path).await.json;
        times.api.push(asked.elapsed());
        match request["status"].as_str() {
            Some("complete") => break,
            Some("approved" | "in_processing" | "pending") => tokio::time::sleep(LOOK).await,
            _ => panic!("{request:#}"),
        }
    }
    times.access.push(began.elapsed());
}

/// None: it was told to come again.
async fn submit(tenant: &Client) -> Option<String> {
    let body = json!({ "policy": "access", "identities": { "email": seed::EMAIL } });
    let answer = tenant.post("/v1/privacy-requests", &body).await;
    match answer.status {
        202 => Some(answer.json["id"].as_str().unwrap().to_owned()),
        429 => {
            tokio::time::sleep(LOOK).await;
            None
        }
        _ => panic!("{}", answer.json),
    }
}

/// Does something while another tenant submits all that it can, and waits for the rest of that.
async fn while_flooded(tenant: &Client, measured: impl Future<Output = ()>) {
    let stop = Arc::new(AtomicBool::new(false));
    let mut submitting = JoinSet::new();
    for _ in 0..FLOODING {
        let tenant = tenant.clone();
        submitting.spawn(async move {
            for _ in 0..FLOOD / FLOODING {
                submit(&tenant).await;
            }
            tenant
        });
    }
    let mut going_on = JoinSet::new();
    for tenant in submitting.join_all().await {
        let stop = Arc::clone(&stop);
        going_on.spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                submit(&tenant).await;
            }
        });
    }
    measured.await;
    stop.store(true, Ordering::Relaxed);
    going_on.join_all().await;
    for status in ["approved", "in_processing"] {
        let path = format!("/v1/privacy-requests?status={status}&limit=1");
        // It may be told to come again; that is not an end either.
        while tenant.get(&path).await.json["items"].as_array().is_none_or(|left| !left.is_empty()) {
            tokio::time::sleep(LOOK).await;
        }
    }
}

async fn connect_spinning(tenant: &Client, upstream: &Upstream) {
    let connection = json!({
        "key": "scripted",
        "name": "Scripted",
        "connector_type": "scripted",
        "capabilities": ["privacy/access"],
        "mode": "live",
        "job_timeout_seconds": 3_600,
        "config": { "behave": "spin", "origin": upstream.url("") },
    });
    let created = tenant.post("/v1/connections", &connection).await;
    assert_eq!(created.status, 201, "{}", created.json);
}

/// Does something while runs of another tenant spin.
async fn while_spinning(tenant: &Client, measured: impl Future<Output = ()>) {
    let mut runs = Vec::new();
    for _ in 0..SPINNING {
        runs.push(submit(tenant).await.unwrap());
    }
    for run in &runs {
        tenant.wait_for_status(run, "in_processing").await;
    }
    measured.await;
    for run in &runs {
        let path = format!("/v1/privacy-requests/{run}");
        let status = tenant.get(&path).await.json["status"].clone();
        assert_eq!(status, "in_processing", "it spun all the while");
        let canceled = tenant.post(&format!("{path}/cancel"), &json!({})).await;
        assert!(canceled.status < 300, "{}", canceled.json);
    }
    for run in &runs {
        tenant.wait_for_status(run, "canceled").await;
    }
}

fn compare(kind: &str, alone: &Times, with: &Times, ratio_max: f64) {
    let told = [
        ("validate", &alone.validate, &with.validate),
        ("access", &alone.access, &with.access),
        ("api", &alone.api, &with.api),
    ];
    for (what, alone, with) in told {
        let [(alone50, with50, _), (alone99, with99, ratio)] =
            [50, 99].map(|percent| percentiles(alone, with, percent));
        println!(
            "FIGURE neighbors kind={kind} what={what} p50_alone_ms={:.1} p50_with_ms={:.1} \
             p99_alone_ms={:.1} p99_with_ms={:.1} ratio={ratio:.2}",
            millis(alone50),
            millis(with50),
            millis(alone99),
            millis(with99),
        );
        assert!(
            with50 <= alone50.max(NOISE).mul_f64(ratio_max),
            "{kind} {what}: {alone50:?} alone, {with50:?} beside it"
        );
    }
}

fn percentiles(alone: &[Duration], with: &[Duration], percent: usize) -> (Duration, Duration, f64) {
    let of = |times: &[Duration]| {
        let mut times = times.to_vec();
        times.sort_unstable();
        times[(times.len() * percent / 100).min(times.len() - 1)]
    };
    let (alone, with) = (of(alone), of(with));
    (alone, with, with.as_secs_f64() / alone.as_secs_f64())
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
