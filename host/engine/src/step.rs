//! One step of a request: does what is to be done next and commits it. [`crate::drive`] takes one
//! after the other.

use cordon_model::audit::{Actor, AuditEvent};
use cordon_model::commit::{Change, Commit, CommitError, StoreError};
use cordon_model::request::{
    Event, IllegalTransition, NoticeEvent, PrivacyRequest, TaskEvent, WebhookEvent, Work,
};
use cordon_model::{RequestId, TenantId, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::services::Services;
use crate::{finish, run, start, tell};

/// The host could not do its part. Nothing is wrong with the request; it is tried again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HostError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0}")]
    Connector(String),
    #[error("{0}")]
    Destination(String),
    #[error("the tenant is gone")]
    TenantGone,
    #[error("the request was changed too often in between")]
    Contended,
}

/// Why an event was not applied.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApplyError {
    /// The request moved on: it was canceled, or somebody else did this already.
    #[error(transparent)]
    Illegal(#[from] IllegalTransition),
    /// It does not exist.
    #[error("there is no such request")]
    Gone,
    #[error(transparent)]
    Host(#[from] HostError),
}

/// Does what is to be done next for a request, and commits it.
pub(crate) async fn step(
    services: &Services,
    request: PrivacyRequest,
    work: Work,
    cancel: &CancellationToken,
) -> Result<(), ApplyError> {
    match work {
        Work::Start => start::start(services, request).await,
        Work::Run(tasks) => run::run_tasks(services, &request, &tasks, cancel).await,
        // A receiver may take its time: whoever cancels the request does not wait for it.
        Work::Tell(webhook) => tokio::select! {
            told = tell::tell(services, request, webhook) => told,
            () = cancel.cancelled() => Ok(()),
        },
        Work::Assemble => finish::assemble(services, request).await,
        Work::Finish => close(services, &request, Event::Completed).await,
        Work::EndForDeadline => close(services, &request, Event::DeadlinePassed).await,
        Work::Expire => finish::expire(services, &request).await,
        Work::WaitUntil(_) | Work::Nothing => Ok(()),
    }
}

async fn close(
    services: &Services,
    request: &PrivacyRequest,
    event: Event,
) -> Result<(), ApplyError> {
    services.apply_as_host(request, event, Commit::default()).await.map(|_| ())
}

/// How often a commit is tried again because something else was committed in between.
pub(crate) const CONFLICTS_MAX: usize = 16;

impl Services {
    /// Applies what the host itself did.
    pub(crate) async fn apply_as_host(
        &self,
        request: &PrivacyRequest,
        event: Event,
        with: Commit,
    ) -> Result<PrivacyRequest, ApplyError> {
        self.apply(&request.tenant, request.id, Actor::Host, event, with).await
    }

    /// Loads the request, applies the event and commits it with the audit event that tells of it,
    /// after what `with` holds. Starts over when something else was committed between.
    pub(crate) async fn apply(
        &self,
        tenant: &TenantId,
        id: RequestId,
        actor: Actor,
        event: Event,
        with: Commit,
    ) -> Result<PrivacyRequest, ApplyError> {
        for _ in 0..CONFLICTS_MAX {
            let request = self.store().request(tenant, id).await.map_err(HostError::from)?;
            let request = request.ok_or(ApplyError::Gone)?;
            let (event, with) = (event.clone(), with.clone());
            if let Some(request) = self.apply_once(request, actor.clone(), event, with).await? {
                return Ok(request);
            }
        }
        Err(HostError::Contended.into())
    }

    /// The same, for a request that was looked at: what was seen of it is what the event is based
    /// on. None: something else was committed since.
    pub(crate) async fn apply_once(
        &self,
        request: PrivacyRequest,
        actor: Actor,
        event: Event,
        with: Commit,
    ) -> Result<Option<PrivacyRequest>, ApplyError> {
        let mut commit = with;
        let request = self.applied(request, actor, event, &mut commit)?;
        match self.store().commit(commit).await {
            Ok(()) => {
                self.scheduler.followers.wake(&request.tenant, request.id);
                Ok(Some(request))
            }
            Err(CommitError::Conflict(_)) => Ok(None),
            Err(CommitError::Store(error)) => Err(HostError::from(error).into()),
            Err(CommitError::Contradictory(what)) => {
                Err(HostError::from(StoreError::Unavailable(what.to_owned())).into())
            }
            Err(CommitError::Exists(_) | CommitError::Absent(_)) => Err(ApplyError::Gone),
        }
    }

    /// The request after an event, added to a commit with the audit events that tell of it.
    pub(crate) fn applied(
        &self,
        request: PrivacyRequest,
        actor: Actor,
        event: Event,
        commit: &mut Commit,
    ) -> Result<PrivacyRequest, IllegalTransition> {
        let (before, now) = (request.status(), self.now());
        let audit = audit_of(&request, &event, actor, now);
        let request = request.apply(event, now)?;
        commit
            .changes
            .push(Change::PutRequest { due: request.due(now), request: Box::new(request.clone()) });
        commit.audit.push(audit);
        if request.status() != before {
            let (from, to) = (before.as_str(), request.status().as_str());
            let moved =
                AuditEvent::new(&request.tenant, now, Actor::Host, "request.status_changed");
            commit.audit.push(moved.about(request.id).with("from", from).with("to", to));
        }
        Ok(request)
    }
}

/// The audit event that tells of an event: ids, words and counts only.
pub(crate) fn audit_of(
    request: &PrivacyRequest,
    event: &Event,
    actor: Actor,
    at: Timestamp,
) -> AuditEvent {
    let name = format!("request.{}", event.name());
    let audit = AuditEvent::new(&request.tenant, at, actor, &name).about(request.id);
    match event {
        Event::Started { tasks, unserved, webhooks } => audit
            .with("tasks", tasks.len())
            .with("unserved", unserved.len())
            .with("webhooks", webhooks.len()),
        Event::Webhook { id, event } => webhook_facts(audit.with("webhook", id), event),
        Event::Notice { revision, event } => {
            let notice = request.notices.iter().find(|notice| notice.revision == *revision);
            let status = notice.map_or("", |notice| notice.status.as_str());
            notice_facts(audit.with("status", status), event)
        }
        Event::Failed { failure } => audit.with("code", failure.code.as_str()),
        Event::Task { id, event } => {
            let audit = audit.with("task", id);
            let audit = match request.task(*id) {
                Some(task) => {
                    audit.with("connection", &task.connection).with("action", task.action)
                }
                None => audit,
            };
            task_facts(audit, event)
        }
        Event::Resumed { tasks } => audit.with("tasks", tasks.len()),
        Event::Retried { tasks } => audit.with("tasks", tasks.len()),
        Event::Packaged { package } => audit
            .with("sha256", &package.sha256)
            .with("size", package.size)
            .with("files", package.files)
            .with("destination", &package.destination),
        // The reason of a denial is a person's own words and stays in the sealed request.
        Event::Approved
        | Event::Denied { .. }
        | Event::Canceled
        | Event::DeadlinePassed
        | Event::Completed
        | Event::Expired => audit,
    }
}

fn webhook_facts(audit: AuditEvent, event: &WebhookEvent) -> AuditEvent {
    match event {
        WebhookEvent::Answered { answer, .. } => {
            let added: usize = answer.identities.values().map(Vec::len).sum();
            audit.with("identities", added)
        }
        WebhookEvent::Postponed { until, failure } => {
            failure_facts(audit.with("until", until), failure)
        }
        WebhookEvent::Failed { failure } => failure_facts(audit, failure),
        WebhookEvent::Withdrawn | WebhookEvent::Released => audit,
    }
}

fn notice_facts(audit: AuditEvent, event: &NoticeEvent) -> AuditEvent {
    match event {
        NoticeEvent::Delivered { status } => audit.with("answer", status),
        NoticeEvent::Postponed { until, failure } => {
            failure_facts(audit.with("until", until), failure)
        }
        NoticeEvent::GivenUp { failure } => failure_facts(audit, failure),
    }
}

/// Labels, as long as an event may be.
fn listed(labels: &[String]) -> String {
    const MOST: usize = 20;
    let listed = labels.iter().take(MOST).map(String::as_str).collect::<Vec<_>>().join(", ");
    match labels.len().saturating_sub(MOST) {
        0 => listed,
        more => format!("{listed} and {more} more"),
    }
}

fn failure_facts(audit: AuditEvent, failure: &cordon_model::Failure) -> AuditEvent {
    audit.with("code", failure.code.as_str()).with("detail", &failure.detail)
}

fn task_facts(audit: AuditEvent, event: &TaskEvent) -> AuditEvent {
    match event {
        TaskEvent::Started { segment } => {
            audit.with("segment", segment.number).with("attempt", segment.attempt)
        }
        TaskEvent::Finished { found, calls, skipped, .. } => audit
            .with("found", found.len())
            .with("calls", calls.len())
            .with("skipped", skipped.len()),
        TaskEvent::Skipped { reason } => audit.with("reason", reason.as_str()),
        TaskEvent::Asked { form, .. } => audit.with("fields", form.fields.len()),
        TaskEvent::InputGiven { values, labels, replaced } => {
            let audit = audit.with("values", values).with("replaced", replaced);
            if labels.is_empty() { audit } else { audit.with("labels", listed(labels)) }
        }
        TaskEvent::Pending { until, .. } | TaskEvent::Suspended { until } => {
            audit.with("until", until)
        }
        TaskEvent::Failed { failure, calls } => {
            audit.with("code", failure.code.as_str()).with("calls", calls.len())
        }
        TaskEvent::Settled => audit,
    }
}
