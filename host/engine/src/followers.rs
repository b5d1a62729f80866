//! Who follows which request live: a place for each, and a way to wake them when something of
//! the request was committed.
//!
//! Holds no event: what happened is read from the store, so a slow follower costs a place and
//! nothing more, and a lost wake costs a tick. `service/events` takes places; whoever commits
//! wakes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cordon_model::{RequestId, TenantId};
use tokio::sync::watch;

type Place = (TenantId, RequestId);

/// Everybody who follows a request.
#[derive(Clone, Default)]
pub(crate) struct Followers(Arc<Mutex<Places>>);

#[derive(Default)]
struct Places {
    requests: HashMap<Place, watch::Sender<()>>,
    by_tenant: HashMap<TenantId, usize>,
}

/// A place among those who follow a request; given back when it is dropped.
pub(crate) struct Following {
    followers: Followers,
    place: Place,
    woken: watch::Receiver<()>,
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    /// The tenant has all of its own.
    Tenant,
    /// The host has none left.
    Host,
}

impl Followers {
    /// Takes a place.
    pub(crate) fn follow(
        &self,
        tenant: &TenantId,
        request: RequestId,
        tenant_max: usize,
        host_max: usize,
    ) -> Result<Following, Full> {
        let mut places = self.lock();
        if places.by_tenant.get(tenant).is_some_and(|count| *count >= tenant_max) {
            return Err(Full::Tenant);
        }
        if places.by_tenant.values().sum::<usize>() >= host_max {
            return Err(Full::Host);
        }
        *places.by_tenant.entry(tenant.clone()).or_default() += 1;
        let place = (tenant.clone(), request);
        let woken = places.requests.entry(place.clone()).or_default().subscribe();
        Ok(Following { followers: self.clone(), place, woken })
    }

    /// Something of this request was committed.
    pub(crate) fn wake(&self, tenant: &TenantId, request: RequestId) {
        let places = self.lock();
        if places.requests.is_empty() {
            return;
        }
        if let Some(sender) = places.requests.get(&(tenant.clone(), request)) {
            sender.send_replace(());
        }
    }

    /// How many follow a request of a tenant, or any.
    pub(crate) fn count(&self, tenant: Option<&TenantId>) -> usize {
        let places = self.lock();
        match tenant {
            Some(tenant) => places.by_tenant.get(tenant).copied().unwrap_or(0),
            None => places.by_tenant.values().sum(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Places> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Following {
    /// What is committed from now on wakes; to be called before the store is read.
    pub(crate) fn arm(&mut self) {
        self.woken.mark_unchanged();
    }

    /// Returns when something was committed since [`Following::arm`].
    pub(crate) async fn woken(&mut self) {
        // The sender lives as long as this place: there is no other way for this to end.
        let _ = self.woken.changed().await;
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        let mut places = self.followers.lock();
        let is_last =
            places.requests.get(&self.place).is_some_and(|sender| sender.receiver_count() <= 1);
        if is_last {
            places.requests.remove(&self.place);
        }
        if let Some(count) = places.by_tenant.get_mut(&self.place.0) {
            *count -= 1;
            if *count == 0 {
                places.by_tenant.remove(&self.place.0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::new_uuid;
    use cordon_model::Timestamp;

    fn request() -> RequestId {
        RequestId::new(new_uuid(Timestamp::UNIX_EPOCH))
    }

    #[test]
    fn places_are_limited_by_tenant_and_by_host_and_given_back() {
        let followers = Followers::default();
        let (one, two): (TenantId, TenantId) = ("one".parse().unwrap(), "two".parse().unwrap());
        let of = |tenant: &TenantId| followers.follow(tenant, request(), 2, 3);
        let first = of(&one).ok().unwrap();
        let _second = of(&one).ok().unwrap();
        assert_eq!(of(&one).err(), Some(Full::Tenant));
        let _third = of(&two).ok().unwrap();
        assert_eq!(of(&two).err(), Some(Full::Host));
        let counts = [Some(&one), Some(&two), None].map(|of| followers.count(of));
        assert_eq!(counts, [2, 1, 3]);
        drop(first);
        assert!(of(&one).is_ok());
        assert_eq!(followers.lock().requests.len(), 2, "nothing is kept of those who left");
    }

    #[tokio::test]
    async fn what_is_committed_between_arming_and_waiting_is_not_slept_through() {
        let followers = Followers::default();
        let (tenant, request) = (TenantId::default_tenant(), request());
        let mut following = followers.follow(&tenant, request, 1, 1).ok().unwrap();
        following.arm();
        followers.wake(&tenant, request);
        following.woken().await;
    }
}
