//! Requests and what belongs to them, in every state.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use cordon_model::commit::Change;
use cordon_model::http_request::CallError;
use cordon_model::input::{FieldType, Form, FormField, InputFile, InputValue, ManualInput};
use cordon_model::journal::{CallEvent, CallKey, CallOutcome, JournalEntry};
use cordon_model::package::PackageRef;
use cordon_model::plugin::ReadGrant;
use cordon_model::request::{
    Notice, PrivacyRequest, RequestState, Status, WebhookRun, WebhookState,
};
use cordon_model::subject::{DataSubject, Identity, IdentitySource};
use cordon_model::task::{
    Carry, FindingSummary, HeldValue, Segment, SkipReason, SkippedQuery, Stage, Task, TaskState,
};
use cordon_model::webhook::{Direction, WebhookPhase};
use cordon_model::{Action, Failure, FailureCode, Records, Revision, Timestamp};
use sha2::{Digest as _, Sha256};

use super::{
    at, call, connection_key, plugin, policy_key, request_id, task_id, tenant_id, terms, webhook_id,
};

/// A webhook of a request in every state it can be in.
fn webhook_runs() -> Vec<WebhookRun> {
    let at = at(9);
    let failure = Failure::new(FailureCode::WebhookFailed, "status 500");
    let states = [
        WebhookState::Queued,
        WebhookState::Waiting { until: at },
        WebhookState::Done { at },
        WebhookState::Halted { token_sha256: [3; 32], at },
        WebhookState::Failed { failure, at },
        WebhookState::Withdrawn { at },
    ];
    let phases = [WebhookPhase::PreExecution, WebhookPhase::PostExecution].into_iter().cycle();
    let directions = [Direction::TwoWay, Direction::OneWay, Direction::OneWay].into_iter().cycle();
    let runs = states.into_iter().zip(phases).zip(directions).zip(1..);
    let run = |(((state, phase), direction), n)| WebhookRun {
        id: webhook_id(n),
        phase,
        order: 3,
        direction,
        attempts: 2,
        state,
    };
    runs.map(run).collect()
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
        form: Some(Form {
            fields: vec![FormField {
                name: "Badge".into(),
                label: "badge".into(),
                types: vec![FieldType::Text],
                required: true,
            }],
        }),
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
                    source: IdentitySource::Submitted,
                },
                Identity {
                    kind: "user_id".parse().unwrap(),
                    value: "4711".into(),
                    source: IdentitySource::Task(task_id(1)),
                },
                Identity {
                    kind: "phone_number".parse().unwrap(),
                    value: format!("+49{n}"),
                    source: IdentitySource::Webhook(webhook_id(1)),
                },
            ],
        },
        state: RequestState::Pending,
        tasks: Vec::new(),
        unserved: vec![Action::Optout],
        webhooks: webhook_runs(),
        package: Some(PackageRef {
            destination: "local".into(),
            object_key: "acme/r/d.zip".into(),
            sha256: "00".repeat(32),
            size: 99,
            files: 3,
        }),
        expired_at: Some(at(400)),
        callback_url: Some("https://hooks.acme.example/told".into()),
        notices: vec![Notice {
            revision: Revision(3),
            status: Status::RequiresInput,
            at: at(8),
            attempts: 4,
            due: at(99),
        }],
        due_at: Some(at(2_592_000)),
        overdue: true,
        created_at: at(i64::try_from(n).unwrap()),
        approved_at: Some(at(20)),
        ended_at: Some(at(300)),
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
            .map(|(label, text)| ((*label).to_owned(), InputValue::Text((*text).to_owned())))
            .collect(),
        given_by: "clerk".into(),
        given_at: at(70),
        segments_closed: 1,
        revision: Revision::FIRST,
    }
}

/// Stores an input without files.
pub(crate) fn put_input(input: ManualInput) -> Change {
    Change::PutInput(input, BTreeMap::new())
}

/// Stores an input with these files, each a label, a name and bytes.
pub(crate) fn put_files(mut input: ManualInput, files: &[(&str, &str, &[u8])]) -> Change {
    let mut all = BTreeMap::new();
    for (label, name, bytes) in files {
        input.values.insert((*label).to_owned(), InputValue::File(file(name, bytes)));
        all.insert((*label).to_owned(), Bytes::copy_from_slice(bytes));
    }
    Change::PutInput(input, all)
}

pub(crate) fn file(name: &str, bytes: &[u8]) -> InputFile {
    InputFile {
        name: name.to_owned(),
        media_type: "application/pdf".into(),
        size: bytes.len() as u64,
        sha256: Sha256::digest(bytes).into(),
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

pub(crate) fn put_request(request: PrivacyRequest, due: Option<Timestamp>) -> Change {
    Change::PutRequest { request: Box::new(request), due }
}
