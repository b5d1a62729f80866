//! Whose turn it is to send a message to a system of a tenant.
//!
//! A tenant's receivers may take as long as they like, so each tenant has a few turns of its own:
//! whoever wants one more waits, in order, without a place among the requests that are worked on.
//! One tenant's receivers that hang hold up nobody else. Asked by [`crate::tell`] and
//! [`crate::notify`]; the scheduler asks how many wait.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use cordon_model::TenantId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The turns of every tenant; a clone is the same ones.
#[derive(Clone)]
pub(crate) struct Deliveries(Arc<Turns>);

struct Turns {
    per_tenant: usize,
    tenants: Mutex<HashMap<TenantId, Arc<Semaphore>>>,
    waiting: AtomicUsize,
}

/// One message may be under way while this is held.
pub(crate) struct Turn {
    _permit: Option<OwnedSemaphorePermit>,
}

impl Deliveries {
    pub(crate) fn new(per_tenant: usize) -> Self {
        let turns = Turns { per_tenant, tenants: Mutex::default(), waiting: AtomicUsize::new(0) };
        Self(Arc::new(turns))
    }

    /// Waits for a turn of the tenant; first come, first served.
    pub(crate) async fn turn(&self, tenant: &TenantId) -> Turn {
        let turns = self.turns_of(tenant);
        let permit = match Arc::clone(&turns).try_acquire_owned() {
            Ok(permit) => Some(permit),
            Err(_) => {
                let _waits = Waits::new(&self.0.waiting);
                // Fails only for a semaphore that was closed, and none ever is.
                turns.acquire_owned().await.ok()
            }
        };
        Turn { _permit: permit }
    }

    /// How many messages of a tenant are under way.
    pub(crate) fn under_way(&self, tenant: &TenantId) -> usize {
        let tenants = self.0.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        tenants.get(tenant).map_or(0, |turns| self.0.per_tenant - turns.available_permits())
    }

    /// How many wait.
    pub(crate) fn waiting(&self) -> usize {
        self.0.waiting.load(Ordering::Relaxed)
    }

    fn turns_of(&self, tenant: &TenantId) -> Arc<Semaphore> {
        let mut tenants = self.0.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turns) = tenants.get(tenant) {
            return Arc::clone(turns);
        }
        // Those that nobody holds or waits for are as good as new ones.
        tenants.retain(|_, turns| Arc::strong_count(turns) > 1);
        let turns = Arc::new(Semaphore::new(self.0.per_tenant));
        tenants.insert(tenant.clone(), Arc::clone(&turns));
        turns
    }
}

/// Counts a wait, also one that is given up.
struct Waits<'a>(&'a AtomicUsize);

impl<'a> Waits<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn a_tenant_has_so_many_turns_and_those_of_another_are_its_own() {
        let deliveries = Deliveries::new(2);
        let (one, two) = ("one".parse().unwrap(), "two".parse().unwrap());
        let first = deliveries.turn(&one).await;
        let _second = deliveries.turn(&one).await;
        let mut third = Box::pin(deliveries.turn(&one));
        assert!(third.as_mut().now_or_never().is_none());
        assert_eq!(deliveries.waiting(), 1);
        assert_eq!((deliveries.under_way(&one), deliveries.under_way(&two)), (2, 0));
        assert!(deliveries.turn(&two).now_or_never().is_some());
        drop(first);
        assert!(third.now_or_never().is_some());
        assert_eq!(deliveries.waiting(), 0);
    }

    #[tokio::test]
    async fn a_wait_that_is_given_up_is_not_counted_and_takes_no_turn() {
        let deliveries = Deliveries::new(1);
        let tenant = "one".parse().unwrap();
        let held = deliveries.turn(&tenant).await;
        let mut waits = Box::pin(deliveries.turn(&tenant));
        assert!(waits.as_mut().now_or_never().is_none());
        drop(waits);
        assert_eq!(deliveries.waiting(), 0);
        drop(held);
        assert!(deliveries.turn(&tenant).now_or_never().is_some());
    }

    #[tokio::test]
    async fn a_tenant_that_sends_nothing_is_forgotten() {
        let deliveries = Deliveries::new(1);
        for name in ["one", "two", "three"] {
            drop(deliveries.turn(&name.parse().unwrap()).await);
        }
        assert_eq!(deliveries.0.tenants.lock().unwrap().len(), 1);
    }
}
