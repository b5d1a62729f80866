//! Guests that want to know what stands behind a name: a secret is sent where it was granted to
//! be sent, and is nowhere else.

use serde_json::{Value, json};

use super::harness::{Attack, attack};
use super::mallory::{CONNECTION, Ended, Mallory};
use super::world::World;
use crate::support::package::unzip;
use crate::support::upstream::{Reply, Upstream};

/// What every secret begins with, so that a guest can look for it.
const BEGINS: &str = "hunted-7c1e-";
/// What no guest, log, error or package may hold.
const HIDDEN: &str = "b93fbd0e5aa14c67";

pub(crate) const ATTACKS: [Attack; 6] = [
    attack!("secrets/ungranted-name", |world| {
        let upstream = upstream().await;
        let mallory = world.mallory().await;
        let ended = sends(&mallory, "secrets/send", &upstream, "other", json!({})).await;
        assert_eq!(upstream.calls().len(), 0);
        hidden(&world, &mallory, &ended).await;
        let detail = format!(
            "policy: secret_not_granted: the secret other is not granted for {} in the header",
            upstream.url("")
        );
        ended.fails("egress_denied", &detail)
    }),
    attack!("secrets/name-of-another-tenant", |world| {
        let (upstream, victim) = (upstream().await, world.mallory().await);
        victim.connect(&victim.connection("egress/planned")).await;
        let theirs = json!({ "theirs": secret() });
        let path = format!("/v1/connections/{CONNECTION}/secrets");
        let stored = victim.client().put(&path, &theirs).await;
        assert_eq!(stored.status, 200, "{}", stored.json);
        let mallory = world.mallory().await;
        let ended = sends(&mallory, "secrets/send", &upstream, "theirs", json!({})).await;
        assert_eq!(upstream.calls().len(), 0);
        hidden(&world, &mallory, &ended).await;
        ended.fails("query_failed", "nothing is known for the placeholder {theirs}")
    }),
    attack!("secrets/echo", |world| {
        let upstream = upstream().await;
        let mallory = world.mallory().await;
        let ended = sends(&mallory, "secrets/send", &upstream, "token", json!({})).await;
        assert_eq!(upstream.calls().len(), 1);
        hidden(&world, &mallory, &ended).await;
        ended.fails(
            "secret_reflected",
            "the response repeats a secret that was sent; nothing of it was kept",
        )
    }),
    attack!("secrets/name-in-the-log", |world| {
        let upstream = upstream().await;
        let mallory = world.mallory().await;
        let more = json!({ "secret": "token" });
        let ended = sends(&mallory, "secrets/log", &upstream, "token", more).await;
        hidden(&world, &mallory, &ended).await;
        ended.fails("plugin_internal", "{token}")
    }),
    attack!("secrets/length", |world| {
        let upstream = upstream().await;
        let mallory = world.mallory().await;
        // With the names of both headers and `Bearer ` there is room for a few bytes more.
        let more = json!({ "padding": (32 << 10) - 48 });
        let ended = sends(&mallory, "secrets/length", &upstream, "token", more).await;
        hidden(&world, &mallory, &ended).await;
        let learned =
            world.process().logged().iter().any(|line| line.contains("the guest learned"));
        assert!(!learned, "the run ended before the guest could look at it");
        ended.fails(
            "egress_denied",
            "render: request_too_large: the headers, filled in, is larger than 32768 bytes",
        )
    }),
    attack!("secrets/own-memory", |world| {
        let upstream = Upstream::start().await;
        upstream.on("GET", "/people", |_| Reply::json("[]"));
        let mallory = world.mallory().await;
        let more = json!({ "begins": BEGINS });
        let ended = sends(&mallory, "secrets/memory", &upstream, "token", more).await;
        let sent = format!("{:?}", upstream.calls());
        assert!(sent.contains(HIDDEN), "it was sent: {sent}");
        hidden(&world, &mallory, &ended).await;
        let path = format!("/v1/privacy-requests/{}/package", ended.id());
        let files = unzip(mallory.client().get_bytes(&path).await);
        let shown: String = files.values().map(|file| String::from_utf8_lossy(file)).collect();
        assert!(shown.contains("seen"), "it found its own configuration at least: {shown}");
        assert!(!shown.contains(&hex::encode(HIDDEN)), "{shown}");
        ended.completes("nothing_seen")
    }),
];

fn secret() -> String {
    format!("{BEGINS}{HIDDEN}")
}

/// An upstream that repeats what it is sent.
async fn upstream() -> Upstream {
    let upstream = Upstream::start().await;
    upstream.on("GET", "/people", |call| {
        let sent = call.header("authorization").unwrap_or_default();
        Reply::json(json!([{ "you_sent": sent }]).to_string())
    });
    upstream
}

/// A run that may send `token` in a header to the upstream, and tries to send the secret of this
/// name.
async fn sends(
    mallory: &Mallory<'_>,
    attack: &str,
    upstream: &Upstream,
    name: &str,
    more: Value,
) -> Ended {
    let mut connection = mallory.connection(attack);
    let config = connection["config"].as_object_mut().unwrap();
    let value = json!(["Bearer ", { "secret": name }]);
    config.insert("origin".to_owned(), json!(upstream.url("")));
    let request = json!({ "url": upstream.url("/people"), "headers": [["Authorization", value]] });
    config.insert("request".to_owned(), request);
    let need = json!({
        "origin": upstream.url(""), "path_prefix": "/", "methods": ["GET"], "secrets": ["token"],
    });
    config.insert("egress".to_owned(), json!([need]));
    config.extend(more.as_object().unwrap().clone());
    let created = mallory.client().post("/v1/connections", &connection).await;
    assert_eq!(created.status, 201, "{}", created.json);
    let secrets = json!({ "token": secret(), "other": secret() });
    let path = format!("/v1/connections/{CONNECTION}/secrets");
    let stored = mallory.client().put(&path, &secrets).await;
    assert_eq!(stored.status, 200, "{}", stored.json);
    crate::support::stranger::grant(mallory.client(), CONNECTION).await;
    mallory.request("access").await
}

/// The secret stands neither in what the API shows nor in the log.
async fn hidden(world: &World, mallory: &Mallory<'_>, ended: &Ended) {
    let path = format!("/v1/connections/{CONNECTION}");
    let connection = mallory.client().get(&path).await.json;
    let shown = format!("{} {connection} {:?}", ended.request, world.process().logged());
    assert!(!shown.contains(HIDDEN), "it is shown");
}
