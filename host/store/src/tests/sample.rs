//! One of everything, with every optional part filled in.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use cordon_model::api_key::{ApiKey, KeyOwner, Scope};
use cordon_model::audit::{Actor, AuditEvent};
use cordon_model::commit::{Change, Commit, ReplayRecord};
use cordon_model::connection::{Connection, Mode, TestResult};
use cordon_model::grant::{Grants, HttpGrant, SecretGrant};
use cordon_model::http_request::CallError;
use cordon_model::input::{FieldType, Form, FormField, ManualInput};
use cordon_model::journal::{CallEvent, CallKey, CallOutcome, JournalEntry};
use cordon_model::package::PackageRef;
use cordon_model::plan::{Place, Query, WhenMissing};
use cordon_model::plugin::{PluginRef, ReadGrant};
use cordon_model::policy::{ManualField, ManualWebhook, OnError, Policy, PolicyTerms, Rule};
use cordon_model::port::StateStore;
use cordon_model::request::{PrivacyRequest, RequestState};
use cordon_model::secret::{Credentials, Secret};
use cordon_model::subject::{DataSubject, Identity};
use cordon_model::task::{
    CallReport, Carry, FindingSummary, HeldValue, Segment, SkipReason, SkippedQuery, Stage, Task,
    TaskState,
};
use cordon_model::tenant::{Tenant, TenantLimits};
use cordon_model::{
    Action, ApiKeyId, ConnectionKey, Failure, FailureCode, PluginDigest, PolicyKey, Problem,
    Records, RequestId, Revision, TaskId, TenantId, Timestamp,
};
use uuid::Uuid;

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
        limits: TenantLimits { job_timeout: Duration::from_millis(1500) },
        identity_kinds: Tenant::initial_identity_kinds(),
        suspended: false,
        created_at: at(0),
        revision: Revision::FIRST,
    }
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
        job_timeout: Some(Duration::new(3, 7)),
        config: serde_json::from_str(r#"{"z":1,"a":[1.10,12345678901234567890123,null]}"#).unwrap(),
        queries: vec![Query {
            pointer: "/queries/access/0".into(),
            label: "users".into(),
            action: Some(Action::Identifiers),
            wanted: Some("user_id".parse().unwrap()),
            when_missing: WhenMissing::Skip,
            origin: "https://api.example".into(),
            method: "PURGE".into(),
            names: BTreeSet::from([
                ("email".to_owned(), Place::Url),
                ("token".to_owned(), Place::Header),
                ("user_id".to_owned(), Place::Body),
            ]),
            verify_tls: false,
            raw: true,
        }],
        needs: grants("/v0/users"),
        grants: grants("/v0"),
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

fn grants(path_prefix: &str) -> Grants {
    Grants {
        http: vec![HttpGrant {
            origin: "https://*.api.example:*".parse().unwrap(),
            methods: BTreeSet::from(["GET".to_owned()]),
            path_prefix: path_prefix.parse().unwrap(),
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
        deadline_days: Some(30),
    }
}

pub(crate) fn policy(tenant: &str, key: &str, n: i64) -> Policy {
    Policy {
        tenant: tenant_id(tenant),
        key: policy_key(key),
        name: "Access".into(),
        terms: terms(),
        retention_days: Some(90),
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
        created_at: at(n),
        revision: Revision::FIRST,
    }
}

fn segment() -> Segment {
    Segment {
        number: 2,
        attempt: 1,
        deadline: at(300),
        connection_revision: Revision(4),
        identities: vec![0, 1],
        fresh: BTreeSet::from([1]),
        policy_settings: Some("{}".into()),
        reads: vec![ReadGrant::Identities, ReadGrant::Responses],
        with_input: true,
    }
}

/// A task in a state, everything else filled in.
pub(crate) fn task(n: u64, stage: Stage, connection: &str, state: TaskState) -> Task {
    Task {
        id: task_id(n),
        stage,
        connection: connection_key(connection),
        connection_revision: Revision(3),
        plugin: plugin(),
        action: Action::Access,
        wanted: Some("user_id".parse().unwrap()),
        needs: BTreeSet::from(["email".parse().unwrap()]),
        state,
        segment: Some(segment()),
        segments_closed: 2,
        carry: Some(Carry {
            state: Some("page 2".into()),
            values: vec![HeldValue { value: "cursor".into(), origin: "https://a.example".into() }],
        }),
        given: BTreeSet::from([0]),
        rounds: 1,
        calls: vec![call()],
        skipped: vec![SkippedQuery {
            label: "q".into(),
            reason: SkipReason::MissingPlaceholder("phone_number".into()),
        }],
    }
}

/// Every state a task can be in, and every finding and reason.
pub(crate) fn task_states() -> Vec<TaskState> {
    let at = at(9);
    let field = FormField {
        name: "Address".into(),
        label: "address".into(),
        types: vec![FieldType::Text],
        required: false,
    };
    let mut states = vec![
        TaskState::Queued,
        TaskState::Running,
        TaskState::Waiting { until: at },
        TaskState::RequiresInput { form: Form { fields: vec![field] } },
        TaskState::Error {
            failure: Failure { label: Some("q".into()), ..Failure::new(FailureCode::InDoubt, "?") },
            at,
        },
    ];
    let findings = [
        FindingSummary::Records { count: 3 },
        FindingSummary::Identities { count: 1 },
        FindingSummary::Done { verified: true },
        FindingSummary::NothingFound,
        FindingSummary::Settled,
    ];
    states.extend(findings.map(|finding| TaskState::Complete { finding, at }));
    let reasons = [
        SkipReason::MissingPlaceholder("email".into()),
        SkipReason::NotApplicable,
        SkipReason::NotNeeded,
        SkipReason::Withdrawn,
    ];
    states.extend(reasons.map(|reason| TaskState::Skipped { reason, at }));
    states
}

pub(crate) fn request(tenant: &str, policy: &str, n: u64) -> PrivacyRequest {
    PrivacyRequest {
        id: request_id(n),
        tenant: tenant_id(tenant),
        policy: policy_key(policy),
        terms: terms(),
        external_id: Some(format!("case {n}")),
        subject: DataSubject {
            identities: vec![
                Identity {
                    kind: "email".parse().unwrap(),
                    value: format!("person{n}@example.com"),
                    found_by: None,
                },
                Identity {
                    kind: "user_id".parse().unwrap(),
                    value: "4711".into(),
                    found_by: Some(task_id(1)),
                },
            ],
        },
        state: RequestState::Pending,
        tasks: Vec::new(),
        unserved: vec![Action::Optout],
        package: Some(PackageRef {
            destination: "local".into(),
            object_key: "acme/r/d.zip".into(),
            sha256: "00".repeat(32),
            size: 99,
            files: 3,
        }),
        created_at: at(i64::try_from(n).unwrap()),
        updated_at: at(60),
        revision: Revision::FIRST,
    }
}

/// The request after one more change.
pub(crate) fn next(mut request: PrivacyRequest, state: RequestState) -> PrivacyRequest {
    request.state = state;
    request.revision = request.revision.next();
    request
}

pub(crate) fn input(tenant: &str, request: u64, task: u64, values: &[(&str, &str)]) -> ManualInput {
    ManualInput {
        tenant: tenant_id(tenant),
        request: request_id(request),
        task: task_id(task),
        connection: connection_key("crm"),
        values: values
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect::<BTreeMap<_, _>>(),
        given_by: "clerk".into(),
        given_at: at(70),
        revision: Revision::FIRST,
    }
}

pub(crate) fn records(text: &str) -> Records {
    Records::parse(text.as_bytes(), "").unwrap()
}

fn entry(label: &str, event: CallEvent) -> JournalEntry {
    let key = CallKey { label: label.into(), occurrence: 3 };
    JournalEntry { segment: 1, attempt: 2, key, fingerprint: [7; 32], event }
}

pub(crate) fn success(label: &str, body: Option<Bytes>) -> JournalEntry {
    let outcome = CallOutcome::Success { status: 200, body, retry_after: Some(5), attempts: 2 };
    entry(label, CallEvent::Outcome(outcome))
}

/// Every kind of line.
pub(crate) fn journal() -> Vec<JournalEntry> {
    let mut entries = vec![
        entry("a", CallEvent::Intent),
        entry("b", CallEvent::Deferred { attempts: 2 }),
        entry("c", CallEvent::Settled { done: true }),
        success("d", None),
        success("e", Some(Bytes::new())),
        success("f", Some(Bytes::from_static(b"\x00body\xff"))),
    ];
    let errors = [
        CallError::MissingPlaceholder("a".into()),
        CallError::AmbiguousPlaceholder("b".into()),
        CallError::ValueRefused("c".into()),
        CallError::UnexpectedStatus(418),
        CallError::Unreachable,
        CallError::Timeout,
        CallError::TooLarge,
        CallError::Truncated,
    ];
    entries.extend(
        errors.map(|error| {
            entry("g", CallEvent::Outcome(CallOutcome::Failed { error, attempts: 1 }))
        }),
    );
    entries
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

pub(crate) fn put_request(request: PrivacyRequest, due: Option<Timestamp>) -> Change {
    Change::PutRequest { request: Box::new(request), due }
}

pub(crate) fn put_connection(connection: Connection) -> Change {
    Change::PutConnection(Box::new(connection))
}
