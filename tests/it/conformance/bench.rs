//! The real program with one implementation installed for every tenant, and for each case a
//! tenant, an upstream and a connection of its own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::implementations::Implementation;
use crate::support::client::Client;
use crate::support::package::unzip;
use crate::support::test_process::TestProcess;
use crate::support::upstream::{Reply, Upstream};
use cordon_model::api_key::Scope;

/// The key of the upstream. Sent, and never seen by the connector.
pub(super) const API_KEY: &str = "k-5f1c2b";
/// The person.
pub(super) const EMAIL: &str = "peter.gibbons+dsr@initech.example";
/// As it stands in a query.
pub(super) const EMAIL_ENCODED: &str = "peter.gibbons%2Bdsr%40initech.example";

/// A running program.
pub(super) struct Bench {
    process: Arc<Mutex<TestProcess>>,
    /// The component and the time that its admission took.
    size: usize,
    admission: Duration,
}

/// What a case has to itself.
pub(super) struct World {
    pub(super) tenant: Client,
    pub(super) upstream: Upstream,
    process: Arc<Mutex<TestProcess>>,
}

impl Bench {
    pub(super) async fn start(implementation: &Implementation) -> Self {
        // Compiling gives way to everything else on the machine, other tests included.
        let patient = [("CORDON_PLUGINS_COMPILER_SECONDS", "1800")];
        let process = TestProcess::start_in(&patient).await;
        let component = &implementation.component;
        let began = Instant::now();
        let answer = operator(&process)
            .post_bytes("/v1/plugins?version=1", "application/wasm", component)
            .await;
        let admission = began.elapsed();
        assert_eq!(answer.status, 201, "{}", answer.json);
        let imports = answer.json["imports"].as_array().unwrap();
        let wasi = imports.iter().any(|import| import.as_str().unwrap().starts_with("wasi:"));
        assert_eq!(wasi, implementation.wasi, "{imports:?}");
        let size = component.len();
        Self { process: Arc::new(Mutex::new(process)), size, admission }
    }

    pub(super) async fn world(&self, case: &str) -> World {
        let process = self.process.lock().await;
        // A name of at most 63 characters, of which each case has its own.
        let name: String = case.replace('_', "-").chars().take(60).collect();
        let name = name.trim_end_matches('-');
        let operator = operator(&process);
        let created = operator.post("/v1/tenants", &json!({ "name": name })).await;
        assert_eq!(created.status, 201, "{}", created.json);
        let scopes: Vec<&str> = Scope::ALL.iter().map(|scope| scope.as_str()).collect();
        let body = json!({ "name": "suite", "scopes": scopes });
        let made = operator.post(&format!("/v1/tenants/{name}/api-keys"), &body).await;
        assert_eq!(made.status, 201, "{}", made.json);
        let server = format!("http://{}", process.address());
        let tenant = Client::new(&server, made.json["key"].as_str(), None);
        World { tenant, upstream: Upstream::start().await, process: Arc::clone(&self.process) }
    }

    /// Prints what this implementation costs; what a call costs, `cordon plugin inspect` says.
    pub(super) async fn figures(&self, name: &str) {
        let process = self.process.lock().await;
        let metrics = operator(&process).get_text("/metrics").await;
        let (bytes, admission) = (self.size, self.admission.as_millis());
        let memory = mean_memory_kib(&metrics);
        println!(
            "FIGURE language name={name} bytes={bytes} admission_ms={admission} \
             run_memory_kib={memory}"
        );
    }
}

impl World {
    /// A connection to this upstream, granted what it needs, with its secret.
    pub(super) async fn connect(&self, more: Value) {
        self.connect_as(&self.connection(more)).await;
        self.grant(|_| {}).await;
    }

    /// The same, not granted anything yet.
    pub(super) async fn connect_as(&self, connection: &Value) {
        let created = self.tenant.post("/v1/connections", connection).await;
        assert_eq!(created.status, 201, "{}", created.json);
        let secrets = json!({ "api_key": API_KEY });
        let stored = self.tenant.put("/v1/connections/contacts/secrets", &secrets).await;
        assert_eq!(stored.status, 200, "{}", stored.json);
    }

    /// Grants what the connection waits for, but what `keep_back` takes out of it.
    pub(super) async fn grant(&self, keep_back: impl FnOnce(&mut Value)) -> Value {
        let shown = self.tenant.get("/v1/connections/contacts").await.json;
        let problems = shown["problems"].as_array().unwrap();
        let waits = problems.iter().find(|problem| problem["code"] == "grant_missing");
        let waits = waits.unwrap_or_else(|| panic!("{shown}"))["detail"].as_str().unwrap();
        let (_, body) = waits.split_once("/grants ").unwrap();
        let mut body: Value = serde_json::from_str(body).unwrap();
        keep_back(&mut body);
        let granted = self.tenant.put("/v1/connections/contacts/grants", &body).await;
        assert_eq!(granted.status, 200, "{}", granted.json);
        granted.json
    }

    /// The connection object, with further fields of `config`.
    pub(super) fn connection(&self, more: Value) -> Value {
        let mut config = json!({ "origin": self.upstream.url("") });
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({
            "key": "contacts",
            "name": "Contacts",
            "connector_type": "contacts",
            "capabilities": ["privacy/access", "privacy/delete", "privacy/identifiers"],
            "mode": "live",
            "config": config,
        })
    }

    /// Submits a request; its id. A deletion is approved.
    pub(super) async fn submit(&self, policy: &str, identities: Value) -> String {
        let body = json!({ "policy": policy, "identities": identities });
        let accepted = self.tenant.post("/v1/privacy-requests", &body).await;
        assert_eq!(accepted.status, 202, "{}", accepted.json);
        let id = accepted.json["id"].as_str().unwrap().to_owned();
        if accepted.json["status"] == "pending" {
            let path = format!("/v1/privacy-requests/{id}/approve");
            assert_eq!(self.tenant.post(&path, &json!({})).await.status, 200);
        }
        id
    }

    /// Runs a request for the person to its end.
    pub(super) async fn complete(&self, policy: &str) -> Value {
        let id = self.submit(policy, json!({ "email": EMAIL })).await;
        self.tenant.wait_for_status(&id, "complete").await
    }

    /// Runs a request for the person to its failure; the failure.
    pub(super) async fn failure(&self, policy: &str) -> Value {
        let id = self.submit(policy, json!({ "email": EMAIL })).await;
        let request = self.tenant.wait_for_status(&id, "error").await;
        request["tasks"][0]["failure"].clone()
    }

    /// A file of the package of a request; none when it is not in it.
    pub(super) async fn file(&self, request: &Value, path: &str) -> Option<String> {
        let id = request["id"].as_str().unwrap();
        let package = format!("/v1/privacy-requests/{id}/package");
        let mut files = unzip(self.tenant.get_bytes(&package).await);
        files.remove(path).map(|bytes| String::from_utf8(bytes).unwrap())
    }

    /// What the upstream was asked, as `GET /path?query`.
    pub(super) fn asked(&self) -> Vec<String> {
        let calls = self.upstream.calls();
        let line = |method: &str, path: &str, query: &str| format!("{method} {path}?{query}");
        calls.iter().map(|call| line(&call.method, &call.path, &call.query)).collect()
    }

    /// Kills the program and starts it again; the same tenant, at its new address.
    pub(super) async fn kill_and_restart(&mut self) {
        let mut process = self.process.lock().await;
        process.kill_and_restart().await;
        let server = format!("http://{}", process.address());
        self.tenant = Client::new(&server, Some(self.tenant.key()), None);
    }
}

/// A page of the upstream.
pub(super) fn page(items: &str, cursor: &str) -> Reply {
    Reply::json(format!(r#"{{"items": {items}, "next_cursor": {cursor}}}"#))
}

/// The operator, acting for nobody in particular.
fn operator(process: &TestProcess) -> Client {
    let key = std::fs::read_to_string(process.data_directory().join("operator.key")).unwrap();
    Client::new(&format!("http://{}", process.address()), Some(key.trim()), None)
}

/// The mean of the memory of all runs so far.
fn mean_memory_kib(metrics: &str) -> u64 {
    let of = |name: &str| {
        let mine = |line: &&str| line.starts_with(name) && line.contains(r#"export="run""#);
        let line = metrics.lines().find(mine).unwrap_or_else(|| panic!("{metrics}"));
        line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()
    };
    let mean = of("cordon_guest_memory_bytes_sum") / of("cordon_guest_memory_bytes_count");
    (mean / 1024.0).round() as u64
}
