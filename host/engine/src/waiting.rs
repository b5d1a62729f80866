//! Requests that wait for a person: what is asked of the person now, and what lets a request go on
//! without one. That is only ever a change of what is asked: a manual webhook that was disabled or
//! removed, or that is again what an input answered (BEHAVIOUR F9). Time, a restart and a sweep
//! change nothing.
//!
//! A request that waits is not due, so the scheduler does not come across it by itself. Whoever
//! changes what is asked has the requests of that connection reviewed ([`Reviews`]); a driver
//! settles its own request before it rests, so that one which asks in the middle of a change
//! misses nothing; and at start-up all are reviewed, because a crash can fall between a change and
//! its review. Called by the services, the drivers and the scheduler.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use cordon_model::audit::Actor;
use cordon_model::commit::{Commit, StoreError};
use cordon_model::connection::{Connection, Mode};
use cordon_model::page::Page;
use cordon_model::policy::ManualWebhook;
use cordon_model::request::{Event, PrivacyRequest, TaskEvent};
use cordon_model::task::{SkipReason, Stage, Task};
use cordon_model::{ConnectionKey, RequestId, TenantId};
use futures_util::StreamExt as _;
use futures_util::stream;
use tokio::sync::Notify;

use crate::services::Services;
use crate::step::{ApplyError, HostError};

/// Connections whose waiting requests are to be looked at.
#[derive(Clone, Default)]
pub(crate) struct Reviews {
    wanted: Arc<Mutex<BTreeSet<(TenantId, ConnectionKey)>>>,
    added: Arc<Notify>,
}

impl Reviews {
    /// What is asked for a connection has changed.
    pub(crate) fn add(&self, tenant: TenantId, connection: ConnectionKey) {
        self.lock().insert((tenant, connection));
        self.added.notify_one();
    }

    async fn next(&self) -> (TenantId, ConnectionKey) {
        loop {
            let next = self.lock().pop_first();
            match next {
                Some(next) => return next,
                None => self.added.notified().await,
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeSet<(TenantId, ConnectionKey)>> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reviews everything once, and then what is wanted. Never returns; what the store cannot do now
/// is tried again. The scheduler runs it for as long as it works.
pub(crate) async fn review(services: Services) {
    while let Err(error) = review_all(&services).await {
        hold_back(&services, &error).await;
    }
    loop {
        let (tenant, connection) = services.scheduler.reviews.next().await;
        while let Err(error) = review_connection(&services, &tenant, &connection).await {
            hold_back(&services, &error).await;
        }
    }
}

async fn hold_back(services: &Services, error: &HostError) {
    tracing::error!(%error, "waiting requests cannot be reviewed; the host will try again");
    tokio::time::sleep(services.options.host_retry).await;
}

async fn review_all(services: &Services) -> Result<(), HostError> {
    let mut page = Page::first();
    loop {
        let tenants = services.store().tenants(&page).await?;
        for tenant in tenants.items {
            let connections = services.all_connections(&tenant.id).await?;
            for connection in connections.iter().filter(|c| services.is_set_by_policies(c)) {
                review_connection(services, &tenant.id, &connection.key).await?;
            }
        }
        match tenants.next_cursor {
            Some(cursor) => page.cursor = Some(cursor),
            None => return Ok(()),
        }
    }
}

async fn review_connection(
    services: &Services,
    tenant: &TenantId,
    connection: &ConnectionKey,
) -> Result<(), HostError> {
    let options = &services.options;
    let mut after = None;
    loop {
        let ids = services
            .store()
            .open_requests_of(tenant, connection, after, options.review_step)
            .await?;
        let Some(last) = ids.last() else { return Ok(()) };
        after = Some(*last);
        let settling = ids.into_iter().map(|id| settle_all(services, tenant, id));
        let mut settling = stream::iter(settling).buffer_unordered(options.reviews_in_flight_max);
        while let Some(settled) = settling.next().await {
            settled?;
        }
    }
}

/// Settles a request until there is nothing to settle.
async fn settle_all(
    services: &Services,
    tenant: &TenantId,
    id: RequestId,
) -> Result<(), HostError> {
    let mut changed = false;
    loop {
        let Some(request) = services.store().request(tenant, id).await? else { return Ok(()) };
        match settle(services, &request).await {
            Ok(true) => changed = true,
            Ok(false) => break,
            Err(ApplyError::Host(error)) => return Err(error),
            Err(ApplyError::Gone) => return Ok(()),
            Err(ApplyError::Illegal(error)) => {
                tracing::debug!(tenant.id = %tenant, request.id = %id, %error, "moved on");
            }
        }
    }
    if changed {
        services.scheduler.changed(tenant, id);
    }
    Ok(())
}

/// Lets go on what waits for nothing any more: a task whose manual webhook was withdrawn, and
/// under `auto_resume` all of them when everything is given. True: look at the request again.
pub(crate) async fn settle(
    services: &Services,
    request: &PrivacyRequest,
) -> Result<bool, ApplyError> {
    if request.waiting_for_input().next().is_none() {
        return Ok(false);
    }
    for task in request.waiting_for_input().filter(|task| task.stage == Stage::Manual) {
        if services.definition(request, task).await.map_err(HostError::from)?.is_none() {
            let event = TaskEvent::Skipped { reason: SkipReason::Withdrawn };
            let event = Event::Task { id: task.id, event };
            return apply(services, request, event).await;
        }
    }
    if !request.terms.auto_resume {
        return Ok(false);
    }
    let statuses = services.statuses(request).await.map_err(HostError::from)?;
    let waited_for = || statuses.iter().filter(|status| status.waits);
    if waited_for().any(|status| !status.provided) {
        return Ok(false);
    }
    let tasks = waited_for().map(|status| (status.task, status.form.clone())).collect();
    apply(services, request, Event::Resumed { tasks }).await
}

/// The event is based on what was seen of the request: it must not meet another one.
async fn apply(
    services: &Services,
    request: &PrivacyRequest,
    event: Event,
) -> Result<bool, ApplyError> {
    services.apply_once(request.clone(), Actor::Host, event, Commit::default()).await.map(|_| true)
}

/// Whether a connection does anything for requests.
pub(crate) fn takes_part(connection: &Connection) -> bool {
    connection.enabled && connection.mode == Mode::Live
}

impl Services {
    /// The manual webhook that asks a person for a task now. None: it was disabled or removed, it
    /// is another policy's, or its connection does not take part any more.
    pub(crate) async fn definition(
        &self,
        request: &PrivacyRequest,
        task: &Task,
    ) -> Result<Option<ManualWebhook>, StoreError> {
        let webhook = self.store().manual_webhook(&request.tenant, &task.connection).await?;
        let asks = |webhook: &ManualWebhook| webhook.enabled && webhook.policy == request.policy;
        let Some(webhook) = webhook.filter(asks) else { return Ok(None) };
        let connection = self.store().connection(&request.tenant, &task.connection).await?;
        Ok(connection.is_some_and(|connection| takes_part(&connection)).then_some(webhook))
    }

    /// Whether policies say what a connection does.
    pub(crate) fn is_set_by_policies(&self, connection: &Connection) -> bool {
        let plugin =
            self.ports.connectors.plugin_for(&connection.tenant, &connection.connector_type);
        plugin.is_some_and(|plugin| plugin.descriptor.policy_schema.is_some())
    }
}
