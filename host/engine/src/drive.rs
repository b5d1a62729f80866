//! Drives one request: its work, step by step until nothing is left to do now, and beside it what
//! its submitter is still to be told.
//!
//! The two go on side by side because a submitter's endpoint may take its time: what a person
//! does to the request meanwhile is not held up by it. Started by the scheduler, one driver a
//! request.

use std::pin::Pin;

use cordon_model::request::{PrivacyRequest, Work};
use cordon_model::{RequestId, TenantId, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::notify;
use crate::scheduler::Reins;
use crate::services::Services;
use crate::step::{self, ApplyError, HostError};
use crate::waiting;

/// Works on a request until nothing is left to do now, or it is cancelled.
pub(crate) async fn drive(
    services: &Services,
    tenant: &TenantId,
    id: RequestId,
    reins: &Reins,
) -> Result<(), HostError> {
    // It may have been suspended between the scheduler's look at it and this driver's claim. Whoever
    // suspends looks at the claims afterwards: one of the two sees the other.
    let tenant_now = services.store().tenant(tenant).await?;
    if tenant_now.is_none_or(|now| now.suspended) {
        return Ok(());
    }
    let mut working = Some(Box::pin(work(services, tenant, id, &reins.cancel)));
    let mut telling = None;
    let mut due = None;
    while working.is_some() || telling.is_some() {
        let rests = working.is_none();
        tokio::select! {
            rested = running(&mut working) => {
                working = None;
                let rest = rested?;
                due = rest.due;
                if rest.has_notice && telling.is_none() {
                    telling = Some(Box::pin(notify::deliver(services, tenant, id)));
                }
            }
            told = running(&mut telling) => {
                telling = None;
                told?;
            }
            () = look_again(services, reins, due), if rests => {
                working = Some(Box::pin(work(services, tenant, id, &reins.cancel)));
            }
            () = reins.cancel.cancelled(), if rests => {}
        }
        // What is still to be told is told by the next driver.
        if working.is_none() && reins.cancel.is_cancelled() {
            break;
        }
    }
    Ok(())
}

/// The end of what is running; never, when nothing is.
async fn running<F: Future>(lane: &mut Option<Pin<Box<F>>>) -> F::Output {
    match lane {
        Some(lane) => lane.as_mut().await,
        None => std::future::pending().await,
    }
}

/// Returns when there may be work again, while the submitter is being told something: somebody
/// changed the request, a time has come, or it is as long since as the host waits anyway.
async fn look_again(services: &Services, reins: &Reins, due: Option<Timestamp>) {
    let options = &services.options;
    let time_comes = async {
        let Some(due) = due else { return std::future::pending().await };
        while due > services.now() {
            tokio::time::sleep(options.tick).await;
        }
    };
    tokio::select! {
        () = reins.changed.notified() => {}
        () = time_comes => {}
        () = tokio::time::sleep(options.host_retry) => {}
    }
}

/// How a request rests.
struct Rest {
    /// When there is work again, beside what the submitter is to be told.
    due: Option<Timestamp>,
    /// Something is to be told now.
    has_notice: bool,
}

impl Rest {
    const OVER: Self = Self { due: None, has_notice: false };

    fn of(mut request: PrivacyRequest, now: Timestamp) -> Self {
        let has_notice = request.next_notice().is_some_and(|notice| notice.due <= now);
        request.notices.clear();
        Self { due: request.due(now), has_notice }
    }
}

/// Load, derive the next work, do it, commit, again.
async fn work(
    services: &Services,
    tenant: &TenantId,
    id: RequestId,
    cancel: &CancellationToken,
) -> Result<Rest, HostError> {
    loop {
        let Some(request) = services.store().request(tenant, id).await? else {
            return Ok(Rest::OVER);
        };
        let now = services.now();
        let done = match request.next_work(now) {
            Work::WaitUntil(_) | Work::Nothing => match waiting::settle(services, &request).await {
                Ok(false) => return Ok(Rest::of(request, now)),
                settled => settled.map(|_| ()),
            },
            work => step::step(services, request, work, cancel).await,
        };
        match done {
            Ok(()) => {}
            Err(ApplyError::Host(error)) => return Err(error),
            Err(ApplyError::Gone) => return Ok(Rest::OVER),
            // Somebody changed the request meanwhile: look at it as it is now.
            Err(ApplyError::Illegal(error)) => {
                tracing::debug!(tenant.id = %tenant, request.id = %id, %error, "moved on");
            }
        }
        if cancel.is_cancelled() {
            return Ok(Rest::OVER);
        }
    }
}
