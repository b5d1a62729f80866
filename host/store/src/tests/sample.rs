//! One of everything, with every optional part filled in.

mod work;

pub(crate) use work::*;

use std::collections::BTreeSet;
use std::time::Duration;

use cordon_model::api_key::{ApiKey, KeyOwner, Scope};
use cordon_model::audit::{Actor, AuditEvent};
use cordon_model::commit::{Change, Commit, ReplayRecord};
use cordon_model::connection::{Connection, Mode, TestResult};
use cordon_model::deadline::Deadline;
use cordon_model::grant::{EgressLimits, Grants, HttpGrant, Paths, SecretGrant};
use cordon_model::input::FieldType;
use cordon_model::plan::{Place, Query, WhenMissing};
use cordon_model::plugin::{Descriptor, InstalledPlugin, PluginRef, PluginSignature, ReadGrant};
use cordon_model::policy::{ManualField, ManualWebhook, OnError, Policy, PolicyTerms, Rule};
use cordon_model::port::StateStore;
use cordon_model::secret::{Credentials, Secret};
use cordon_model::task::CallReport;
use cordon_model::tenant::{Tenant, TenantLimits};
use cordon_model::webhook::{Direction, PolicyWebhook, WebhookPhase};
use cordon_model::{
    Action, ApiKeyId, ConnectionKey, Failure, FailureCode, PluginDigest, PolicyKey, Problem,
    RequestId, Revision, TaskId, TenantId, Timestamp, WebhookId,
};
use uuid::Uuid;

use crate::record::Stored;

/// A moment, some seconds after the others.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::new(1_750_000_000 + seconds, 123_456_789).unwrap()
}

pub(crate) fn tenant_id(name: &str) -> TenantId {
    name.parse().unwrap()
}

pub(crate) fn connection_key(name: &str) -> ConnectionKey {
    name.parse().unwrap()
}

pub(crate) fn policy_key(name: &str) -> PolicyKey {
    name.parse().unwrap()
}

fn uuid(kind: u8, n: u64) -> Uuid {
    Uuid::from_u64_pair(u64::from(kind) << 56 | 0x7000, n)
}

pub(crate) fn request_id(n: u64) -> RequestId {
    RequestId::new(uuid(1, n))
}

pub(crate) fn task_id(n: u64) -> TaskId {
    TaskId::new(uuid(2, n))
}

pub(crate) fn tenant(name: &str) -> Tenant {
    Tenant {
        id: tenant_id(name),
        display_name: format!("The {name}"),
        limits: TenantLimits {
            job_timeout: Some(Duration::from_millis(1500)),
            guest_memory_bytes_max: Some(1 << 20),
            calls_max: Some(3),
            connection_calls_max: Some(2),
            requests_in_flight_max: Some(5),
            api_requests_per_minute_max: Some(60),
        },
        identity_kinds: Tenant::initial_identity_kinds(),
        egress: EgressLimits {
            allow: Some(vec!["https://*.acme.example".parse().unwrap()]),
            deny: vec!["https://hr.acme.example:*".parse().unwrap()],
        },
        webhook_hosts: BTreeSet::from([
            "hooks.acme.example".parse().unwrap(),
            "*.acme.test".parse().unwrap(),
        ]),
        callback_secret: Some(Secret::new("whsec_Y2FsbGJhY2s=".into())),
        suspended: false,
        removing_since: None,
        created_at: at(0),
        revision: Revision::FIRST,
    }
}

/// What a store keeps of a value that cannot be compared, because a secret is in it.
pub(crate) fn kept<T: Stored>(value: &T) -> String {
    serde_json::to_string(&value.to_record()).unwrap()
}

pub(crate) fn api_key(owner: Option<&str>, n: u64) -> ApiKey {
    ApiKey {
        id: ApiKeyId::new(uuid(3, n)),
        owner: owner.map_or(KeyOwner::Operator, |tenant| KeyOwner::Tenant(tenant_id(tenant))),
        name: format!("key {n}"),
        scopes: Scope::ALL.to_vec(),
        hash: std::array::from_fn(|i| n.to_be_bytes()[i % 8]),
        expires_at: Some(at(1_000_000)),
        created_at: at(i64::try_from(n).unwrap()),
    }
}

fn plugin() -> PluginRef {
    PluginRef {
        name: "api_proxy".into(),
        version: "0.1.0".into(),
        digest: PluginDigest::of(b"component"),
    }
}

fn call() -> CallReport {
    CallReport {
        label: "users".into(),
        occurrence: 1,
        status: Some(503),
        outcome: "unexpected_status".into(),
        attempts: 3,
        response_bytes: 1 << 40,
        duration_ms: 77,
    }
}

pub(crate) fn connection(tenant: &str, key: &str, n: u64) -> Connection {
    Connection {
        tenant: tenant_id(tenant),
        key: connection_key(key),
        uuid: uuid(4, n),
        name: "User Service".into(),
        description: Some("users".into()),
        connector_type: "api_proxy".into(),
        plugin: plugin(),
        capabilities: Action::ALL.into(),
        mode: Mode::Live,
        enabled: true,
        credentials_location: Some("vault:users".into()),
        vault_secrets: Some(BTreeSet::from(["credentials".to_owned()])),
        ca_bundle: Some("-----BEGIN CERTIFICATE-----".into()),
        job_timeout: Some(Duration::new(3, 7)),
        config: serde_json::from_str(r#"{"z":1,"a":[1.10,12345678901234567890123,null]}"#).unwrap(),
        queries: vec![Query {
            pointer: "/queries/access/0".into(),
            label: "users".into(),
            action: Some(Action::Identifiers),
            wanted: Some("user_id".parse().unwrap()),
            when_missing: WhenMissing::Skip,
            origin: "https://api.example".into(),
            paths: Paths::Exactly("/v0/users".parse().unwrap()),
            method: "PURGE".into(),
            names: BTreeSet::from([
                ("email".to_owned(), Place::Url),
                ("token".to_owned(), Place::Header),
                ("user_id".to_owned(), Place::Body),
            ]),
            verify_tls: false,
            raw: true,
        }],
        needs: grants(Paths::Exactly("/v0/users/".parse().unwrap())),
        grants: grants(Paths::Under("/v0".parse().unwrap())),
        problems: vec![
            Problem { column: Some(7), ..Problem::warning("secret_in_url", "/a", "Move it.") },
            Problem::error("code", "/b", "Fix it."),
        ],
        last_test: Some(TestResult {
            at: at(5),
            healthy: false,
            queries: vec![call()],
            failure: Some(Failure::new(FailureCode::QueryFailed, "status 503")),
        }),
        created_at: at(i64::try_from(n).unwrap()),
        updated_at: at(50),
        revision: Revision::FIRST,
    }
}

fn grants(paths: Paths) -> Grants {
    Grants {
        http: vec![HttpGrant {
            origin: "https://*.api.example:*".parse().unwrap(),
            methods: BTreeSet::from(["GET".to_owned()]),
            paths,
            unverified_tls: true,
            raw: true,
        }],
        private: vec!["10.20.0.0/16".parse().unwrap()],
        secrets: vec![SecretGrant {
            name: "token".into(),
            origin: "https://api.example".parse().unwrap(),
            places: BTreeSet::from([Place::Header]),
        }],
        reads: BTreeSet::from([ReadGrant::Responses]),
    }
}

pub(crate) fn credentials(values: &[(&str, &str)]) -> Credentials {
    values.iter().map(|(k, v)| ((*k).to_owned(), Secret::new((*v).to_owned()))).collect()
}

fn terms() -> PolicyTerms {
    PolicyTerms {
        rules: Action::ALL
            .into_iter()
            .map(|action| Rule { action, destination: Some("s3".into()) })
            .collect(),
        connections: Some(vec![connection_key("users")]),
        requires_approval: true,
        auto_resume: true,
        allow_unserved: true,
        on_error: OnError::Continue,
        deadline: Some(Deadline::Days(30)),
        retention_days: Some(90),
    }
}

pub(crate) fn policy(tenant: &str, key: &str, n: i64) -> Policy {
    Policy {
        tenant: tenant_id(tenant),
        key: policy_key(key),
        name: "Access".into(),
        terms: terms(),
        created_at: at(n),
        revision: Revision::FIRST,
    }
}

pub(crate) fn webhook(tenant: &str, policy: &str, connection: &str, n: i64) -> ManualWebhook {
    ManualWebhook {
        tenant: tenant_id(tenant),
        policy: policy_key(policy),
        connection: connection_key(connection),
        fields: vec![ManualField {
            pii_field: "Home address".into(),
            dsr_package_label: "home_address".into(),
            types: vec![FieldType::Text, FieldType::File],
            required: true,
        }],
        enabled: true,
        confirm: true,
        created_at: at(n),
        revision: Revision::FIRST,
    }
}

pub(crate) fn webhook_id(n: u64) -> WebhookId {
    WebhookId::new(uuid(5, n))
}

pub(crate) fn policy_webhook(tenant: &str, policy: &str, n: u64) -> PolicyWebhook {
    PolicyWebhook {
        tenant: tenant_id(tenant),
        policy: policy_key(policy),
        id: webhook_id(n),
        order: 7,
        phase: WebhookPhase::PreExecution,
        direction: Direction::TwoWay,
        url: format!("https://hooks.acme.example/{n}"),
        sends_identities: true,
        secret: Secret::new(format!("whsec_{n}")),
        created_at: at(i64::try_from(n).unwrap()),
        revision: Revision::FIRST,
    }
}

pub(crate) fn event(tenant: Option<&str>, name: &str) -> AuditEvent {
    AuditEvent {
        tenant: tenant.map(tenant_id),
        request: None,
        at: at(80),
        actor: Actor::Key { id: ApiKeyId::new(uuid(3, 1)), name: "clerk".into() },
        event: name.to_owned(),
        facts: vec![("count".to_owned(), "3".to_owned())],
    }
}

pub(crate) fn replay(
    tenant: Option<&str>,
    key: &str,
    answer: Option<(u16, &[u8])>,
) -> ReplayRecord {
    ReplayRecord {
        tenant: tenant.map(tenant_id),
        route: "POST /v1/privacy-requests".into(),
        key: key.to_owned(),
        body_sha256: [9; 32],
        answer: answer.map(|(status, body)| (status, body.to_vec())),
        expires_at: at(1000),
    }
}

/// A commit without an event.
pub(crate) fn changes(changes: impl IntoIterator<Item = Change>) -> Commit {
    Commit { changes: changes.into_iter().collect(), audit: Vec::new() }
}

/// Commits changes that must be accepted.
pub(crate) async fn put(store: &dyn StateStore, all: impl IntoIterator<Item = Change>) {
    store.commit(changes(all)).await.unwrap();
}

pub(crate) fn put_connection(connection: Connection) -> Change {
    Change::PutConnection(Box::new(connection))
}

/// A plugin `crm`.
pub(crate) fn installed_plugin(
    scope: Option<&str>,
    version: &str,
    revision: u64,
) -> InstalledPlugin {
    let digest = PluginDigest::of(&component(scope, version));
    InstalledPlugin {
        scope: scope.map(tenant_id),
        reference: PluginRef { name: "crm".into(), version: version.into(), digest },
        descriptor: Descriptor {
            connector_type: "crm".into(),
            category: "api".into(),
            display_name: "CRM".into(),
            actions: Action::ALL.into(),
            config_schema: "{}".into(),
            policy_schema: Some("{}".into()),
            reads: vec![ReadGrant::Identities, ReadGrant::Responses],
        },
        imports: vec!["cordon:connector/http@0.1.0".into()],
        size: 8,
        active: false,
        activated_at: Some(at(6)),
        signature: Some(PluginSignature {
            publisher: "crm".into(),
            key_id: "0123456789ABCDEF".into(),
            trusted_comment: "cordon name=crm version=1.0".into(),
            text: "untrusted comment".into(),
        }),
        file: Some("crm.wasm".into()),
        installed_by: "operator".into(),
        installed_at: at(5),
        revision: Revision(revision),
    }
}

fn component(scope: Option<&str>, version: &str) -> Vec<u8> {
    format!("component of {scope:?} {version}").into_bytes()
}

/// Puts a plugin for the first time, with its component.
pub(crate) fn put_plugin(plugin: &InstalledPlugin) -> Change {
    let scope = plugin.scope.as_ref().map(TenantId::as_str);
    let bytes = component(scope, &plugin.reference.version);
    Change::PutPlugin(Box::new(plugin.clone()), Some(bytes.into()))
}
