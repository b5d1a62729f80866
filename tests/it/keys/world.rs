//! A host with a tenant that has one of everything, another that has nothing, and a key of every
//! sort.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use cordon_cli::clock::SystemClock;
use cordon_model::api_key::Scope;
use cordon_model::port::Clock as _;
use serde_json::{Value, json};

use super::operations::Names;
use crate::support::client::Client;
use crate::support::manual_clock::ManualClock;
use crate::support::seed;
use crate::support::test_host::{SCRIPTED, TestHost};
use crate::support::upstream::Upstream;

/// The tenant that has one of everything.
pub(super) const OWNER: &str = "owner";

pub(super) struct World {
    pub(super) host: TestHost,
    _upstream: Upstream,
    /// What the owner has.
    pub(super) theirs: Names,
    /// The same shapes, and nobody has them.
    pub(super) nobodys: Names,
    /// Who has no key, a key that never was, one that expired, one that was revoked.
    pub(super) strangers: Vec<(&'static str, Client)>,
    /// Every scope, of the owner.
    pub(super) owner: Client,
    /// Every scope, of a tenant that has nothing.
    pub(super) neighbor: Client,
    /// Every scope, of a tenant that is suspended.
    pub(super) suspended: Client,
    /// One scope each, of a tenant that has nothing either.
    pub(super) with_only: Vec<(Scope, Client)>,
    /// All scopes but one, of the owner.
    pub(super) without: Vec<(Scope, Client)>,
}

/// The tenant that is suspended.
pub(super) const SUSPENDED: &str = "suspended";

/// The tenant of those who have one scope each.
pub(super) const LONE: &str = "lone";

impl World {
    pub(super) async fn new() -> Self {
        let upstream = seed::upstream().await;
        let clock = Arc::new(ManualClock::default());
        let host = TestHost::start_at(clock.clone(), |config| {
            config.egress.development_networks = vec!["127.0.0.0/8".parse().unwrap()];
            // The owner installs it for itself.
            config.plugins.retain(|plugin| plugin.name != SCRIPTED.name);
        })
        .await;
        let owner = host.tenant(OWNER).await;
        let theirs = furnish(&host, &owner, &upstream).await;
        let neighbor = host.tenant("neighbor").await;
        let suspended = host.tenant(SUSPENDED).await;
        let operator = host.operator_without_tenant();
        let suspend = json!({ "suspended": true });
        let path = format!("/v1/tenants/{SUSPENDED}");
        assert_eq!(operator.patch_with(&path, &[], &suspend).await.status, 200);
        host.tenant(LONE).await;
        let mut with_only = Vec::new();
        let mut without = Vec::new();
        for scope in Scope::ALL {
            with_only.push((*scope, key(&host, LONE, &[*scope], None).await.1));
            let others: Vec<Scope> = Scope::ALL.iter().copied().filter(|s| s != scope).collect();
            without.push((*scope, key(&host, OWNER, &others, None).await.1));
        }
        let in_an_hour = SystemClock.now() + Duration::from_hours(1);
        let (_, expired) = key(&host, OWNER, Scope::ALL, Some(in_an_hour.to_string())).await;
        clock.advance(Duration::from_hours(2));
        let (id, revoked) = key(&host, OWNER, Scope::ALL, None).await;
        let path = format!("/v1/tenants/{OWNER}/api-keys/{id}");
        assert_eq!(operator.delete(&path).await.status, 204);
        let strangers = vec![
            ("no key", host.client(None)),
            ("garbage", host.client(Some("cordon_garbage"))),
            ("expired", expired),
            ("revoked", revoked),
        ];
        let nobodys = absent(&theirs);
        Self {
            host,
            _upstream: upstream,
            theirs,
            nobodys,
            strangers,
            owner,
            neighbor,
            suspended,
            with_only,
            without,
        }
    }
}

/// A key of a tenant: its id, and its holder.
async fn key(
    host: &TestHost,
    tenant: &str,
    scopes: &[Scope],
    expires_at: Option<String>,
) -> (String, Client) {
    let words: Vec<&str> = scopes.iter().map(|scope| scope.as_str()).collect();
    let body = json!({ "name": "key", "scopes": words, "expires_at": expires_at });
    let operator = host.operator_without_tenant();
    let made = operator.post(&format!("/v1/tenants/{tenant}/api-keys"), &body).await;
    assert_eq!(made.status, 201, "{}", made.json);
    (made.json["id"].as_str().unwrap().to_owned(), host.client(made.json["key"].as_str()))
}

async fn created(client: &Client, path: &str, body: &Value) -> Value {
    let created = client.post(path, body).await;
    assert!(matches!(created.status, 201 | 202), "{path}: {}", created.json);
    created.json
}

/// One of everything that a path can name, by the segment before it.
async fn furnish(host: &TestHost, owner: &Client, upstream: &Upstream) -> Names {
    let operator = host.operator_without_tenant();
    let hosts = json!({ "webhook_hosts": ["127.0.0.1"] });
    let opened = operator.patch_with(&format!("/v1/tenants/{OWNER}"), &[], &hosts).await;
    assert_eq!(opened.status, 200, "{}", opened.json);
    created(owner, "/v1/connections", &seed::connection(upstream)).await;
    let secrets = json!({ "credentials": seed::CREDENTIALS });
    owner.put("/v1/connections/user-service/secrets", &secrets).await;
    let archive = json!({
        "key": "paper-archive", "name": "Paper archive", "connector_type": "manual_webhook",
        "capabilities": ["privacy/access"], "mode": "live",
    });
    created(owner, "/v1/connections", &archive).await;
    let policy = json!({ "key": "by-hand", "rules": [{ "action": "access" }] });
    created(owner, "/v1/policies", &policy).await;
    let manual = json!({ "connection": "paper-archive", "fields": [{ "pii_field": "Phone" }] });
    created(owner, "/v1/policies/by-hand/manual-webhooks", &manual).await;
    let webhook = json!({
        "order": 1, "phase": "post_execution", "direction": "one_way", "url": upstream.url("/told"),
    });
    let webhook = created(owner, "/v1/policies/by-hand/webhooks", &webhook).await;
    let submission = json!({ "policy": "by-hand", "identities": { "email": seed::EMAIL } });
    let request = created(owner, "/v1/privacy-requests", &submission).await;
    let request = owner.wait_for_status(request["id"].as_str().unwrap(), "requires_input").await;
    let plugin = "/v1/plugins?name=own&version=1.0.0&activate=false";
    let installed = owner.post_bytes(plugin, "application/wasm", SCRIPTED.component).await;
    assert_eq!(installed.status, 201, "{}", installed.json);
    let (key, _) = key(host, OWNER, &[Scope::RequestsRead], None).await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    BTreeMap::from([
        ("tenants", OWNER.to_owned()),
        ("api-keys", key),
        ("connections", "user-service".to_owned()),
        ("policies", "by-hand".to_owned()),
        ("manual-webhooks", "paper-archive".to_owned()),
        ("webhooks", text(&webhook["id"])),
        ("privacy-requests", text(&request["id"])),
        ("manual-inputs", "paper-archive".to_owned()),
        ("tasks", text(&request["tasks"][0]["id"])),
        ("label", "phone".to_owned()),
        ("plugins", "own".to_owned()),
        ("version", "1.0.0".to_owned()),
    ])
}

/// Names of the same shape that nobody has.
fn absent(theirs: &Names) -> Names {
    let of = |name: &String| match name.len() {
        // A UUID of version 7.
        36 => "0192f0c1-2345-7000-8000-000000000000".to_owned(),
        _ => "absent".to_owned(),
    };
    theirs.iter().map(|(segment, name)| (*segment, of(name))).collect()
}
