//! Finds requests that are due and has a step driver work on each.
//!
//! On a wake, on a tick and at start-up it does the same thing: ask the store what is due. A crash
//! needs no recovery of its own, and a lost wake costs a tick. One driver a request: a second one
//! never starts while the first is at work.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cordon_model::{RequestId, TenantId, Timestamp};
use tokio::sync::Notify;
use tokio::task::{self, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::followers::Followers;
use crate::services::Services;
use crate::waiting::{self, Reviews};
use crate::{drive, fair, step};

type Place = (TenantId, RequestId);
/// What a driver leaves when it ends, and its place.
type Ended = (Place, Result<(), step::HostError>);

/// A cheap way to the scheduler: wakes it, and reaches the driver of a request.
#[derive(Clone, Default)]
pub struct Handle {
    wake: Arc<Notify>,
    pub(crate) followers: Followers,
    pub(crate) reviews: Reviews,
    /// One removal of a tenant at a time.
    pub(crate) removals: Arc<tokio::sync::Mutex<()>>,
    /// A removal could not be brought to its end by who began it.
    pub(crate) removal_is_left: Arc<Notify>,
    /// A driver ended.
    ended: Arc<Notify>,
    at_work: Arc<Mutex<HashMap<Place, Reins>>>,
}

/// What a driver is told while it is at work.
#[derive(Clone)]
pub(crate) struct Reins {
    /// To end.
    pub(crate) cancel: CancellationToken,
    /// The request was changed by somebody else.
    pub(crate) changed: Arc<Notify>,
}

impl Handle {
    /// Something may be due. A hint: nothing is lost without it.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Somebody changed a request: its driver, if it has one, looks at it again. A hint, too.
    pub(crate) fn changed(&self, tenant: &TenantId, request: RequestId) {
        if let Some(reins) = self.lock().get(&(tenant.clone(), request)) {
            reins.changed.notify_one();
        }
        self.followers.wake(tenant, request);
        self.wake();
    }

    /// Ends the work on a request whose end was committed: its instances are dropped.
    pub(crate) fn stop_work(&self, tenant: &TenantId, request: RequestId) {
        if let Some(reins) = self.lock().get(&(tenant.clone(), request)) {
            reins.cancel.cancel();
        }
    }

    /// Ends the work on every request of a tenant, and returns when none is left. Nothing of it
    /// begins again: the tenant is suspended. Looks again every `tick`, because a driver may have
    /// begun just when it was.
    pub(crate) async fn stop_tenant(&self, tenant: &TenantId, tick: Duration) {
        loop {
            let ended = self.ended.notified();
            if !self.cancel_work_of(tenant) {
                return;
            }
            // A wait that is over is the same as an end: both mean to look again.
            let _ = tokio::time::timeout(tick, ended).await;
        }
    }

    /// Whether there was any.
    fn cancel_work_of(&self, tenant: &TenantId) -> bool {
        let mut any = false;
        for (_, reins) in self.lock().iter().filter(|((of, _), _)| of == tenant) {
            reins.cancel.cancel();
            any = true;
        }
        any
    }

    /// How many requests of a tenant are being worked on.
    pub(crate) fn at_work_of(&self, tenant: &TenantId) -> usize {
        self.lock().keys().filter(|(of, _)| of == tenant).count()
    }

    /// How many requests are being worked on.
    pub fn at_work(&self) -> usize {
        self.lock().len()
    }

    /// How many requests of each tenant are being worked on.
    fn at_work_by_tenant(&self) -> HashMap<TenantId, usize> {
        let mut counts = HashMap::new();
        for (tenant, _) in self.lock().keys() {
            *counts.entry(tenant.clone()).or_default() += 1;
        }
        counts
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Place, Reins>> {
        self.at_work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The loop. `run` it once for a host.
pub struct Scheduler {
    services: Services,
    /// Requests for which the host could not do its part, and when to try again.
    held_back: HashMap<Place, Timestamp>,
    /// What each driver works on, so that one that breaks can be told from the others.
    places: HashMap<task::Id, Place>,
    /// Whose turn it was last.
    served_last: Option<TenantId>,
    /// The largest share of the places that a tenant was seen to have.
    largest_share: usize,
}

/// What the scheduler must know of a tenant.
#[derive(Clone, Copy)]
struct Standing {
    rests: bool,
    /// Requests of it that may be worked on at one time.
    share: usize,
}

impl Scheduler {
    /// Pure: spawns nothing.
    pub fn new(services: Services) -> Self {
        let (held_back, places) = (HashMap::new(), HashMap::new());
        Self { services, held_back, places, served_last: None, largest_share: 0 }
    }

    /// Works until `stop`; then drops what runs and returns. What was at work is simply due
    /// again at the next start.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut drivers: JoinSet<Ended> = JoinSet::new();
        let handle = self.services.scheduler.clone();
        let mut reviewing = JoinSet::new();
        reviewing.spawn(waiting::review(self.services.clone()));
        reviewing.spawn(self.services.clone().finish_removals());
        while !stop.is_cancelled() {
            self.claim(&mut drivers, &stop).await;
            tokio::select! {
                biased;
                () = stop.cancelled() => {}
                Some(ended) = drivers.join_next_with_id() => self.ended(ended),
                () = handle.wake.notified() => {}
                () = tokio::time::sleep(self.services.options.tick) => {}
            }
        }
        drivers.shutdown().await;
        reviewing.shutdown().await;
        handle.lock().clear();
        handle.ended.notify_waiters();
    }

    async fn claim(&mut self, drivers: &mut JoinSet<Ended>, stop: &CancellationToken) {
        let options = &self.services.options;
        let now = self.services.now();
        let mut shares = self.services.scheduler.at_work_by_tenant();
        // Requests at work, and those held back, stay due in the store; ask for so many more.
        let busiest = shares.values().copied().max().unwrap_or(0);
        let usual = options.allowance.requests_in_flight_max as usize;
        let largest = self.largest_share.max(usual);
        let per_tenant = largest + busiest + self.held_back.len();
        let due = match self.services.store().due(now, per_tenant).await {
            Ok(due) => due,
            Err(error) => {
                tracing::error!(%error, "cannot read what is due");
                return;
            }
        };
        self.held_back.retain(|_, until| *until > now);
        let standings = self.standings(&due).await;
        self.largest_share = standings.values().map(|of| of.share).max().unwrap_or(0);
        for place in fair::in_turns(due, self.served_last.as_ref()) {
            // Who waits for a turn to send a message has no place, so that a tenant whose
            // receivers hang cannot fill them; more than that many waiters have one again.
            let waiting = self.services.deliveries.waiting().min(options.deliveries_waiting_max);
            if drivers.len().saturating_sub(waiting) >= options.requests_in_flight_max {
                break;
            }
            let share = shares.get(&place.0).copied().unwrap_or(0);
            let standing = standings.get(&place.0);
            if standing.is_none_or(|standing| standing.rests || share >= standing.share)
                || self.held_back.contains_key(&place)
            {
                continue;
            }
            let reins = Reins { cancel: stop.child_token(), changed: Arc::default() };
            {
                let mut at_work = self.services.scheduler.lock();
                if at_work.contains_key(&place) {
                    continue;
                }
                at_work.insert(place.clone(), reins.clone());
            }
            *shares.entry(place.0.clone()).or_default() += 1;
            self.served_last = Some(place.0.clone());
            let (services, of) = (self.services.clone(), place.clone());
            let driver = drivers.spawn(async move {
                let driving = drive::drive(&services, &place.0, place.1, &reins);
                let result = services.options.processors.in_turns(&place.0, driving).await;
                (place, result)
            });
            self.places.insert(driver.id(), of);
        }
        metrics::gauge!("cordon_requests_at_work").set(drivers.len() as f64);
    }

    /// What was set for those of whom something is due: as of now, so that a change needs no
    /// restart.
    async fn standings(&self, due: &[(TenantId, Vec<RequestId>)]) -> HashMap<TenantId, Standing> {
        let mut standings = HashMap::new();
        for (id, _) in due {
            let standing = match self.services.store().tenant(id).await {
                Ok(Some(tenant)) => Standing {
                    rests: tenant.suspended,
                    share: self.services.allowance_of(&tenant).requests_in_flight_max as usize,
                },
                Ok(None) => Standing { rests: true, share: 0 },
                Err(error) => {
                    tracing::error!(tenant.id = %id, %error, "cannot read what a tenant may use");
                    Standing { rests: true, share: 0 }
                }
            };
            standings.insert(id.clone(), standing);
        }
        standings
    }

    fn ended(&mut self, ended: Result<(task::Id, Ended), task::JoinError>) {
        match ended {
            Ok((driver, (place, result))) => {
                self.places.remove(&driver);
                self.services.scheduler.lock().remove(&place);
                self.services.scheduler.ended.notify_waiters();
                if let Err(error) = result {
                    tracing::error!(
                        tenant.id = %place.0, request.id = %place.1, %error,
                        "the host could not do its part; it will try again",
                    );
                    let again = self.services.now() + self.services.options.host_retry;
                    self.held_back.insert(place, again);
                }
            }
            Err(error) => {
                // A driver that panicked has left its place behind: free that one and no other (one
                // that was told to stop may still be at work), hold the request back a while, and
                // say so loudly. Nothing of it is lost.
                tracing::error!(%error, "a request's driver broke");
                metrics::counter!("cordon_driver_panics_total").increment(1);
                if let Some(place) = self.places.remove(&error.id()) {
                    self.services.scheduler.lock().remove(&place);
                    self.services.scheduler.ended.notify_waiters();
                    let again = self.services.now() + self.services.options.host_retry;
                    self.held_back.insert(place, again);
                }
            }
        }
    }
}
