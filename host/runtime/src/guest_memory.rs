//! The memory of all guests together: how much is left for a tenant, and for the host.
//!
//! Counts only; what one call may have is the business of `limits`, which asks here for every
//! growth. What a call took is given back when its share is dropped, and that is with its store.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use cordon_model::TenantId;

use crate::caller::Caller;

/// Who a call belongs to; None is the host.
type Owner = Option<TenantId>;

/// What all guests have.
#[derive(Debug)]
pub(crate) struct GuestMemory {
    bytes_max: u64,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    bytes: u64,
    /// Only those that hold something.
    owners: HashMap<Owner, u64>,
}

/// There is no more at the moment, and the call that wants it is not to blame. Thrown through
/// the guest, so that no guest ever sees how much the others use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Shortage {
    /// The tenant's calls together have all that the tenant may have.
    #[error("the connectors of the tenant have all the memory that they may have together")]
    OfTenant,
    /// All calls together have all that there is.
    #[error("the connectors of the host have all the memory that they may have together")]
    OfHost,
}

impl GuestMemory {
    pub(crate) fn new(bytes_max: u64) -> Arc<Self> {
        Arc::new(Self { bytes_max, held: Mutex::default() })
    }

    /// What the calls of a tenant, or all calls, have now, in bytes.
    pub(crate) fn bytes(&self, tenant: Option<&TenantId>) -> u64 {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        match tenant {
            None => held.bytes,
            some => held.owners.get(&some.cloned()).copied().unwrap_or(0),
        }
    }

    /// The share of one call, empty at first.
    pub(crate) fn share(self: &Arc<Self>, caller: &Caller) -> Share {
        Share {
            memory: Arc::clone(self),
            owner: caller.tenant.clone(),
            owner_max: caller.memory_bytes_max,
            bytes: 0,
        }
    }

    fn take(&self, owner: &Owner, owner_max: u64, bytes: u64) -> Result<(), Shortage> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let all = held.bytes.saturating_add(bytes);
        let of_owner = held.owners.get(owner).copied().unwrap_or(0).saturating_add(bytes);
        if of_owner > owner_max {
            return Err(Shortage::OfTenant);
        }
        if all > self.bytes_max {
            return Err(Shortage::OfHost);
        }
        held.bytes = all;
        match held.owners.get_mut(owner) {
            Some(held) => *held = of_owner,
            None => {
                held.owners.insert(owner.clone(), of_owner);
            }
        }
        Ok(())
    }

    fn give_back(&self, owner: &Owner, bytes: u64) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.bytes = held.bytes.saturating_sub(bytes);
        if let Some(of_owner) = held.owners.get_mut(owner) {
            *of_owner = of_owner.saturating_sub(bytes);
            if *of_owner == 0 {
                held.owners.remove(owner);
            }
        }
    }
}

/// What one call has of it.
#[derive(Debug)]
pub(crate) struct Share {
    memory: Arc<GuestMemory>,
    owner: Owner,
    owner_max: u64,
    bytes: u64,
}

impl Share {
    /// What a call can have when it is alone: more than this is beyond its own limit.
    pub(crate) fn bytes_max(&self) -> u64 {
        self.owner_max.min(self.memory.bytes_max)
    }

    /// Whether it could have so much more, were it alone.
    pub(crate) fn could_ever_take(&self, bytes: u64) -> bool {
        self.bytes.saturating_add(bytes) <= self.bytes_max()
    }

    pub(crate) fn take(&mut self, bytes: u64) -> Result<(), Shortage> {
        self.memory.take(&self.owner, self.owner_max, bytes)?;
        self.bytes += bytes;
        in_use().increment(precise(bytes));
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.memory.give_back(&self.owner, self.bytes);
            in_use().decrement(precise(self.bytes));
        }
    }
}

fn in_use() -> metrics::Gauge {
    metrics::gauge!("cordon_guest_memory_in_use_bytes")
}

#[expect(clippy::cast_precision_loss, reason = "a gauge; no memory comes near 2^52 bytes")]
const fn precise(bytes: u64) -> f64 {
    bytes as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(tenant: &str, memory_bytes_max: u64) -> Caller {
        Caller { memory_bytes_max, ..Caller::admitting(Some(tenant.parse().unwrap())) }
    }

    fn held(memory: &GuestMemory) -> (u64, usize) {
        let held = memory.held.lock().unwrap();
        (held.bytes, held.owners.len())
    }

    #[test]
    fn the_calls_of_a_tenant_share_what_it_has_and_others_are_not_touched() {
        let memory = GuestMemory::new(100);
        let mut first = memory.share(&caller("a", 60));
        let mut second = memory.share(&caller("a", 60));
        let mut other = memory.share(&caller("b", 60));
        first.take(40).unwrap();
        assert_eq!(second.take(21), Err(Shortage::OfTenant));
        second.take(20).unwrap();
        other.take(40).unwrap();
        assert_eq!(held(&memory), (100, 2));
        let tenants = ["a", "b", "c"].map(|name| name.parse().unwrap());
        assert_eq!(tenants.each_ref().map(|tenant| memory.bytes(Some(tenant))), [60, 40, 0]);
        assert_eq!(memory.bytes(None), 100);
    }

    #[test]
    fn the_calls_of_all_tenants_share_what_the_host_has() {
        let memory = GuestMemory::new(100);
        let mut first = memory.share(&caller("a", 90));
        let mut other = memory.share(&caller("b", 90));
        first.take(90).unwrap();
        assert_eq!(other.take(11), Err(Shortage::OfHost));
        other.take(10).unwrap();
        assert_eq!(other.bytes_max(), 90);
        assert_eq!(memory.share(&caller("c", 200)).bytes_max(), 100);
    }

    #[test]
    fn what_a_call_had_is_there_again_when_it_is_over_and_what_was_refused_was_not_taken() {
        let memory = GuestMemory::new(100);
        let mut first = memory.share(&caller("a", 100));
        first.take(60).unwrap();
        let mut second = memory.share(&caller("a", 100));
        assert!(second.take(41).is_err());
        drop(second);
        assert_eq!(held(&memory), (60, 1));
        drop(first);
        assert_eq!(held(&memory), (0, 0), "nothing is kept of a tenant without calls");
        memory.share(&caller("b", 100)).take(100).unwrap();
    }
}
