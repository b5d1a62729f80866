//! Where an attack takes place: the real program in a process of its own, so that descriptors,
//! threads and memory are those of nothing else, with a tenant beside the attacker that has
//! ordinary work to do.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use cordon_model::api_key::Scope;
use serde_json::{Value, json};

use super::guests;
use super::mallory::Mallory;
use crate::support::client::Client;
use crate::support::package::unzip;
use crate::support::seed;
use crate::support::stranger;
use crate::support::test_process::TestProcess;
use crate::support::upstream::{Reply, Upstream};

/// What the host of the attacks is told that others are not: the shortest budgets that can be
/// set, so that an attack takes no longer than it must, every line of its log, and no end of
/// questions to the API, since that is how the tests wait.
const ENVIRONMENT: [(&str, &str); 3] = [
    ("CORDON_LIMITS_CONNECTOR_PROCESSOR_SECONDS", "1"),
    ("CORDON_LIMITS_TENANT_API_REQUESTS_PER_MINUTE", "1000000"),
    ("CORDON_LOG_LEVEL", "debug"),
];
/// What must be zero when nothing runs.
const GAUGES: [&str; 2] = ["cordon_connector_calls_in_flight", "cordon_guest_memory_in_use_bytes"];
/// How long the last of a call may take to go away, once its request has ended.
const PATIENCE: Duration = Duration::from_secs(20);
const INTERVAL: Duration = Duration::from_millis(5);
/// Descriptors that come and go with connections that are kept open for a while.
const DESCRIPTORS_SLACK: usize = 8;
/// Threads that wait for blocking work for a while.
const THREADS_SLACK: usize = 24;
/// What the allocator keeps of what was given back, and what the store caches.
const RSS_SLACK_KIB: u64 = 64 * 1024;

/// A host under attack.
pub(crate) struct World {
    process: TestProcess,
    /// Where the connections of attackers point. It knows one person.
    upstream: Upstream,
    alice: Client,
    /// What Alice's connection asks.
    _alices_upstream: Upstream,
    /// The files that her request must give, by path.
    expected: BTreeMap<String, Vec<u8>>,
    /// Attackers so far.
    attackers: AtomicUsize,
    /// Those that are still there.
    present: Mutex<Vec<String>>,
    /// What the process took before the first attack.
    before: Footprint,
}

/// What a process takes of its machine.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Footprint {
    pub(crate) descriptors: usize,
    pub(crate) threads: usize,
    pub(crate) rss_kib: u64,
}

impl World {
    /// Starts it, lets Alice work once, and takes the Rust guest in for everybody.
    pub(crate) async fn start() -> Self {
        Self::start_in(&[]).await
    }

    /// The same, with more in the environment of the host.
    pub(crate) async fn start_in(environment: &[(&str, &str)]) -> Self {
        let environment = [&ENVIRONMENT[..], environment].concat();
        let process = TestProcess::start_in(&environment).await;
        let upstream = Upstream::start().await;
        let person = || Reply::json(r#"[{"a": 1}]"#).header("connection", "close");
        upstream.on("GET", "/people", move |_| person()).on("DELETE", "/people", move |_| person());
        let operator = without_tenant(&process);
        for component in [guests::hostile(), guests::hostile_reader()] {
            let installed = stranger::upload(&operator, &component, "?version=1").await;
            assert_eq!(installed.status, 201, "{}", installed.json);
        }
        let alices_upstream = seed::upstream().await;
        let alice = tenant(&process, "alice").await;
        let connection = seed::connection(&alices_upstream);
        let created = alice.post("/v1/connections", &connection).await;
        assert_eq!(created.status, 201, "{}", created.json);
        let secrets = json!({ "credentials": seed::CREDENTIALS });
        alice.put("/v1/connections/user-service/secrets", &secrets).await;
        let (expected, _) = work(&alice).await;
        assert!(expected.len() == 4, "{:?}", expected.keys());
        let before = footprint(&process);
        Self {
            process,
            upstream,
            alice,
            _alices_upstream: alices_upstream,
            expected,
            attackers: AtomicUsize::new(0),
            present: Mutex::default(),
            before,
        }
    }

    /// A new attacker: a tenant with every scope of its own.
    pub(crate) async fn mallory(&self) -> Mallory<'_> {
        let number = self.attackers.fetch_add(1, Ordering::Relaxed) + 1;
        let name = format!("mallory-{number}");
        let client = tenant(&self.process, &name).await;
        self.present.lock().unwrap().push(name.clone());
        Mallory::new(self, name, client)
    }

    /// The operator, for no tenant in particular.
    pub(crate) fn operator(&self) -> Client {
        without_tenant(&self.process)
    }

    /// The neighbor.
    pub(crate) fn alice(&self) -> &Client {
        &self.alice
    }

    pub(crate) fn upstream(&self) -> &Upstream {
        &self.upstream
    }

    pub(crate) fn process(&self) -> &TestProcess {
        &self.process
    }

    /// Alice's request for access, from its submission to the package, which must hold exactly
    /// what it held before any attack.
    pub(crate) async fn neighbor_works(&self) -> Duration {
        let (files, took) = work(&self.alice).await;
        assert_eq!(files, self.expected, "the neighbor got something else");
        took
    }

    /// Removes every attacker with all it has: its plugins stay loaded for as long as it is there.
    pub(crate) async fn expel_attackers(&self) {
        let present = std::mem::take(&mut *self.present.lock().unwrap());
        let operator = self.operator();
        for name in present {
            let removed = operator.delete(&format!("/v1/tenants/{name}?force=true")).await;
            assert_eq!(removed.status, 204, "{}", removed.json);
        }
    }

    /// Waits until no call, no guest memory and no driver of a request is left.
    pub(crate) async fn nothing_remains(&self) {
        let operator = self.operator();
        let began = Instant::now();
        loop {
            let metrics = operator.get_text("/metrics").await;
            let left: Vec<_> = metrics.lines().filter(|line| is_left(line)).collect();
            if left.is_empty() {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "something remains: {left:?}");
            tokio::time::sleep(INTERVAL).await;
        }
    }

    /// Waits until descriptors, threads and memory of the process are about what they were before
    /// the first attack; what they are then.
    pub(crate) async fn back_to_normal(&self) -> (Footprint, Footprint) {
        let began = Instant::now();
        loop {
            let now = footprint(&self.process);
            let flat = now.descriptors <= self.before.descriptors + DESCRIPTORS_SLACK
                && now.threads <= self.before.threads + THREADS_SLACK
                && now.rss_kib <= self.before.rss_kib + RSS_SLACK_KIB;
            if flat {
                return (self.before, now);
            }
            assert!(began.elapsed() < PATIENCE, "before {:?}, now {now:?}", self.before);
            tokio::time::sleep(INTERVAL).await;
        }
    }
}

/// Whether a line of the metrics says that something runs which must not.
fn is_left(line: &str) -> bool {
    let mut words = line.split_ascii_whitespace();
    let (Some(name), Some(value)) = (words.next(), words.next()) else { return false };
    let name = name.split('{').next().unwrap_or_default();
    GAUGES.contains(&name) && value != "0"
}

async fn work(client: &Client) -> (BTreeMap<String, Vec<u8>>, Duration) {
    let began = Instant::now();
    let body = json!({ "policy": "access", "identities": { "email": seed::EMAIL } });
    let accepted = client.post("/v1/privacy-requests", &body).await;
    assert_eq!(accepted.status, 202, "{}", accepted.json);
    let id = accepted.json["id"].as_str().unwrap();
    client.wait_for_status(id, "complete").await;
    let took = began.elapsed();
    let package = client.get_bytes(&format!("/v1/privacy-requests/{id}/package")).await;
    let mut files = unzip(package);
    // Which request it was, and when: the only two that may differ.
    files.remove("manifest.json");
    files.remove("index.html");
    (files, took)
}

/// A client with every scope of a new tenant.
async fn tenant(process: &TestProcess, name: &str) -> Client {
    let operator = without_tenant(process);
    let created = operator.post("/v1/tenants", &json!({ "name": name })).await;
    assert_eq!(created.status, 201, "{}", created.json);
    let scopes: Vec<&str> = Scope::ALL.iter().map(|scope| scope.as_str()).collect();
    let body = json!({ "name": "test", "scopes": scopes });
    let made = operator.post(&format!("/v1/tenants/{name}/api-keys"), &body).await;
    assert_eq!(made.status, 201, "{}", made.json);
    Client::new(&url(process), made.json["key"].as_str(), None)
}

fn without_tenant(process: &TestProcess) -> Client {
    Client::new(&url(process), Some(process.operator().key()), None)
}

fn url(process: &TestProcess) -> String {
    format!("http://{}", process.address())
}

fn footprint(process: &TestProcess) -> Footprint {
    let of = |path: &str| format!("/proc/{}/{path}", process.process_id());
    let status: Value = std::fs::read_to_string(of("status"))
        .unwrap()
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_owned(), Value::from(value.trim())))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let number = |name: &str| status[name].as_str().unwrap().split(' ').next().unwrap().to_owned();
    Footprint {
        descriptors: std::fs::read_dir(of("fd")).unwrap().count(),
        threads: number("Threads").parse().unwrap(),
        rss_kib: number("VmRSS").parse().unwrap(),
    }
}
