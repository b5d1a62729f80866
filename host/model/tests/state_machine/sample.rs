//! Requests, events and states to build tests from.

use std::collections::BTreeSet;

use cordon_model::input::{Form, FormField};
use cordon_model::package::PackageRef;
use cordon_model::plugin::PluginRef;
use cordon_model::policy::{PolicyTerms, Rule};
use cordon_model::request::{
    Event, Found, NoticeEvent, PrivacyRequest, RequestState, Retrial, TaskEvent, WebhookEvent,
    WebhookRun, WebhookState,
};
use cordon_model::subject::{DataSubject, Identity, IdentitySource};
use cordon_model::task::{Carry, FindingSummary, Segment, SkipReason, Stage, Task, TaskState};
use cordon_model::webhook::{Direction, WebhookAnswer, WebhookPhase};
use cordon_model::{
    Action, Failure, FailureCode, PluginDigest, RequestId, Revision, TaskId, TenantId, Timestamp,
    WebhookId,
};
use uuid::Uuid;

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

pub(crate) fn task_id(n: u128) -> TaskId {
    TaskId::new(Uuid::from_u128(n))
}

pub(crate) fn identity(kind: &str, value: &str, found_by: Option<TaskId>) -> Identity {
    let source = found_by.map_or(IdentitySource::Submitted, IdentitySource::Task);
    Identity { kind: kind.parse().unwrap(), value: value.into(), source }
}

pub(crate) fn failure() -> Failure {
    Failure::new(FailureCode::QueryFailed, "status 500")
}

pub(crate) fn failed() -> TaskState {
    TaskState::Error { failure: failure(), at: at(0) }
}

pub(crate) fn complete() -> TaskState {
    TaskState::Complete { finding: FindingSummary::NothingFound, at: at(0) }
}

fn form() -> Form {
    let types = vec![cordon_model::input::FieldType::Text];
    let field = FormField { name: "Phone".into(), label: "phone".into(), types, required: false };
    Form { fields: vec![field] }
}

pub(crate) fn asks() -> TaskState {
    TaskState::RequiresInput { form: form() }
}

pub(crate) fn task(n: u128, stage: Stage, action: Action) -> Task {
    Task {
        id: task_id(n),
        stage,
        connection: format!("connection-{n}").parse().unwrap(),
        connection_revision: Revision::FIRST,
        plugin: PluginRef {
            name: "api_proxy".into(),
            version: "0.1.0".into(),
            digest: PluginDigest::of(b"component"),
        },
        action,
        wanted: (action == Action::Identifiers).then(|| "user_id".parse().unwrap()),
        needs: BTreeSet::from(["email".parse().unwrap()]),
        state: TaskState::Queued,
        segment: None,
        segments_closed: 0,
        form: None,
        carry: None,
        given: BTreeSet::new(),
        rounds: 0,
        calls: vec![],
        skipped: vec![],
    }
}

/// One task of each stage; two in the last.
pub(crate) fn request_in(state: RequestState) -> PrivacyRequest {
    let rule = |action| Rule { action, destination: None };
    let tasks = match state {
        RequestState::Pending | RequestState::Approved | RequestState::Denied { .. } => vec![],
        _ => tasks(),
    };
    PrivacyRequest {
        id: RequestId::new(Uuid::from_u128(1)),
        tenant: TenantId::default_tenant(),
        policy: "access".parse().unwrap(),
        terms: PolicyTerms::for_rules(vec![
            rule(Action::Access),
            rule(Action::Delete),
            rule(Action::Optout),
        ]),
        external_id: None,
        subject: DataSubject { identities: vec![identity("email", "p@x.com", None)] },
        state,
        tasks,
        unserved: vec![],
        webhooks: vec![],
        package: None,
        expired_at: None,
        callback_url: None,
        notices: vec![],
        due_at: None,
        overdue: false,
        created_at: at(0),
        approved_at: Some(at(0)),
        ended_at: None,
        updated_at: at(0),
        revision: Revision::FIRST,
    }
}

fn tasks() -> Vec<Task> {
    vec![
        task(1, Stage::Manual, Action::Access),
        task(2, Stage::Identifiers, Action::Identifiers),
        task(3, Stage::Access, Action::Access),
        task(4, Stage::Erasure, Action::Delete),
        task(5, Stage::Erasure, Action::Optout),
    ]
}

/// A webhook of each phase.
pub(crate) fn webhooks() -> Vec<WebhookRun> {
    let webhook = |n, phase| WebhookRun {
        id: webhook_id(n),
        phase,
        order: 0,
        direction: Direction::TwoWay,
        attempts: 0,
        state: WebhookState::Queued,
    };
    vec![webhook(1, WebhookPhase::PreExecution), webhook(2, WebhookPhase::PostExecution)]
}

pub(crate) fn webhook_id(n: u128) -> WebhookId {
    WebhookId::new(Uuid::from_u128(n))
}

/// A processing request, all of whose manual webhooks are done, before its first webhook.
pub(crate) fn before_a_webhook(state: WebhookState) -> PrivacyRequest {
    let mut request = request_in(RequestState::Processing);
    request.tasks[0].state = complete();
    request.webhooks = webhooks();
    request.webhooks[0].state = state;
    request
}

pub(crate) fn webhook_states() -> Vec<WebhookState> {
    vec![
        WebhookState::Queued,
        WebhookState::Waiting { until: at(60) },
        WebhookState::Done { at: at(0) },
        WebhookState::Halted { token_sha256: [7; 32], at: at(0) },
        WebhookState::Failed { failure: failure(), at: at(0) },
        WebhookState::Withdrawn { at: at(0) },
    ]
}

pub(crate) fn halt() -> WebhookEvent {
    let answer = WebhookAnswer { halt: true, ..WebhookAnswer::default() };
    WebhookEvent::Answered { answer, token_sha256: Some([7; 32]) }
}

pub(crate) fn answered() -> WebhookEvent {
    WebhookEvent::Answered { answer: WebhookAnswer::default(), token_sha256: None }
}

pub(crate) fn webhook_events() -> Vec<WebhookEvent> {
    vec![
        answered(),
        halt(),
        WebhookEvent::Postponed { until: at(60), failure: failure() },
        WebhookEvent::Failed { failure: failure() },
        WebhookEvent::Withdrawn,
        WebhookEvent::Released,
    ]
}

/// Two identifiers tasks, the second of which needs what the first finds.
pub(crate) fn chained_identifiers() -> PrivacyRequest {
    let mut request = request_in(RequestState::Processing);
    let mut phone = task(1, Stage::Identifiers, Action::Identifiers);
    phone.wanted = Some("phone_number".parse().unwrap());
    let mut crm = task(2, Stage::Identifiers, Action::Identifiers);
    crm.needs = BTreeSet::from(["phone_number".parse().unwrap()]);
    request.tasks = vec![phone, crm];
    request
}

/// Runs a task to its end, with these findings.
pub(crate) fn run(request: PrivacyRequest, id: TaskId, found: Vec<(&str, &str)>) -> PrivacyRequest {
    let number = request.task(id).unwrap().segments_closed;
    let identities = request.identities_for(request.task(id).unwrap());
    let segment = Segment { number, identities, ..segment() };
    let started = Event::Task { id, event: TaskEvent::Started { segment } };
    let found: Vec<Found> = found
        .into_iter()
        .map(|(kind, value)| Found { kind: kind.parse().unwrap(), value: value.into() })
        .collect();
    let finding = FindingSummary::Identities { count: found.len() as u64 };
    let event = TaskEvent::Finished { finding, found, calls: vec![], skipped: vec![] };
    let request = request.apply(started, at(1)).unwrap();
    request.apply(Event::Task { id, event }, at(2)).unwrap()
}

pub(crate) fn segment() -> Segment {
    Segment {
        number: 0,
        attempt: 0,
        deadline: at(300),
        connection_revision: Revision::FIRST,
        identities: vec![0],
        fresh: BTreeSet::from([0]),
        policy_settings: None,
        reads: vec![],
        with_input: false,
    }
}

pub(crate) fn packaged() -> Event {
    Event::Packaged {
        package: PackageRef {
            destination: "local".into(),
            object_key: "default/1/aa.zip".into(),
            sha256: "aa".into(),
            size: 1,
            files: 1,
        },
    }
}

/// A request in every state, and in processing at every kind of place.
pub(crate) fn requests() -> Vec<(&'static str, PrivacyRequest)> {
    let with_tasks = |change: fn(&mut Task)| {
        let mut request = request_in(RequestState::Processing);
        for task in &mut request.tasks {
            task.given.insert(0);
            change(task);
        }
        request
    };
    let mut ended = with_tasks(|task| task.state = complete());
    let Event::Packaged { package } = packaged() else { unreachable!() };
    ended.package = Some(package);
    vec![
        ("pending", request_in(RequestState::Pending)),
        ("approved", request_in(RequestState::Approved)),
        ("processing, tasks queued", with_tasks(|_| {})),
        ("processing, tasks ask", with_tasks(|task| task.state = asks())),
        ("processing, tasks failed", with_tasks(|task| task.state = failed())),
        ("processing, at a webhook", before_a_webhook(WebhookState::Queued)),
        ("processing, before the package", with_tasks(|task| task.state = complete())),
        ("processing, all done", ended),
        ("denied", request_in(RequestState::Denied { reason: None })),
        ("canceled", request_in(RequestState::Canceled)),
        ("complete", request_in(RequestState::Complete)),
        ("failed", request_in(RequestState::Failed { failure: failure() })),
    ]
}

pub(crate) fn events() -> Vec<Event> {
    vec![
        Event::Approved,
        Event::Denied { reason: None },
        Event::Canceled,
        Event::Started { tasks: tasks(), unserved: vec![], webhooks: vec![] },
        Event::Failed { failure: failure() },
        Event::DeadlinePassed,
        Event::Expired,
        Event::Webhook { id: webhook_id(1), event: halt() },
        Event::Notice { revision: Revision(1), event: NoticeEvent::Delivered { status: 200 } },
        Event::Resumed { tasks: vec![(task_id(1), form())] },
        packaged(),
        Event::Completed,
        Event::Retried { tasks: vec![] },
        Event::Task { id: task_id(1), event: TaskEvent::Started { segment: segment() } },
        Event::Retried { tasks: vec![retrial(task_id(1))] },
    ]
}

/// A task that is tried again with the plugin that it pins.
pub(crate) fn retrial(task: TaskId) -> Retrial {
    Retrial { task, revision: Revision(2), plugin: None }
}

pub(crate) fn task_states() -> Vec<TaskState> {
    vec![
        TaskState::Queued,
        TaskState::Running,
        TaskState::Waiting { until: at(60) },
        asks(),
        complete(),
        TaskState::Skipped { reason: SkipReason::NotApplicable, at: at(0) },
        failed(),
    ]
}

pub(crate) fn task_events() -> Vec<TaskEvent> {
    let carry = Carry::default();
    vec![
        TaskEvent::Started { segment: segment() },
        TaskEvent::Finished {
            finding: FindingSummary::NothingFound,
            found: vec![],
            calls: vec![],
            skipped: vec![],
        },
        TaskEvent::Skipped { reason: SkipReason::NotApplicable },
        TaskEvent::Asked { form: form(), carry: carry.clone(), calls: vec![] },
        TaskEvent::InputGiven { values: 1, labels: vec![], replaced: false },
        TaskEvent::Pending { until: at(60), carry, calls: vec![] },
        TaskEvent::Suspended { until: at(60) },
        TaskEvent::Failed { failure: failure(), calls: vec![] },
        TaskEvent::Settled,
    ]
}
