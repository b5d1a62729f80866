//! What stands in the memory of guests: never a secret, never an identity, unless it was granted.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use aho_corasick::AhoCorasick;
use async_trait::async_trait;
use cordon_cli::clock::SystemClock;
use cordon_model::commit::StoreError;
use cordon_model::connection::{Connection, Mode};
use cordon_model::grant::Grants;
use cordon_model::journal::JournalEntry;
use cordon_model::plugin::ReadGrant;
use cordon_model::port::{
    Clock as _, ConnectorCall, Connectors as _, CredentialsSource, JournalSink, Secrets,
    SecretsError,
};
use cordon_model::secret::Credentials;
use cordon_model::subject::{DataSubject, Identity, IdentitySource};
use cordon_model::task::Segment;
use cordon_model::tenant::{Allowance, Terms};
use cordon_model::{Action, Revision};
use cordon_runtime::{MemoryObserver, Runtime};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::support::needles::Needles;
use crate::support::test_host::{SCRIPTED, TestHost};
use crate::support::upstream::{Reply, Upstream};

/// Connections: each takes part in every request.
const CONNECTIONS: usize = 5;
/// Secrets of each connection: each is sent by a query of its own.
const SECRETS: usize = 10;
/// Requests: each gives one identity, and another one is found for it.
const REQUESTS: usize = 25;
/// Stands in every connection, so every guest is handed it.
const MARKER: &str = "every-guest-is-handed-this-6b1f";

/// What an observer found.
#[derive(Default)]
struct Sightings {
    /// How many memories were looked at.
    looks: AtomicUsize,
    /// In how many of them the marker stood.
    marked: AtomicUsize,
    found: Mutex<Vec<String>>,
}

/// Looks for the needles in everything it is shown.
fn observer(needles: &Arc<Needles>) -> (MemoryObserver, Arc<Sightings>) {
    let (needles, seen) = (Arc::clone(needles), Arc::new(Sightings::default()));
    let sightings = Arc::clone(&seen);
    let marker = AhoCorasick::new([MARKER]).unwrap();
    let observe = move |memory: &[u8]| {
        seen.looks.fetch_add(1, Ordering::Relaxed);
        if marker.is_match(memory) {
            seen.marked.fetch_add(1, Ordering::Relaxed);
        }
        let found = needles.found_in(memory);
        seen.found.lock().unwrap().extend(found.into_iter().map(str::to_owned));
    };
    (Arc::new(observe), sightings)
}

fn secret(n: usize) -> String {
    format!("s\"{}<&/{n}+", Uuid::new_v4().simple())
}

fn identity(n: usize) -> String {
    format!("p'{}<&>+{n}@initech.example", Uuid::new_v4().simple())
}

/// A connection that sends everything it is given, in every place there is.
fn connection(upstream: &Upstream, n: usize) -> Value {
    let access = (0..SECRETS).map(|secret| {
        json!({
            "url": upstream.url("/users?email={email}"), "verb": "POST", "verify_ssl": "true",
            "headers": {
                "Authorization": format!("Bearer {{token{secret}}}"),
                "Content-Type": "application/json",
                "X-Marker": MARKER,
            },
            "body": format!(
                r#"{{{{"email": "{{email}}", "id": "{{user_id}}", "key": "{{token{secret}}}"}}}}"#
            ),
        })
    });
    let mut connection = json!({
        "key": format!("service-{n}"),
        "name": format!("Service {n}"),
        "connector_type": "api_proxy",
        "capabilities": ["privacy/access"],
        "mode": "live",
        "queries": {
            "test": [{
                "url": upstream.url("/health"), "verb": "GET", "verify_ssl": "true",
                "headers": { "Authorization": "Bearer {token0}" },
            }],
            "access": access.collect::<Vec<_>>(),
        },
    });
    if n == 0 {
        connection["capabilities"] = json!(["privacy/access", "privacy/identifiers"]);
        connection["queries"]["identifiers"] = json!({ "user_id": [{
            "url": upstream.url("/identify?email={email}"), "verb": "GET", "verify_ssl": "true",
            "headers": { "Authorization": "Bearer {token0}" },
        }] });
    }
    connection
}

/// Answers with the person that the query names: an identity, or a record that holds both.
async fn upstream(people: &[(String, String)]) -> Upstream {
    let upstream = Upstream::start().await;
    let people = people.to_vec();
    let find = move |query: &str| {
        // The digits in it stand as they are in every encoding.
        people.iter().find(|(email, _)| query.contains(&email[2..34])).cloned().unwrap()
    };
    let find = Arc::new(find);
    let found = Arc::clone(&find);
    upstream
        .on("GET", "/health", |_| Reply::status(200))
        .on("GET", "/identify", move |call| {
            Reply::json(json!([{ "user_id": found(&call.query).1 }]).to_string())
        })
        .on("POST", "/users", move |call| {
            let (email, id) = find(&call.query);
            Reply::json(json!([{ "email": email, "id": id }, { "also": [email] }]).to_string())
        });
    upstream
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_and_no_identity_stands_in_the_memory_of_a_guest_that_may_not_read() {
    let secrets: Vec<String> = (0..CONNECTIONS * SECRETS).map(secret).collect();
    let people: Vec<_> = (0..REQUESTS).map(|n| (identity(n), identity(n + REQUESTS))).collect();
    let identities = people.iter().flat_map(|(given, found)| [given.clone(), found.clone()]);
    let hidden: Vec<String> = secrets.iter().cloned().chain(identities).collect();
    assert_eq!(hidden.len(), 100);
    let needles = Arc::new(Needles::new(hidden));
    let (observer, seen) = observer(&needles);
    let upstream = upstream(&people).await;
    let host = TestHost::start_configured(|config| {
        config.egress.development_networks = vec!["127.0.0.0/8".parse().unwrap()];
        config.runtime.memory_observer = Some(observer);
    })
    .await;
    let operator = host.operator();
    for (n, secrets) in secrets.chunks(SECRETS).enumerate() {
        let created = operator.post("/v1/connections", &connection(&upstream, n)).await;
        assert_eq!(created.status, 201, "{}", created.json);
        let path = format!("/v1/connections/service-{n}");
        let tokens: serde_json::Map<_, _> =
            (0..).zip(secrets).map(|(n, secret)| (format!("token{n}"), json!(secret))).collect();
        let stored = operator.put(&format!("{path}/secrets"), &tokens.into()).await;
        assert_eq!(stored.status, 200, "{}", stored.json);
        let tested = operator.post(&format!("{path}/test"), &json!({})).await;
        assert_eq!(tested.json["healthy"], true, "{}", tested.json);
    }
    let mut requests = Vec::new();
    for (email, _) in &people {
        let body = json!({ "policy": "access", "identities": { "email": email } });
        let accepted = operator.post("/v1/privacy-requests", &body).await;
        assert_eq!(accepted.status, 202, "{}", accepted.json);
        requests.push(accepted.json["id"].as_str().unwrap().to_owned());
    }
    for id in &requests {
        host.wait_for_status(id, "complete").await;
    }
    by_hand(&host, &people[0]).await;

    let calls = upstream.calls().len();
    let looks = seen.looks.load(Ordering::Relaxed);
    let marked = seen.marked.load(Ordering::Relaxed);
    let found = seen.found.lock().unwrap().len();
    let control = control(&needles, &people[0].0).await;
    println!(
        "FIGURE guest_memory calls={calls} looks={looks} needles={} found={found} \
         control_found={control}",
        needles.len()
    );
    assert!(calls >= 1000, "{calls} calls");
    assert!(marked > calls, "what a guest is handed was seen in {marked} of {looks} looks");
    assert_eq!(found, 0, "of {looks} looks");
    assert!(control > 0, "an identity that a guest may read was not found");
}

/// A person gives an identity to the other built-in connector.
async fn by_hand(host: &TestHost, (email, id): &(String, String)) {
    let operator = host.operator();
    let archive = json!({
        "key": "archive", "name": "Archive", "connector_type": "manual_webhook",
        "capabilities": ["privacy/access"], "mode": "live",
    });
    let created = operator.post("/v1/connections", &archive).await;
    assert_eq!(created.status, 201, "{}", created.json);
    let webhook = json!({ "connection": "archive", "fields": [{ "pii_field": "badge" }] });
    let linked = operator.post("/v1/policies/access/manual-webhooks", &webhook).await;
    assert_eq!(linked.status, 201, "{}", linked.json);
    let body = json!({ "policy": "access", "identities": { "email": email } });
    let accepted = operator.post("/v1/privacy-requests", &body).await;
    let request = accepted.json["id"].as_str().unwrap().to_owned();
    host.wait_for_status(&request, "requires_input").await;
    let path = format!("/v1/privacy-requests/{request}");
    let given =
        operator.put(&format!("{path}/manual-inputs/archive"), &json!({ "badge": id })).await;
    assert_eq!(given.status, 200, "{}", given.json);
    operator.post(&format!("{path}/resume"), &json!({})).await;
    host.wait_for_status(&request, "complete").await;
}

/// The proof that the test would see it: a guest that may read its identity does. How often it
/// was found.
async fn control(needles: &Arc<Needles>, email: &str) -> usize {
    let (observer, seen) = observer(needles);
    let options = cordon_runtime::Options {
        memory_observer: Some(observer),
        instances_max: 2,
        workers: 1,
        ..cordon_runtime::Options::default()
    };
    let egress = cordon_egress::Options {
        development_networks: vec!["127.0.0.0/8".parse().unwrap()],
        ..cordon_egress::Options::default()
    };
    let gate = Arc::new(cordon_egress::Gate::new(egress).unwrap());
    let runtime = Runtime::new(options, gate, Arc::new(NoSecrets), Arc::new(SystemClock)).unwrap();
    let (name, version) = (SCRIPTED.name, SCRIPTED.version);
    let plugin = runtime.admit(name, version, SCRIPTED.component, true).await.unwrap();
    let end = runtime.run(reading_call(plugin.reference, email)).await;
    end.result.unwrap();
    seen.found.lock().unwrap().iter().filter(|found| *found == email).count()
}

/// One access run of the scripted connector, which may read identities and does.
fn reading_call(plugin: cordon_model::plugin::PluginRef, email: &str) -> ConnectorCall {
    let now = SystemClock.now();
    let id = Uuid::now_v7().to_string();
    let config = json!({ "config": { "behave": "read-identity", "origin": "http://127.0.0.1:1" } });
    let connection = Connection {
        tenant: "default".parse().unwrap(),
        key: "reader".parse().unwrap(),
        uuid: Uuid::new_v4(),
        name: "Reader".to_owned(),
        description: None,
        connector_type: "scripted".to_owned(),
        plugin: plugin.clone(),
        capabilities: [Action::Access].into(),
        mode: Mode::Live,
        enabled: true,
        credentials_location: None,
        vault_secrets: None,
        ca_bundle: None,
        job_timeout: None,
        config,
        queries: vec![],
        needs: Grants::default(),
        grants: Grants { reads: [ReadGrant::Identities].into(), ..Grants::default() },
        problems: vec![],
        last_test: None,
        created_at: now,
        updated_at: now,
        revision: Revision::FIRST,
    };
    let segment = Segment {
        number: 0,
        attempt: 1,
        deadline: now + std::time::Duration::from_secs(60),
        connection_revision: Revision::FIRST,
        identities: vec![0],
        fresh: [0].into(),
        policy_settings: None,
        reads: vec![ReadGrant::Identities],
        with_input: false,
    };
    let identity = Identity {
        kind: "email".parse().unwrap(),
        value: email.to_owned(),
        source: IdentitySource::Submitted,
    };
    ConnectorCall {
        terms: Terms {
            tenant: connection.tenant.clone(),
            egress: cordon_model::grant::EgressLimits::default(),
            allowance: Allowance::default(),
        },
        request: id.parse().unwrap(),
        task: id.parse().unwrap(),
        plugin: plugin.digest,
        connection,
        action: Action::Access,
        wanted: None,
        segment,
        subject: DataSubject { identities: vec![identity] },
        input: None,
        form: None,
        carry: None,
        journal: vec![],
        sink: Arc::new(NoJournal),
        cancel: CancellationToken::new(),
    }
}

struct NoSecrets;

#[async_trait]
impl Secrets for NoSecrets {
    async fn credentials(&self, _: &Connection) -> Result<Credentials, SecretsError> {
        Ok(Credentials::new())
    }

    fn source(&self, _: &Connection) -> CredentialsSource {
        CredentialsSource::None
    }
}

/// The run sends nothing, so it has nothing to write down.
struct NoJournal;

#[async_trait]
impl JournalSink for NoJournal {
    async fn append(&self, entries: Vec<JournalEntry>) -> Result<(), StoreError> {
        assert!(entries.is_empty());
        Ok(())
    }
}
