//! Guests that leave something behind, or look for what others left: what a run may keep is its
//! own task's, small, and written whole or not at all.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use serde_json::{Value, json};

use super::harness::{Attack, Contained, attack};
use super::mallory::{Ended, Mallory};
use crate::support::package::unzip;
use crate::support::upstream::{Reply, Upstream};

/// The largest state that a run may leave.
const STATE_BYTES_MAX: usize = 64 << 10;
/// A path out of any directory.
const OUTWARD: &str = "../../../../tmp/outward";

pub(crate) const ATTACKS: [Attack; 6] = [
    attack!("state/quota", |world| {
        let largest =
            run(&world.mallory().await, "state/quota", json!({ "bytes": STATE_BYTES_MAX }))
                .await
                .completes("within");
        let more = json!({ "bytes": STATE_BYTES_MAX + 1 });
        let larger = run(&world.mallory().await, "state/quota", more).await;
        Contained::all([
            largest,
            larger.fails("invalid_outcome", "the state is larger than 65536 bytes"),
        ])
    }),
    attack!("state/of-another-tenant", |world| {
        // The same plugin, the same key of a connection, at the same time: each finds its own.
        let (first, second) = (world.mallory().await, world.mallory().await);
        let (first_ended, second_ended) = tokio::join!(
            run(&first, "state/mark", json!({ "mark": "of-the-first" })),
            run(&second, "state/mark", json!({ "mark": "of-the-second" })),
        );
        let shown = [files(&first, &first_ended).await, files(&second, &second_ended).await];
        assert!(shown[0].contains("of-the-first") && !shown[0].contains("of-the-second"));
        assert!(shown[1].contains("of-the-second") && !shown[1].contains("of-the-first"));
        let keeps = run(&world.mallory().await, "state/keep-value", json!({ "id": 1 })).await;
        let sends = run(&world.mallory().await, "state/send-value", json!({ "id": 1 })).await;
        Contained::all([
            first_ended.completes("own"),
            second_ended.completes("own"),
            keeps.fails(
                "invalid_outcome",
                "a value kept for the next run is no scalar of a response",
            ),
            sends.fails(
                "plugin_trapped",
                "the plugin sent a number that was not given out in this run",
            ),
        ])
    }),
    attack!("state/outward-names", |world| {
        let record = {
            let mallory = world.mallory().await;
            let ended = run(&mallory, "state/record-key", json!({ "label": OUTWARD })).await;
            stays_inside(&mallory, &ended).await;
            ended.completes("inside")
        };
        let mallory = world.mallory().await;
        let mut connection = mallory.connection("state/label");
        connection["config"]["label"] = json!(OUTWARD);
        mallory.connect(&connection).await;
        let began = Instant::now();
        let id = mallory.submit("access").await;
        answer(&mallory, &id).await;
        let ended = mallory.end_of(&id, began).await;
        stays_inside(&mallory, &ended).await;
        Contained::all([record, ended.completes("inside")])
    }),
    attack!("state/long-names", |world| {
        let label = run(&world.mallory().await, "state/long-label", json!({})).await;
        let query = run(&world.mallory().await, "state/long-query", json!({})).await;
        let mallory = world.mallory().await;
        let key = run(&mallory, "state/long-key", json!({})).await;
        stays_inside(&mallory, &key).await;
        Contained::all([
            label.fails(
                "invalid_outcome",
                "a name or label of the form is empty, too long, or not trimmed",
            ),
            query.fails("limit_reached", "a label is empty, too long, or holds control characters"),
            // A record is data of the person: it goes to the package, and names nothing there.
            key.completes("data"),
        ])
    }),
    attack!("state/enumeration", |world| {
        let blind = run(&world.mallory().await, "state/enumerate", json!({})).await;
        let mallory = world.mallory().await;
        let mut connection = mallory.connection("state/enumerate");
        connection["connector_type"] = json!("hostile_reader");
        mallory.connect(&connection).await;
        let reader = mallory.request("access").await;
        Contained::all([
            blind.fails(
                "not_granted",
                "the plugin wanted to read identities without the grant for it",
            ),
            reader.fails("plugin_trapped", "the plugin read a number that is no identity"),
        ])
    }),
    attack!("state/half-written", |world| {
        let upstream = Upstream::start().await;
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        upstream.on("GET", "/people", move |_| {
            let first = counted.fetch_add(1, Ordering::Relaxed) == 0;
            Reply::json(if first { r#"[{"a": 1}]"# } else { "[]" })
        });
        let mallory = world.mallory().await;
        let more = json!({ "origin": upstream.url("") });
        let trapped = run(&mallory, "state/half", more).await;
        let id = trapped.id().to_owned();
        let contained =
            trapped.fails("plugin_trapped", "wasm trap: wasm `unreachable` instruction executed");
        let began = Instant::now();
        let path = format!("/v1/privacy-requests/{id}/retry");
        let retried = mallory.client().post(&path, &json!({})).await;
        assert_eq!(retried.status, 200, "{}", retried.json);
        let ended = mallory.end_of(&id, began).await;
        let shown = files(&mallory, &ended).await;
        assert!(shown.contains("first") && !shown.contains("second"), "{shown}");
        Contained::all([contained, ended.completes("rolled_back")])
    }),
];

/// An access request of the Rust guest with this attack, with more in its configuration.
async fn run(mallory: &Mallory<'_>, attack: &str, more: Value) -> Ended {
    let mut connection = mallory.connection(attack);
    connection["config"].as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    mallory.connect(&connection).await;
    mallory.request("access").await
}

/// Gives the person's answer that a task waits for.
async fn answer(mallory: &Mallory<'_>, id: &str) {
    let client = mallory.client();
    let waiting = client.wait_for_status(id, "requires_input").await;
    let task = waiting["tasks"][0]["id"].as_str().unwrap();
    let path = format!("/v1/privacy-requests/{id}/tasks/{task}/input");
    let given = client.put(&path, &json!({ OUTWARD: "anything" })).await;
    assert_eq!(given.status, 200, "{}", given.json);
    client.post(&format!("/v1/privacy-requests/{id}/resume"), &json!({})).await;
}

/// Everything in the package, as text.
async fn files(mallory: &Mallory<'_>, ended: &Ended) -> String {
    let path = format!("/v1/privacy-requests/{}/package", ended.id());
    let files = unzip(mallory.client().get_bytes(&path).await);
    files.values().map(|file| String::from_utf8_lossy(file)).collect()
}

/// No file of the package lies outside of it.
async fn stays_inside(mallory: &Mallory<'_>, ended: &Ended) {
    let path = format!("/v1/privacy-requests/{}/package", ended.id());
    let files = unzip(mallory.client().get_bytes(&path).await);
    let outside =
        |name: &String| name.starts_with('/') || name.split(['/', '\\']).any(|s| s == "..");
    assert!(!files.keys().any(outside), "{:?}", files.keys());
    assert!(files.keys().any(|name| name.starts_with("hostile/")), "{:?}", files.keys());
    assert!(files.keys().all(|name| name.len() < 256), "no name of a guest's");
}
