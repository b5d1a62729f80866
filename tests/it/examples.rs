//! The examples for authors, and what an author can count on: each connector is installed like a
//! stranger's, granted what it asks for, and run in the sandbox against an upstream.

mod asks_first;
mod built_before;
mod contract_page;
mod export_job;
mod paginated;

use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::package::Bundle;
use crate::support::stranger;
use crate::support::test_host::TestHost;
use crate::support::upstream::{Call, Reply, Upstream};

/// The value of the secret that every example has.
const API_KEY: &str = "key-of-the-example";

/// The two emails of the person, as a query holds them.
const EMAILS: [&str; 2] = ["ada%2Bdsr%40initech.example", "ada%40home.example"];

/// A host with one connector connected as `people`, and granted what it needs.
struct Bench {
    host: TestHost,
    operator: Client,
    upstream: Upstream,
}

impl Bench {
    /// Installs a component like a stranger's and connects it; `more` is the rest of its
    /// configuration.
    async fn of(component: &[u8], kind: &str, capabilities: &[&str], more: Value) -> Self {
        let bench = Box::pin(Self::waiting(component, kind, capabilities, more)).await;
        stranger::grant(&bench.operator, "people").await;
        bench
    }

    /// The same before anything is granted.
    async fn waiting(component: &[u8], kind: &str, capabilities: &[&str], more: Value) -> Self {
        let (host, upstream) = (Box::pin(stranger::host()).await, Upstream::start().await);
        upstream.on("GET", "/v1/ping", |_| Reply::status(200));
        let operator = host.operator();
        let installed = stranger::upload(&operator, component, "?version=1.0").await;
        assert_eq!(installed.status, 201, "{}", installed.json);
        let mut config = json!({ "origin": upstream.url("") });
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let connection = json!({
            "key": "people",
            "name": "People",
            "connector_type": kind,
            "capabilities": capabilities,
            "mode": "live",
            "config": config,
        });
        let created = operator.post("/v1/connections", &connection).await;
        assert_eq!(created.status, 201, "{}", created.json);
        let secrets = json!({ "api_key": API_KEY });
        let stored = operator.put("/v1/connections/people/secrets", &secrets).await;
        assert_eq!(stored.status, 200, "{}", stored.json);
        Self { host, operator, upstream }
    }

    /// Submits a request for a person with two emails, and approves it where that is asked.
    async fn submit(&self, policy: &str) -> String {
        let emails = json!({ "email": ["ada+dsr@initech.example", "ada@home.example"] });
        let body = json!({ "policy": policy, "identities": emails });
        let accepted = self.operator.post("/v1/privacy-requests", &body).await;
        assert_eq!(accepted.status, 202, "{}", accepted.json);
        let id = accepted.json["id"].as_str().unwrap().to_owned();
        if policy == "delete" {
            let path = format!("/v1/privacy-requests/{id}/approve");
            assert_eq!(self.operator.post(&path, &json!({})).await.status, 200);
        }
        id
    }

    async fn complete(&self, policy: &str) -> Value {
        let id = self.submit(policy).await;
        self.operator.wait_for_status(&id, "complete").await
    }

    /// What is in the package of a complete request.
    async fn package(&self, request: &Value) -> Bundle {
        Bundle::of(&self.host, request["id"].as_str().unwrap()).await
    }

    /// Gives what a person was asked for by the only task of a request, and lets it go on.
    async fn supply(&self, id: &str, given: Value) {
        let waiting = self.operator.wait_for_status(id, "requires_input").await;
        let task = waiting["tasks"][0]["id"].as_str().unwrap();
        let path = format!("/v1/privacy-requests/{id}/tasks/{task}/input");
        let given = self.operator.put(&path, &given).await;
        assert_eq!(given.status, 200, "{}", given.json);
        self.operator.post(&format!("/v1/privacy-requests/{id}/resume"), &json!({})).await;
    }

    async fn test_passes(&self) {
        let tested = self.operator.post("/v1/connections/people/test", &json!({})).await;
        assert_eq!(tested.json["healthy"], true, "{}", tested.json);
    }

    /// Every call of the upstream so far, as `METHOD path?query`; each had the key.
    fn calls(&self) -> Vec<String> {
        let shown = |call: Call| {
            let key = format!("Bearer {API_KEY}");
            assert_eq!(call.header("authorization"), Some(key.as_str()), "{}", call.path);
            let query = if call.query.is_empty() { "" } else { "?" };
            format!("{} {}{query}{}", call.method, call.path, call.query)
        };
        self.upstream.calls().into_iter().map(shown).collect()
    }
}
