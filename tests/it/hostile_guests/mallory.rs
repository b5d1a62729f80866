//! The attacker: a tenant that does what any tenant may, through the API.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::harness::Contained;
use super::world::World;
use crate::support::client::{Client, Response};
use crate::support::stranger;

/// The person that its requests are about.
pub(crate) const PERSON: &str = "p@initech.example";
/// The key of its connections.
pub(crate) const CONNECTION: &str = "hostile";
/// The longest that a run of an attack may take, in seconds: far more than its processor time,
/// for which several may have to wait for each other.
const JOB_TIMEOUT_SECONDS: u64 = 120;

/// One tenant, made for one attack or for one variant of it.
pub(crate) struct Mallory<'w> {
    world: &'w World,
    name: String,
    client: Client,
}

/// A request that came to its end.
pub(crate) struct Ended {
    /// As the API shows it.
    pub(crate) request: Value,
    /// From its submission.
    pub(crate) took: Duration,
}

impl<'w> Mallory<'w> {
    pub(crate) const fn new(world: &'w World, name: String, client: Client) -> Self {
        Self { world, name, client }
    }

    /// The tenant's.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) const fn world(&self) -> &'w World {
        self.world
    }

    pub(crate) const fn client(&self) -> &Client {
        &self.client
    }

    /// Uploads a component for itself.
    pub(crate) async fn upload(&self, component: &[u8]) -> (Response, Duration) {
        let began = Instant::now();
        let answer = stranger::upload(&self.client, component, "?version=1").await;
        (answer, began.elapsed())
    }

    /// Uploads a component that must be taken in.
    pub(crate) async fn install(&self, component: &[u8]) {
        let (answer, _) = self.upload(component).await;
        assert_eq!(answer.status, 201, "{}", answer.json);
    }

    /// A connection of the Rust guest, as it is written: `attack` is `<category>/<attack>`.
    pub(crate) fn connection(&self, attack: &str) -> Value {
        let config = json!({ "origin": self.world.upstream().url(""), "attack": attack });
        self.connection_of("hostile", &config)
    }

    /// A connection of any type with this `config`.
    pub(crate) fn connection_of(&self, connector_type: &str, config: &Value) -> Value {
        json!({
            "key": CONNECTION,
            "name": "Hostile",
            "connector_type": connector_type,
            "capabilities": ["privacy/access", "privacy/delete"],
            "mode": "live",
            "job_timeout_seconds": JOB_TIMEOUT_SECONDS,
            "config": config,
        })
    }

    /// Writes a connection, and grants it everything that it waits for.
    pub(crate) async fn connect(&self, connection: &Value) {
        let created = self.client.post("/v1/connections", connection).await;
        assert_eq!(created.status, 201, "{}", created.json);
        if created.json["approval"] != "granted" {
            stranger::grant(&self.client, connection["key"].as_str().unwrap()).await;
        }
    }

    /// Submits a request for the person; its id. A delete is approved.
    pub(crate) async fn submit(&self, policy: &str) -> String {
        self.submit_for(policy, PERSON).await
    }

    /// The same for anybody.
    pub(crate) async fn submit_for(&self, policy: &str, email: &str) -> String {
        let body = json!({ "policy": policy, "identities": { "email": email } });
        let accepted = self.client.post("/v1/privacy-requests", &body).await;
        assert_eq!(accepted.status, 202, "{}", accepted.json);
        let id = accepted.json["id"].as_str().unwrap().to_owned();
        if accepted.json["status"] == "pending" {
            let path = format!("/v1/privacy-requests/{id}/approve");
            self.client.post(&path, &json!({})).await;
        }
        id
    }

    /// Waits until a request can go no further.
    pub(crate) async fn end_of(&self, id: &str, began: Instant) -> Ended {
        let request = self.client.wait_until_it_rests(id).await;
        Ended { request, took: began.elapsed() }
    }

    /// A request under a policy to its end, whatever end that is.
    pub(crate) async fn request(&self, policy: &str) -> Ended {
        let began = Instant::now();
        let id = self.submit(policy).await;
        self.end_of(&id, began).await
    }

    /// The attack of the Rust guest with this name, in an access request.
    pub(crate) async fn attack(&self, attack: &str) -> Ended {
        self.connect(&self.connection(attack)).await;
        self.request("access").await
    }
}

impl Ended {
    /// The failure of its task, as it must be to the word.
    #[track_caller]
    pub(crate) fn fails(self, code: &str, detail: &str) -> Contained {
        let failure = &self.request["tasks"][0]["failure"];
        assert_eq!(
            (&self.request["status"], &failure["code"], &failure["detail"]),
            (&json!("error"), &json!(code), &json!(detail)),
            "{:#}",
            self.request
        );
        Contained { outcome: code.to_owned(), took: self.took }
    }

    /// It ran to its end, and what it came to does no harm: `outcome` says why, in a word.
    #[track_caller]
    pub(crate) fn completes(self, outcome: &str) -> Contained {
        assert_eq!(self.request["status"], "complete", "{:#}", self.request);
        Contained { outcome: outcome.to_owned(), took: self.took }
    }

    /// The id of the request.
    pub(crate) fn id(&self) -> &str {
        self.request["id"].as_str().unwrap()
    }
}

/// What a component that does not come in must be answered, to the word.
#[track_caller]
pub(crate) fn refused((answer, took): (Response, Duration), code: &str, detail: &str) -> Contained {
    let error = &answer.json["errors"][0];
    assert_eq!(
        (answer.status, &error["code"], &error["detail"]),
        (422, &json!(code), &json!(detail)),
        "{:#}",
        answer.json
    );
    Contained { outcome: code.to_owned(), took }
}
