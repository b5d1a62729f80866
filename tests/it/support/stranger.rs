//! Plugins of a stranger: components that are made out of one, each with its own behavior, version
//! and digest; see `tests/guests/stranger`.

use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::{Value, json};

use super::client::{Client, Response};
use super::test_host::TestHost;
use super::test_process::compiler;
use super::upstream::{Reply, Upstream};

const COMPONENT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/stranger.wasm"));
const MARK: &[u8] = b"@@manifest@@";
const MANIFEST_BYTES: usize = 128;
/// How long loading may take. Far more than it does: tests share the machine with a compiler.
const PATIENCE: Duration = Duration::from_secs(60);
const INTERVAL: Duration = Duration::from_millis(10);

/// The component that behaves like this, of the type `stranger`.
pub(crate) fn behaving(mode: &str) -> Vec<u8> {
    of_type("stranger", mode)
}

/// The same of any type.
pub(crate) fn of_type(connector_type: &str, mode: &str) -> Vec<u8> {
    let mut component = COMPONENT.to_vec();
    let at = component.windows(MARK.len()).position(|window| window == MARK).unwrap();
    let manifest = &mut component[at + MARK.len()..at + MANIFEST_BYTES];
    manifest.fill(b' ');
    let words = format!("type={connector_type} mode={mode}");
    manifest[..words.len()].copy_from_slice(words.as_bytes());
    component
}

/// The component with a custom section more: another digest, nothing else.
pub(crate) fn with_section(mut component: Vec<u8>, name: &str, content: &str) -> Vec<u8> {
    let size = 1 + name.len() + content.len();
    assert!(size < 128, "one byte says how long it is");
    component.extend_from_slice(&[0, size as u8, name.len() as u8]);
    component.extend_from_slice(name.as_bytes());
    component.extend_from_slice(content.as_bytes());
    component
}

/// A component that says which version it is.
pub(crate) fn version(mode: &str, version: &str) -> Vec<u8> {
    with_section(behaving(mode), "version", version)
}

/// A host that compiles where it should: in a process of its own.
pub(crate) async fn host() -> TestHost {
    host_with(|_| {}).await
}

/// The same with whatever else an operator may set.
pub(crate) async fn host_with(set: impl FnOnce(&mut cordon_cli::config::Config)) -> TestHost {
    let compiler = compiler().await;
    TestHost::start_configured(|config| {
        let networks = ["127.0.0.0/8", "::1/128"].map(|network| network.parse().unwrap());
        config.egress.development_networks = networks.into();
        config.runtime.compiler = Some(compiler);
        set(config);
    })
    .await
}

/// Uploads; `query` with its question mark, or nothing.
pub(crate) async fn upload(client: &Client, component: &[u8], query: &str) -> Response {
    client.post_bytes(&format!("/v1/plugins{query}"), "application/wasm", component).await
}

/// Uploads what must be accepted.
pub(crate) async fn install(client: &Client, component: &[u8]) -> Value {
    let installed = upload(client, component, "").await;
    assert_eq!(installed.status, 201, "{}", installed.json);
    installed.json
}

/// Switches to a version.
pub(crate) async fn activate(client: &Client, version: &str) -> Value {
    let path = format!("/v1/plugins/stranger/{version}/activate");
    let switched = client.call("POST", &path, &[], None::<(&str, Bytes)>).await;
    assert_eq!(switched.status, 200, "{}", switched.json);
    switched.json
}

/// An upstream that knows one person.
pub(crate) async fn upstream() -> Upstream {
    let upstream = Upstream::start().await;
    upstream.on("GET", "/people", |_| Reply::json(r#"[{"a": 1}]"#));
    upstream.on("POST", "/people", |_| Reply::json(r#"[{"a": 1}]"#));
    upstream
}

/// A connection of the type `stranger`.
pub(crate) fn connection(key: &str, upstream: &Upstream, more: Value) -> Value {
    let mut config = json!({ "origin": upstream.url("") });
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({
        "key": key,
        "name": key,
        "connector_type": "stranger",
        "capabilities": ["privacy/access"],
        "mode": "live",
        "config": config,
    })
}

/// Creates a connection and grants it what it needs.
pub(crate) async fn connect(client: &Client, connection: &Value) {
    let created = client.post("/v1/connections", connection).await;
    assert_eq!(created.status, 201, "{}", created.json);
    let key = connection["key"].as_str().unwrap();
    grant(client, key).await;
}

/// Grants a connection everything that it waits for.
pub(crate) async fn grant(client: &Client, key: &str) {
    let path = format!("/v1/connections/{key}");
    let shown = client.get(&path).await.json;
    let waits = &shown["problems"][0];
    assert_eq!(waits["code"], "grant_missing", "{shown}");
    let (_, body) = waits["detail"].as_str().unwrap().split_once("/grants ").unwrap();
    let granted = client.put(&format!("{path}/grants"), &serde_json::from_str(body).unwrap()).await;
    assert_eq!(granted.json["approval"], "granted", "{}", granted.json);
}

/// Submits a request of a tenant for access; its id.
pub(crate) async fn submit(client: &Client) -> String {
    let body = json!({ "policy": "access", "identities": { "email": "p@initech.example" } });
    let accepted = client.post("/v1/privacy-requests", &body).await;
    assert_eq!(accepted.status, 202, "{}", accepted.json);
    accepted.json["id"].as_str().unwrap().to_owned()
}

/// Waits until a version of the plugin is loaded, or is known not to be; what is shown of it.
pub(crate) async fn wait_until_settled(client: &Client, version: &str) -> Value {
    let began = Instant::now();
    loop {
        let shown = client.get(&format!("/v1/plugins/stranger/{version}")).await.json;
        if shown["state"] != "loading" {
            return shown;
        }
        assert!(began.elapsed() < PATIENCE, "{shown}");
        tokio::time::sleep(INTERVAL).await;
    }
}

/// Waits until a version of the plugin is loaded.
pub(crate) async fn wait_until_ready(client: &Client, version: &str) -> Value {
    let shown = wait_until_settled(client, version).await;
    assert_eq!(shown["state"], "ready", "{shown}");
    shown
}
