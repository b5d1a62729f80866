//! A host that tells a receiver how requests go: policy webhooks and callbacks. The receiver is
//! the upstream of the example's connection too, so that its calls have one order.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cordon_cli::config::Config;
use cordon_model::Timestamp;
use cordon_model::port::Clock as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use super::client::Client;
use super::manual_clock::ManualClock;
use super::seed;
use super::test_host::TestHost;
use super::upstream::{Call, Upstream};

/// How long something may take that a test waits for.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is asked for.
const INTERVAL: Duration = Duration::from_millis(5);

/// A running host, its clock, and everything that it sends to.
pub(crate) struct Receiver {
    pub(crate) host: TestHost,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) upstream: Upstream,
}

/// A webhook as the API answered its creation.
pub(crate) struct Webhook {
    /// Where it is in the API.
    pub(crate) path: String,
    pub(crate) id: String,
    pub(crate) secret: String,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        Self::start_configured(|_| {}).await
    }

    /// The example's connection, and a tenant that may tell this machine.
    pub(crate) async fn start_configured(set: impl FnOnce(&mut Config)) -> Self {
        let upstream = seed::upstream().await;
        let clock = Arc::new(ManualClock::default());
        let host = TestHost::start_at(clock.clone(), |config| {
            config.egress.development_networks = vec!["127.0.0.0/8".parse().unwrap()];
            config.engine.tick = Duration::from_millis(20);
            set(config);
        })
        .await;
        seed::connect(&host, &seed::connection(&upstream)).await;
        let receiver = Self { host, clock, upstream };
        receiver.name_hosts(&["127.0.0.1"]).await;
        receiver
    }

    pub(crate) fn operator(&self) -> Client {
        self.host.operator()
    }

    /// Which hosts the tenant may tell.
    pub(crate) async fn name_hosts(&self, hosts: &[&str]) {
        let patch = json!({ "webhook_hosts": hosts });
        let patched = self.operator().patch_with("/v1/tenants/default", &[], &patch).await;
        assert_eq!(patched.status, 200, "{}", patched.json);
    }

    /// A webhook as it is written: two-way, before the work, at a path of the receiver.
    pub(crate) fn written(&self, path: &str, more: Value) -> Value {
        let mut body = json!({
            "order": 1,
            "phase": "pre_execution",
            "direction": "two_way",
            "url": self.upstream.url(path),
        });
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        body
    }

    /// Creates a webhook of the policy `access`.
    pub(crate) async fn webhook(&self, path: &str, more: Value) -> Webhook {
        self.webhook_of("access", path, more).await
    }

    /// Creates a webhook of a policy.
    pub(crate) async fn webhook_of(&self, policy: &str, path: &str, more: Value) -> Webhook {
        let all = format!("/v1/policies/{policy}/webhooks");
        let created = self.operator().post(&all, &self.written(path, more)).await;
        assert_eq!(created.status, 201, "{}", created.json);
        let text = |name: &str| created.json[name].as_str().unwrap().to_owned();
        Webhook { path: format!("{all}/{}", text("id")), id: text("id"), secret: text("secret") }
    }

    /// The calls at a path, in the order of arrival.
    pub(crate) fn calls_at(&self, path: &str) -> Vec<Call> {
        self.upstream.calls().into_iter().filter(|call| call.path == path).collect()
    }

    /// The paths of all calls, in the order of arrival.
    pub(crate) fn paths(&self) -> Vec<String> {
        self.upstream.calls().into_iter().map(|call| call.path).collect()
    }

    /// The events of a request, in order.
    pub(crate) async fn events(&self, id: &str) -> Vec<Value> {
        let path = format!("/v1/privacy-requests/{id}/events?limit=200");
        self.operator().get(&path).await.json["items"].as_array().unwrap().clone()
    }

    /// How often an event of this word has happened.
    pub(crate) async fn count(&self, id: &str, word: &str) -> usize {
        self.events(id).await.iter().filter(|event| event["event"] == word).count()
    }

    /// Waits until an event of this word has happened this often; the facts of the last one.
    pub(crate) async fn event(&self, id: &str, word: &str, times: usize) -> Value {
        self.whole_event(id, word, times).await["facts"].clone()
    }

    async fn whole_event(&self, id: &str, word: &str, times: usize) -> Value {
        let happened = async {
            loop {
                let mut events = self.events(id).await;
                events.retain(|event| event["event"] == word);
                if events.len() >= times {
                    return events.swap_remove(times - 1);
                }
                tokio::time::sleep(INTERVAL).await;
            }
        };
        match tokio::time::timeout(PATIENCE, happened).await {
            Ok(event) => event,
            Err(_) => panic!("{word} did not happen {times} times: {:#?}", self.events(id).await),
        }
    }

    /// Waits for an event like `event`, moves the clock on to its `until`, and tells how long
    /// that was from the event on.
    pub(crate) async fn wait_out(&self, id: &str, word: &str, times: usize) -> Duration {
        let event = self.whole_event(id, word, times).await;
        let time = |text: &Value| text.as_str().unwrap().parse::<Timestamp>().unwrap();
        let until = time(&event["facts"]["until"]);
        let since = |time: Timestamp| Duration::try_from(until.duration_since(time));
        // The clock goes on by itself, too: it may be past that time.
        let left = since(self.clock.now()).unwrap_or_default();
        self.clock.advance(left + Duration::from_millis(1));
        since(time(&event["at"])).unwrap()
    }

    /// What the request says of the webhook that holds it.
    pub(crate) async fn paused(&self, id: &str) -> Value {
        let request = self.host.wait_for_status(id, "paused").await;
        let webhooks = request["webhooks"].as_array().unwrap();
        let holds =
            |webhook: &&Value| matches!(webhook["state"].as_str().unwrap(), "halted" | "failed");
        webhooks.iter().find(holds).unwrap_or_else(|| panic!("{request:#}")).clone()
    }

    /// Lets a request go on.
    pub(crate) async fn resume(&self, id: &str) {
        let path = format!("/v1/privacy-requests/{id}/resume");
        let resumed = self.operator().post(&path, &json!({})).await;
        assert_eq!(resumed.status, 200, "{}", resumed.json);
    }
}

/// The body of a message.
pub(crate) fn message(call: &Call) -> Value {
    serde_json::from_str(call.text()).unwrap()
}

/// Checks a message as a receiver does that knows nothing but Standard Webhooks.
pub(crate) fn verify(call: &Call, secret: &str) {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let [id, timestamp, signature] = ["webhook-id", "webhook-timestamp", "webhook-signature"]
        .map(|name| call.header(name).unwrap());
    assert!(!id.contains('.'), "{id}");
    timestamp.parse::<u64>().expect("seconds since 1970");
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{id}.{timestamp}.{}", call.text()).as_bytes());
    let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    assert_eq!(signature, expected);
    assert_eq!(call.header("content-type"), Some("application/json"));
}
