//! What a tenant notices of others that use all they may: of one that spins, and of one that
//! floods.
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
use tokio::runtime::Runtime;
use tokio::task::{JoinHandle, JoinSet};

use crate::support::client::Client;
use crate::support::seed;
use crate::support::stranger;
use crate::support::test_process::TestProcess;
use crate::support::upstream::Upstream;

/// How often it works alone, beside one that floods, and beside one that spins; the variable says
/// another number.
const ROUNDS: (&str, usize) = ("CORDON_NEIGHBORS", 2);
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
const FLOODING_RATIO_MAX: f64 = 8.0;
/// Below this a ratio says nothing: a turn of somebody else's compiler is as long.
const NOISE: Duration = Duration::from_millis(25);

/// How long each thing took.
#[derive(Default)]
struct Times {
    validate: Vec<Duration>,
    access: Vec<Duration>,
    api: Vec<Duration>,
}

/// Threads of their own for the clients and the upstream of the one that floods: who measures is
/// not to wait for them.
struct Elsewhere(Option<Runtime>);

impl Elsewhere {
    fn new() -> Self {
        let mut threads = tokio::runtime::Builder::new_multi_thread();
        Self(Some(threads.worker_threads(2).enable_all().build().unwrap()))
    }

    fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        self.0.as_ref().unwrap().spawn(work)
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        self.0.take().unwrap().shutdown_background();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_hardly_notices_one_that_spins_and_takes_turns_with_one_that_floods() {
    let host = host().await;
    let operator = host.operator_without_tenant();
    let elsewhere = Elsewhere::new();
    let (upstream, flood) =
        (seed::upstream().await, elsewhere.spawn(seed::upstream()).await.unwrap());
    let calm = connected(&operator, "calm", &upstream).await;
    let flooding = connected(&operator, "flooding", &flood).await;
    let spinning = spinning(&operator, &upstream).await;
    // It looks at its requests more often than anybody should; the others have the usual rate.
    let rate = json!({ "limits": { "api_requests_per_minute": 1_000_000 } });
    let raised = operator.patch_with("/v1/tenants/calm", &[], &rate).await;
    assert_eq!(raised.status, 200, "{}", raised.json);
    work(&calm, &upstream, &mut Times::default()).await;

    let [mut alone, mut flooded, mut spun] = [(); 3].map(|()| Times::default());
    let rounds = std::env::var_os(ROUNDS.0);
    let rounds = rounds.map_or(ROUNDS.1, |rounds| rounds.to_str().unwrap().parse().unwrap());
    for _ in 0..rounds {
        work(&calm, &upstream, &mut alone).await;
        while_flooded(&elsewhere, &flooding, work(&calm, &upstream, &mut flooded)).await;
        while_spinning(&spinning, work(&calm, &upstream, &mut spun)).await;
    }
    compare("spinning", &alone, &spun, SPINNING_RATIO_MAX);
    compare("flooding", &alone, &flooded, FLOODING_RATIO_MAX);
}

/// The program, in a process of its own, that lets a run spin for longer than the test takes.
async fn host() -> TestProcess {
    TestProcess::start_in(&[("CORDON_LIMITS_CONNECTOR_PROCESSOR_SECONDS", "3600")]).await
}

/// A tenant with the example's connection.
async fn connected(operator: &Client, name: &str, upstream: &Upstream) -> Client {
    let tenant = operator.tenant(name).await;
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
async fn while_flooded(elsewhere: &Elsewhere, tenant: &Client, measured: impl Future<Output = ()>) {
    elsewhere.spawn(submit_many(tenant.clone())).await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let going_on = elsewhere.spawn(submit_until(tenant.clone(), Arc::clone(&stop)));
    measured.await;
    stop.store(true, Ordering::Relaxed);
    going_on.await.unwrap();
    for status in ["approved", "in_processing"] {
        let path = format!("/v1/privacy-requests?status={status}&limit=1");
        // It may be told to come again; that is not an end either.
        while tenant.get(&path).await.json["items"].as_array().is_none_or(|left| !left.is_empty()) {
            tokio::time::sleep(LOOK).await;
        }
    }
}

async fn submit_many(tenant: Client) {
    let mut submitting = JoinSet::new();
    for _ in 0..FLOODING {
        let tenant = tenant.clone();
        submitting.spawn(async move {
            for _ in 0..FLOOD / FLOODING {
                submit(&tenant).await;
            }
        });
    }
    submitting.join_all().await;
}

async fn submit_until(tenant: Client, stop: Arc<AtomicBool>) {
    let mut submitting = JoinSet::new();
    for _ in 0..FLOODING {
        let (tenant, stop) = (tenant.clone(), Arc::clone(&stop));
        submitting.spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                submit(&tenant).await;
            }
        });
    }
    submitting.join_all().await;
}

/// A tenant with a connection whose runs spin.
async fn spinning(operator: &Client, upstream: &Upstream) -> Client {
    let tenant = operator.tenant("spinning").await;
    stranger::install(operator, &stranger::version("spin-run", "1.0.0")).await;
    let mut connection = stranger::connection("spins", upstream, json!({}));
    connection["job_timeout_seconds"] = json!(3_600);
    stranger::connect(&tenant, &connection).await;
    tenant
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
