//! A host whose clock a test moves, and a connection with whatever queries the test writes.

use std::sync::Arc;
use std::time::Duration;

use cordon_cli::config::Config;
use serde_json::{Value, json};

use crate::support::manual_clock::ManualClock;
use crate::support::seed;
use crate::support::test_host::TestHost;
use crate::support::upstream::Upstream;

pub(super) struct Bench {
    pub(super) host: TestHost,
    pub(super) clock: Arc<ManualClock>,
}

/// A GET without a secret; `more` is laid over it.
pub(super) fn query(upstream: &Upstream, path: &str, more: Value) -> Value {
    query_to(&upstream.url(path), more)
}

/// The same to any URL.
pub(super) fn query_to(url: &str, more: Value) -> Value {
    let mut query = json!({ "url": url, "verb": "GET", "verify_ssl": "true" });
    query.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    query
}

/// A connection with these queries by action, and one test query.
pub(super) fn connection(upstream: &Upstream, queries: Value) -> Value {
    let actions = queries.as_object().unwrap().keys();
    let capabilities: Vec<String> = actions.map(|action| format!("privacy/{action}")).collect();
    let mut queries = queries;
    queries["test"] = json!([query(upstream, "/up", json!({}))]);
    json!({
        "key": "semantics",
        "name": "Semantics",
        "connector_type": "api_proxy",
        "capabilities": capabilities,
        "mode": "live",
        "queries": queries,
    })
}

impl Bench {
    /// Waits between tries are short; every `Retry-After` suspends the run, so that it waits for
    /// the clock of the test and for nothing else.
    pub(super) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub(super) async fn start_with(set: impl FnOnce(&mut Config)) -> Self {
        let clock = Arc::new(ManualClock::default());
        let host = TestHost::start_at(Arc::clone(&clock) as _, |config| {
            let networks = ["127.0.0.0/8", "::1/128"];
            config.egress.development_networks =
                networks.iter().map(|network| network.parse().unwrap()).collect();
            config.engine.tick = Duration::from_millis(10);
            config.runtime.retry_base = Duration::from_millis(1);
            config.runtime.retry_max = Duration::from_millis(5);
            config.runtime.inline_wait_max = Duration::from_millis(5);
            set(config);
        })
        .await;
        Self { host, clock }
    }

    /// A host with a connection.
    pub(super) async fn with(upstream: &Upstream, queries: Value) -> Self {
        let bench = Self::start().await;
        bench.connect(&connection(upstream, queries)).await;
        bench
    }

    pub(super) async fn connect(&self, connection: &Value) {
        let created = self.host.operator().post("/v1/connections", connection).await;
        assert_eq!(created.status, 201, "{:#}", created.json);
    }

    /// Submits a request; its id.
    pub(super) async fn submit(&self, policy: &str, identities: Value) -> String {
        let body = json!({ "policy": policy, "identities": identities });
        let accepted = self.host.operator().post("/v1/privacy-requests", &body).await;
        assert_eq!(accepted.status, 202, "{:#}", accepted.json);
        accepted.json["id"].as_str().unwrap().to_owned()
    }

    /// The only task of a request for the person, which came to rest.
    pub(super) async fn task(&self, policy: &str) -> Value {
        let id = self.submit(policy, json!({ "email": seed::EMAIL })).await;
        self.rested(&id).await["tasks"][0].take()
    }

    /// A request that came to rest.
    pub(super) async fn rested(&self, id: &str) -> Value {
        self.host.operator().wait_until_it_rests(id).await
    }

    /// The first task of a request in this status, as soon as one is.
    pub(super) async fn task_in(&self, id: &str, status: &str) -> Value {
        let operator = self.host.operator();
        for _ in 0..60_000 {
            let request = operator.get(&format!("/v1/privacy-requests/{id}")).await.json;
            let tasks = request["tasks"].as_array().unwrap();
            if let Some(task) = tasks.iter().find(|task| task["status"] == status) {
                return task.clone();
            }
            assert_ne!(request["status"], "error", "waiting for {status}: {request:#}");
            tokio::task::yield_now().await;
        }
        panic!("no task of {id} became {status}");
    }

    /// Moves the clock.
    pub(super) fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// When a waiting task goes on, in whole seconds from now.
    pub(super) fn seconds_until(&self, task: &Value) -> i64 {
        use cordon_model::port::Clock as _;
        let until: cordon_model::Timestamp =
            task["waiting_until"].as_str().unwrap().parse().unwrap();
        until.as_second() - self.clock.now().as_second()
    }
}

/// Code and detail of a task's failure.
pub(super) fn code(task: &Value) -> &str {
    task["failure"]["code"].as_str().unwrap_or_else(|| panic!("it did not fail: {task:#}"))
}
