//! How often somebody may call: a bucket of tokens for each tenant, and one for each address that
//! comes with keys that are none.
//!
//! A bucket holds what there is for a minute and fills up evenly; who finds it empty is told when to
//! come again. Our own few lines and not a crate: every tenant has a rate of its own, which may
//! change at any moment, and the number of buckets must be bounded. Reads no clock itself; asked by
//! `auth` alone, so that what takes no key is never limited.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use cordon_model::TenantId;

use crate::Options;

/// For so long a bucket lasts, and takes to fill up.
const MINUTE: Duration = Duration::from_secs(60);

/// Where a request came from; put beside it by who serves the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RemoteAddress(pub(crate) IpAddr);

/// The caller has to wait for so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooOften(pub(crate) Duration);

/// Every bucket.
pub(crate) struct Rates {
    tenants: Mutex<Buckets<TenantId>>,
    strangers: Mutex<Buckets<IpAddr>>,
    failures_per_minute_max: u32,
}

impl Rates {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            tenants: Mutex::new(Buckets::new(options.rated_tenants_max)),
            strangers: Mutex::new(Buckets::new(options.rated_addresses_max)),
            failures_per_minute_max: options.failed_authentications_per_minute_max,
        }
    }

    /// Counts a call of a tenant.
    pub(crate) fn take(
        &self,
        tenant: &TenantId,
        per_minute_max: u32,
        now: Instant,
    ) -> Result<(), TooOften> {
        lock(&self.tenants).take(tenant, per_minute_max, now)
    }

    /// A tenant is gone: so is what it called.
    pub(crate) fn forget(&self, tenant: &TenantId) {
        lock(&self.tenants).buckets.remove(tenant);
    }

    /// Counts a key that is none. Only such keys are ever refused for an address: behind a proxy
    /// everybody has the same one, and a stranger must not be able to lock the others out.
    pub(crate) fn failed(&self, address: RemoteAddress, now: Instant) -> Result<(), TooOften> {
        lock(&self.strangers).take(&network_of(address), self.failures_per_minute_max, now)
    }
}

fn lock<K>(buckets: &Mutex<Buckets<K>>) -> MutexGuard<'_, Buckets<K>> {
    buckets.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Who has one address of IPv6 mostly has 2⁶⁴ of them: they count as one.
fn network_of(RemoteAddress(address): RemoteAddress) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()
        }
        address => address,
    }
}

/// Buckets by whose they are; never more than so many.
struct Buckets<K> {
    buckets: HashMap<K, Bucket>,
    buckets_max: usize,
}

/// As one point in time: when it is full again. Whole until then, less what flows in meanwhile.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    full_at: Instant,
    /// A bucket of another rate is another bucket.
    per_minute: u32,
}

impl<K: Hash + Eq + Clone> Buckets<K> {
    fn new(buckets_max: usize) -> Self {
        Self { buckets: HashMap::new(), buckets_max: buckets_max.max(1) }
    }

    fn take(&mut self, key: &K, per_minute: u32, now: Instant) -> Result<(), TooOften> {
        let full_at = self.full_at(key, per_minute, now)?;
        if !self.buckets.contains_key(key) {
            self.make_room(now);
        }
        self.buckets.insert(key.clone(), Bucket { full_at, per_minute });
        Ok(())
    }

    /// When the bucket would be full again after one more token was taken.
    fn full_at(&self, key: &K, per_minute: u32, now: Instant) -> Result<Instant, TooOften> {
        let bucket = self.buckets.get(key).filter(|bucket| bucket.per_minute == per_minute);
        let full_at = bucket.map_or(now, |bucket| bucket.full_at.max(now));
        let after = full_at + MINUTE / per_minute.max(1);
        match after.checked_duration_since(now + MINUTE) {
            Some(wait) if !wait.is_zero() => Err(TooOften(wait)),
            _ => Ok(after),
        }
    }

    /// A full bucket is like none. When all are in use, the one that was used least goes: its owner
    /// has the most left anyway.
    fn make_room(&mut self, now: Instant) {
        if self.buckets.len() < self.buckets_max {
            return;
        }
        self.buckets.retain(|_, bucket| bucket.full_at > now);
        if self.buckets.len() < self.buckets_max {
            return;
        }
        let least = self.buckets.iter().min_by_key(|(_, bucket)| bucket.full_at);
        if let Some(key) = least.map(|(key, _)| key.clone()) {
            self.buckets.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn address(text: &str) -> RemoteAddress {
        RemoteAddress(text.parse().unwrap())
    }

    #[test]
    fn a_bucket_lasts_for_a_minute_at_once_and_fills_up_evenly() {
        let (mut buckets, begin) = (Buckets::new(8), Instant::now());
        for _ in 0..60 {
            assert_eq!(buckets.take(&"a", 60, begin), Ok(()));
        }
        assert_eq!(buckets.take(&"a", 60, begin), Err(TooOften(SECOND)));
        assert_eq!(buckets.take(&"b", 60, begin), Ok(()), "another one's bucket is full");
        let half = begin + SECOND / 2;
        assert_eq!(buckets.take(&"a", 60, half), Err(TooOften(SECOND / 2)));
        assert_eq!(buckets.take(&"a", 60, begin + SECOND), Ok(()));
        assert_eq!(buckets.take(&"a", 60, begin + SECOND), Err(TooOften(SECOND)));
    }

    #[test]
    fn a_rate_that_was_changed_counts_from_now_on() {
        let (mut buckets, now) = (Buckets::new(8), Instant::now());
        assert_eq!(buckets.take(&"a", 1, now), Ok(()));
        assert_eq!(buckets.take(&"a", 1, now), Err(TooOften(MINUTE)));
        assert_eq!(buckets.take(&"a", 2, now), Ok(()));
    }

    #[test]
    fn there_are_never_more_buckets_than_allowed_and_the_emptiest_stay() {
        let (mut buckets, now) = (Buckets::new(3), Instant::now());
        for _ in 0..10 {
            let _ = buckets.take(&0, 10, now);
        }
        for n in 1..100 {
            assert_eq!(buckets.take(&n, 10, now), Ok(()));
            assert!(buckets.buckets.len() <= 3);
        }
        assert!(buckets.take(&0, 10, now).is_err(), "who took everything is not forgotten");
        assert_eq!(buckets.take(&100, 10, now + MINUTE), Ok(()));
        assert_eq!(buckets.buckets.len(), 1, "full ones are let go");
    }

    #[test]
    fn the_addresses_of_one_network_count_as_one_and_loopback_like_any_other() {
        let options = Options { failed_authentications_per_minute_max: 2, ..Options::default() };
        for (one, same, other) in [
            ("2001:db8::1", "2001:db8::ffff:1", "2001:db8:0:1::1"),
            ("192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2"),
            ("127.0.0.1", "127.0.0.1", "127.0.0.2"),
        ] {
            let (rates, now) = (Rates::new(&options), Instant::now());
            for tried in [one, same] {
                assert_eq!(rates.failed(address(tried), now), Ok(()));
            }
            assert_eq!(rates.failed(address(one), now), Err(TooOften(MINUTE / 2)));
            assert!(rates.failed(address(same), now).is_err());
            assert_eq!(rates.failed(address(other), now), Ok(()));
            assert_eq!(rates.failed(address(one), now + MINUTE / 2), Ok(()));
        }
    }

    #[test]
    fn a_tenant_that_is_gone_leaves_no_bucket() {
        let (rates, now) = (Rates::new(&Options::default()), Instant::now());
        let tenant = TenantId::default_tenant();
        assert!(rates.take(&tenant, 1, now).is_ok());
        assert!(rates.take(&tenant, 1, now).is_err());
        rates.forget(&tenant);
        assert!(rates.take(&tenant, 1, now).is_ok());
    }

    proptest! {
        #[test]
        fn nobody_gets_more_than_the_bucket_and_what_flowed_in(
            per_minute in 1_u32..200, steps in prop::collection::vec(0_u64..5_000, 1..400),
        ) {
            let (mut buckets, begin) = (Buckets::new(1), Instant::now());
            let (mut now, mut taken) = (begin, 0_u64);
            for step in steps {
                now += Duration::from_millis(step);
                match buckets.take(&(), per_minute, now) {
                    Ok(()) => taken += 1,
                    // Who waits as long as told is let in.
                    Err(TooOften(wait)) => prop_assert!(buckets.full_at(&(), per_minute, now + wait).is_ok()),
                }
            }
            let flowed = now.duration_since(begin).as_millis() * u128::from(per_minute) / 60_000;
            prop_assert!(u128::from(taken) <= u128::from(per_minute) + flowed + 1);
        }
    }
}
