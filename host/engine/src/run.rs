//! Runs tasks: opens their segments, calls the connectors, applies what came out.

use std::collections::BTreeSet;
use std::sync::Arc;

use cordon_model::commit::{Change, Commit};
use cordon_model::connection::Connection;
use cordon_model::journal::JournalEntry;
use cordon_model::plugin::ReadGrant;
use cordon_model::port::{ConnectorCall, ConnectorError, Finding, RunEnd, RunOutcome};
use cordon_model::request::{Event, PrivacyRequest, TaskEvent};
use cordon_model::task::{CallReport, FindingSummary, Segment, SkipReason, Stage, Task, TaskState};
use cordon_model::tenant::Terms;
use cordon_model::{Failure, FailureCode, TaskId};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio_util::sync::CancellationToken;

use crate::journal::TaskJournal;
use crate::service::grants::not_granted;
use crate::services::Services;
use crate::start::{form_of, settings_json};
use crate::step::{ApplyError, HostError};

/// Runs tasks of a request side by side and commits each outcome as it comes, one at a time: they
/// all change the same request. When `cancel` fires nothing more is committed: the tasks stay
/// `running` and are run again from their journals, unless the request was canceled.
///
/// A call that is under way is never dropped because another task's commit failed: the first
/// error is told when all have ended.
pub(crate) async fn run_tasks(
    services: &Services,
    request: &PrivacyRequest,
    tasks: &[TaskId],
    cancel: &CancellationToken,
) -> Result<(), ApplyError> {
    let mut calls = FuturesUnordered::new();
    for task in tasks.iter().filter_map(|id| request.task(*id)) {
        if let Some(call) = prepare(services, request, task, cancel).await? {
            calls.push(async move { (task, services.ports.connectors.run(call).await) });
        }
    }
    let mut first_error = None;
    while let Some((task, end)) = calls.next().await {
        if !cancel.is_cancelled()
            && let Err(error) = finish(services, request, task, end).await
        {
            first_error.get_or_insert(error);
        }
    }
    first_error.map_or(Ok(()), Err)
}

/// Opens the task's segment and puts its call together. None: there is nothing to call, and the
/// task knows why.
async fn prepare(
    services: &Services,
    request: &PrivacyRequest,
    task: &Task,
    cancel: &CancellationToken,
) -> Result<Option<ConnectorCall>, ApplyError> {
    let Some(current) = load_connection(services, request, task).await? else {
        return gone(services, request, task).await.map(|()| None);
    };
    let settings = match settings_for(services, request, task).await? {
        Settings::Withdrawn => {
            let event = TaskEvent::Skipped { reason: SkipReason::Withdrawn };
            return apply(services, request, task.id, event, Vec::new()).await.map(|()| None);
        }
        Settings::Are(settings) => settings,
    };
    let segment = match (&task.state, &task.segment) {
        (TaskState::Running, Some(segment)) => segment.clone(),
        _ => {
            let segment = open_segment(services, request, task, &current, settings).await?;
            let event = TaskEvent::Started { segment: segment.clone() };
            apply(services, request, task.id, event, Vec::new()).await?;
            segment
        }
    };
    let call = connector_call(services, request, task, &current, segment, cancel).await?;
    let Some(call) = call else {
        return gone(services, request, task).await.map(|()| None);
    };
    if let Some(failure) = not_granted(&call.connection) {
        let event = TaskEvent::Failed { failure, calls: Vec::new() };
        return apply(services, request, task.id, event, Vec::new()).await.map(|()| None);
    }
    Ok(Some(limited(call)))
}

async fn finish(
    services: &Services,
    request: &PrivacyRequest,
    task: &Task,
    end: RunEnd,
) -> Result<(), ApplyError> {
    let (event, changes) = outcome_event(services, request, task, end)?;
    apply(services, request, task.id, event, changes).await
}

/// What was granted and is not needed is not used.
fn limited(mut call: ConnectorCall) -> ConnectorCall {
    call.connection.grants = call.connection.grants.limited_to(&call.connection.needs);
    call
}

async fn apply(
    services: &Services,
    request: &PrivacyRequest,
    id: TaskId,
    event: TaskEvent,
    changes: Vec<Change>,
) -> Result<(), ApplyError> {
    let with = Commit { changes, audit: Vec::new() };
    services.apply_as_host(request, Event::Task { id, event }, with).await.map(|_| ())
}

async fn load_connection(
    services: &Services,
    request: &PrivacyRequest,
    task: &Task,
) -> Result<Option<Connection>, HostError> {
    Ok(services.store().connection(&request.tenant, &task.connection).await?)
}

/// The connection was removed under the task. A task can fail only while it runs, so it is
/// started first when it was not.
async fn gone(
    services: &Services,
    request: &PrivacyRequest,
    task: &Task,
) -> Result<(), ApplyError> {
    if task.state != TaskState::Running {
        let segment = task.segment.clone().unwrap_or_else(|| Segment {
            number: task.segments_closed,
            attempt: 0,
            deadline: services.now(),
            connection_revision: task.connection_revision,
            identities: Vec::new(),
            fresh: BTreeSet::new(),
            policy_settings: None,
            reads: Vec::new(),
            with_input: false,
        });
        apply(services, request, task.id, TaskEvent::Started { segment }, Vec::new()).await?;
    }
    let failure = Failure::new(
        FailureCode::ConnectionGone,
        format!("the connection {} was removed; cancel or settle", task.connection),
    );
    let event = TaskEvent::Failed { failure, calls: Vec::new() };
    apply(services, request, task.id, event, Vec::new()).await
}

enum Settings {
    /// The definition was disabled or removed before the task ran.
    Withdrawn,
    Are(Option<String>),
}

/// What the policy stores for a manual task: as it is now before a person was asked, as it was
/// answered afterwards. Other tasks have none.
async fn settings_for(
    services: &Services,
    request: &PrivacyRequest,
    task: &Task,
) -> Result<Settings, HostError> {
    if task.stage != Stage::Manual {
        return Ok(Settings::Are(None));
    }
    if task.state == TaskState::Running {
        let pinned = task.segment.as_ref().and_then(|segment| segment.policy_settings.clone());
        return Ok(Settings::Are(pinned));
    }
    // What was resumed runs with the form that was answered, whatever became of it since.
    if let (Some(_), Some(answered)) = (&task.carry, &task.form) {
        return Ok(Settings::Are(Some(settings_json(answered))));
    }
    Ok(match services.definition(request, task).await? {
        Some(webhook) => Settings::Are(Some(settings_json(&form_of(&webhook.fields)))),
        None if task.state == TaskState::Queued => Settings::Withdrawn,
        None => Settings::Are(None),
    })
}

/// Everything the run may depend on, from now until an outcome. A segment that is still open
/// (a suspended run, a retry) keeps its number, its attempt and its identities; a retry takes
/// the connection's newest revision and new time.
async fn open_segment(
    services: &Services,
    request: &PrivacyRequest,
    task: &Task,
    connection: &Connection,
    policy_settings: Option<String>,
) -> Result<Segment, HostError> {
    if let (TaskState::Waiting { .. }, Some(open)) = (&task.state, &task.segment) {
        return Ok(open.clone());
    }
    let tenant = services.store().tenant(&request.tenant).await?;
    let of_tenant = tenant.map(|tenant| tenant.limits).unwrap_or_default();
    let of_tenant = of_tenant.over(&services.options.allowance).job_timeout;
    let deadline = services.now() + connection.job_timeout.unwrap_or(of_tenant);
    if let Some(open) = &task.segment {
        return Ok(Segment {
            deadline,
            connection_revision: task.connection_revision,
            policy_settings,
            reads: readable(services, task, connection),
            ..open.clone()
        });
    }
    let identities = request.identities_for(task);
    let inputs = services.store().inputs(&request.tenant, request.id).await?;
    Ok(Segment {
        number: task.segments_closed,
        attempt: 0,
        deadline,
        connection_revision: task.connection_revision,
        fresh: identities.iter().copied().filter(|i| !task.given.contains(i)).collect(),
        identities,
        policy_settings,
        reads: readable(services, task, connection),
        with_input: task.carry.is_some() && inputs.iter().any(|input| input.task == task.id),
    })
}

/// What the plugin asks to read and was granted.
fn readable(services: &Services, task: &Task, connection: &Connection) -> Vec<ReadGrant> {
    let plugins = services.ports.connectors.plugins(&connection.tenant);
    let plugin = plugins.iter().find(|p| p.reference.digest == task.plugin.digest);
    let asked = plugin.into_iter().flat_map(|plugin| &plugin.descriptor.reads);
    asked.filter(|grant| connection.grants.reads.contains(grant)).copied().collect()
}

/// None: the revision that the segment pins does not exist.
async fn connector_call(
    services: &Services,
    request: &PrivacyRequest,
    task: &Task,
    current: &Connection,
    segment: Segment,
    cancel: &CancellationToken,
) -> Result<Option<ConnectorCall>, HostError> {
    let store = services.store();
    let (tenant, revision) = (&request.tenant, segment.connection_revision);
    let Some(pinned) = store.connection_at(tenant, &task.connection, revision).await? else {
        return Ok(None);
    };
    let journal: Vec<JournalEntry> = store.journal(tenant, request.id, task.id).await?;
    let input = if segment.with_input {
        let inputs = store.inputs(tenant, request.id).await?;
        inputs.into_iter().find(|input| input.task == task.id)
    } else {
        None
    };
    let usual = &services.options.allowance;
    let terms = match store.tenant(tenant).await? {
        Some(tenant) => tenant.terms(services.allowance_of(&tenant)),
        None => Terms::nowhere(tenant.clone(), usual),
    };
    Ok(Some(ConnectorCall {
        terms,
        request: request.id,
        task: task.id,
        plugin: task.plugin.digest,
        // Configuration as it was pinned; what it may do, whom it trusts and where its secrets
        // are, as of now.
        connection: Connection {
            grants: current.grants.clone(),
            ca_bundle: current.ca_bundle.clone(),
            credentials_location: current.credentials_location.clone(),
            vault_secrets: current.vault_secrets.clone(),
            ..pinned
        },
        action: task.action,
        wanted: task.wanted.clone(),
        segment,
        subject: request.subject.clone(),
        input,
        form: task.form.clone(),
        carry: task.carry.clone(),
        journal,
        sink: Arc::new(TaskJournal {
            store: services.ports.store.clone(),
            tenant: tenant.clone(),
            request: request.id,
            task: task.id,
        }),
        cancel: cancel.clone(),
    }))
}

/// What a run's end means for its task, and what is stored with it.
fn outcome_event(
    services: &Services,
    request: &PrivacyRequest,
    task: &Task,
    end: RunEnd,
) -> Result<(TaskEvent, Vec<Change>), HostError> {
    let RunEnd { calls, result } = end;
    let outcome = match result {
        Ok(outcome) => outcome,
        Err(ConnectorError::Host(error)) => return Err(HostError::Connector(error)),
        Err(ConnectorError::Failed(failure)) => {
            return Ok((TaskEvent::Failed { failure, calls }, Vec::new()));
        }
    };
    Ok(match outcome {
        RunOutcome::RequiresInput { form, carry } => {
            (TaskEvent::Asked { form, carry, calls }, Vec::new())
        }
        RunOutcome::Pending { until, carry } => {
            (TaskEvent::Pending { until, carry, calls }, Vec::new())
        }
        RunOutcome::Suspended { until } => (TaskEvent::Suspended { until }, Vec::new()),
        RunOutcome::Finished { finding, skipped } => {
            let mut changes = Vec::new();
            let mut found = Vec::new();
            let finding = match finding {
                Finding::Records(records) => {
                    let count: usize = records.iter().map(cordon_model::Records::len).sum();
                    let (tenant, id) = (request.tenant.clone(), request.id);
                    changes.push(Change::PutRecords(tenant, id, task.id, records));
                    match u64::try_from(count) {
                        Ok(0) | Err(_) => FindingSummary::NothingFound,
                        Ok(count) => FindingSummary::Records { count },
                    }
                }
                Finding::Identities(identities) => {
                    found = identities;
                    let subject = &request.subject;
                    found.retain(|f| subject.position(&f.kind, &f.value).is_none());
                    let room =
                        services.options.identities_max.saturating_sub(subject.identities.len());
                    if found.len() > room {
                        let failure = Failure::new(
                            FailureCode::LimitReached,
                            format!("more than {} identities", services.options.identities_max),
                        );
                        return Ok((TaskEvent::Failed { failure, calls }, Vec::new()));
                    }
                    match u64::try_from(found.len()) {
                        Ok(0) | Err(_) => FindingSummary::NothingFound,
                        Ok(count) => FindingSummary::Identities { count },
                    }
                }
                Finding::Done => FindingSummary::Done { verified: is_verified(&calls) },
                Finding::NothingFound => FindingSummary::NothingFound,
            };
            (TaskEvent::Finished { finding, found, calls, skipped }, changes)
        }
    })
}

/// Whether the host itself saw a call succeed: a connector that calls a deletion done without
/// one is reported as unverified (BEHAVIOUR I4).
fn is_verified(calls: &[CallReport]) -> bool {
    calls.iter().any(|call| matches!(call.outcome.as_str(), "success" | "replayed"))
}
