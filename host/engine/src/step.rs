//! Works on one request: load, derive the next work, do it, commit, again; until nothing is left
//! to do now.

use cordon_model::audit::{Actor, AuditEvent};
use cordon_model::commit::{Change, Commit, CommitError, StoreError};
use cordon_model::request::{Event, IllegalTransition, PrivacyRequest, TaskEvent, Work};
use cordon_model::{RequestId, TenantId, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::services::Services;
use crate::{finish, run, start};

/// The host could not do its part. Nothing is wrong with the request; it is tried again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HostError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0}")]
    Connector(String),
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

/// Works on a request until nothing is left to do now, or `cancel`.
pub(crate) async fn drive(
    services: &Services,
    tenant: &TenantId,
    id: RequestId,
    cancel: CancellationToken,
) -> Result<(), HostError> {
    // Breaks the token's hold when this driver ends in whatever way (see `free_abandoned`).
    let _ended = cancel.clone().drop_guard();
    loop {
        let Some(request) = services.store().request(tenant, id).await? else { return Ok(()) };
        let done = match request.next_work(services.now()) {
            Work::Start => start::start(services, request).await,
            Work::Run(tasks) => run::run_tasks(services, &request, &tasks, &cancel).await,
            Work::Assemble => finish::assemble(services, request).await,
            Work::Finish => services
                .apply_as_host(&request, Event::Completed, Commit::default())
                .await
                .map(|_| ()),
            Work::WaitUntil(_) | Work::Nothing => return Ok(()),
        };
        match done {
            Ok(()) => {}
            Err(ApplyError::Host(error)) => return Err(error),
            Err(ApplyError::Gone) => return Ok(()),
            // Somebody changed the request meanwhile: look at it as it is now.
            Err(ApplyError::Illegal(error)) => {
                tracing::debug!(tenant.id = %tenant, request.id = %id, %error, "moved on");
            }
        }
        if cancel.is_cancelled() {
            return Ok(());
        }
    }
}

/// How often a commit is tried again because something else was committed in between.
const CONFLICTS_MAX: usize = 16;

impl Services {
    pub(crate) async fn is_suspended(&self, tenant: &TenantId) -> bool {
        match self.store().tenant(tenant).await {
            Ok(Some(tenant)) => tenant.suspended,
            Ok(None) => true,
            Err(_) => false,
        }
    }

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
            let before = request.status();
            let now = self.now();
            let audit = audit_of(&request, &event, actor.clone(), now);
            let request = request.apply(event.clone(), now)?;
            let mut commit = with.clone();
            commit.changes.push(Change::PutRequest {
                due: request.due(now),
                request: Box::new(request.clone()),
            });
            commit.audit.push(audit);
            if request.status() != before {
                let (from, to) = (before.as_str(), request.status().as_str());
                let moved = AuditEvent::new(tenant, now, Actor::Host, "request.status_changed");
                commit.audit.push(moved.about(id).with("from", from).with("to", to));
            }
            match self.store().commit(commit).await {
                Ok(()) => return Ok(request),
                Err(CommitError::Conflict(_)) => {}
                Err(CommitError::Store(error)) => return Err(HostError::from(error).into()),
                Err(CommitError::Exists(_) | CommitError::Absent(_)) => {
                    return Err(ApplyError::Gone);
                }
            }
        }
        Err(HostError::Contended.into())
    }
}

/// The audit event that tells of an event: ids, words and counts only.
fn audit_of(request: &PrivacyRequest, event: &Event, actor: Actor, at: Timestamp) -> AuditEvent {
    let name = format!("request.{}", event.name());
    let audit = AuditEvent::new(&request.tenant, at, actor, &name).about(request.id);
    match event {
        Event::Started { tasks, unserved } => {
            audit.with("tasks", tasks.len()).with("unserved", unserved.len())
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
        Event::Approved | Event::Denied { .. } | Event::Canceled | Event::Completed => audit,
    }
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
        TaskEvent::Pending { until, .. } | TaskEvent::Suspended { until } => {
            audit.with("until", until)
        }
        TaskEvent::Failed { failure, calls } => {
            audit.with("code", failure.code.as_str()).with("calls", calls.len())
        }
        TaskEvent::Settled => audit,
    }
}
