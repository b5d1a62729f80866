//! A host on which entries are run through `api_proxy`: each with a connection and a policy of its
//! own, so that they do not see each other.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::entries::{Corpus, Entry, Outcome, Outcomes};
use crate::support::client::Client;
use crate::support::test_host::TestHost;

/// Entries at work at the same time.
const AT_ONCE: usize = 16;

/// A host, and the secrets of the corpus.
pub(super) struct Bench {
    client: Client,
    secrets: Value,
    _host: TestHost,
}

/// How far an entry came.
pub(super) enum Ran {
    /// Its connection or its secrets were refused: 422.
    RefusedWhenWritten(Value),
    /// Its identities were refused: 422.
    RefusedWhenSubmitted(Value),
    /// Its request came to rest.
    Rested(Value),
}

/// One query of a connection, and the person it is about.
pub(super) struct Run {
    pub(super) key: String,
    pub(super) query: Value,
    pub(super) identities: Value,
    pub(super) timeout_seconds: u32,
}

impl Bench {
    /// A host that gives up on an upstream soon and tries again at once.
    pub(super) async fn start(corpus: &Corpus) -> Arc<Self> {
        let host = TestHost::start_configured(|config| {
            config.egress.development_networks = vec!["127.0.0.0/8".parse().unwrap()];
            config.egress.private_networks = vec!["10.0.0.0/8".parse().unwrap()];
            config.egress.allow_unverified_tls = false;
            config.runtime.attempt_timeout = Duration::from_secs(3);
            config.runtime.retry_base = Duration::from_millis(5);
            config.runtime.retry_max = Duration::from_millis(20);
        })
        .await;
        let client = host.operator();
        Arc::new(Self { client, secrets: json!(corpus.secret_values()), _host: host })
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// The value of a secret of the corpus.
    pub(super) fn secret(&self, name: &str) -> &str {
        self.secrets[name].as_str().unwrap()
    }

    /// Writes the connection and submits a request for it.
    pub(super) async fn run(&self, run: &Run) -> Ran {
        match self.write(run, action(&run.query)).await {
            Ok(()) => self.submit(run, action(&run.query)).await,
            Err(refused) => Ran::RefusedWhenWritten(refused),
        }
    }

    /// The same as an access request, whatever the verb of the query.
    pub(super) async fn read(&self, run: &Run) -> Ran {
        match self.write(run, "access").await {
            Ok(()) => self.submit(run, "access").await,
            Err(refused) => Ran::RefusedWhenWritten(refused),
        }
    }

    /// Writes the connection and its secrets; or what was said against them.
    pub(super) async fn write(&self, run: &Run, action: &str) -> Result<(), Value> {
        let connection = json!({
            "key": run.key,
            "name": run.key,
            "connector_type": "api_proxy",
            "capabilities": [format!("privacy/{action}")],
            "mode": "live",
            "credentials_location": "vault",
            "job_timeout_seconds": run.timeout_seconds,
            "queries": {
                "test": [{ "url": "http://127.0.0.1:1/", "verb": "GET", "verify_ssl": "true" }],
                action: [run.query],
            },
        });
        let created = self.client.post("/v1/connections", &connection).await;
        if created.status != 201 {
            assert_eq!(created.status, 422, "{}: {}", run.key, created.json);
            return Err(created.json);
        }
        let path = format!("/v1/connections/{}/secrets", run.key);
        let stored = self.client.put(&path, &self.secrets).await;
        if stored.status != 200 {
            assert_eq!(stored.status, 422, "{}: {}", run.key, stored.json);
            return Err(stored.json);
        }
        Ok(())
    }

    /// Submits a request for a connection that was written.
    pub(super) async fn submit(&self, run: &Run, action: &str) -> Ran {
        let policy = json!({
            "rules": [{ "action": action }],
            "connections": [run.key],
            "requires_approval": false,
        });
        let put = self.client.put(&format!("/v1/policies/{}", run.key), &policy).await;
        assert!(matches!(put.status, 200 | 201), "{}: {}", run.key, put.json);
        let body = json!({ "policy": run.key, "identities": run.identities });
        let accepted = self.client.post("/v1/privacy-requests", &body).await;
        if accepted.status != 202 {
            assert_eq!(accepted.status, 422, "{}: {}", run.key, accepted.json);
            return Ran::RefusedWhenSubmitted(accepted.json);
        }
        let id = accepted.json["id"].as_str().unwrap();
        Ran::Rested(self.client.wait_until_it_rests(id).await)
    }
}

/// What a query of this verb is run as: only a deletion may send a DELETE.
pub(super) fn action(query: &Value) -> &'static str {
    if query["verb"] == "DELETE" { "delete" } else { "access" }
}

/// Judges entries side by side.
pub(super) async fn judge_all<F>(
    bench: &Arc<Bench>,
    entries: impl Iterator<Item = &Entry>,
    judge: impl Fn(Arc<Bench>, Entry) -> F,
) -> Outcomes
where
    F: Future<Output = Outcome> + Send + 'static,
{
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut judged = JoinSet::new();
    for entry in entries {
        let (places, id) = (Arc::clone(&places), entry.id.clone());
        let judging = judge(Arc::clone(bench), entry.clone());
        judged.spawn(async move {
            let _place = places.acquire_owned().await.unwrap();
            (id, judging.await)
        });
    }
    let mut outcomes = Outcomes::new();
    while let Some(joined) = judged.join_next().await {
        let (id, outcome) = joined.unwrap();
        outcomes.insert(id, outcome);
    }
    outcomes
}
