//! How long to wait before a call is tried again: exponential, with full jitter, so that tasks
//! that failed together do not come back together.

use std::time::Duration;

/// The wait after the `attempt`-th try (1 for the first): anything from nothing to
/// `base · 2^(attempt - 1)`, at most `max`, picked by `random`.
pub(crate) fn wait(base: Duration, max: Duration, attempt: u8, random: u64) -> Duration {
    let doubled = 1_u32.checked_shl(u32::from(attempt.saturating_sub(1))).unwrap_or(u32::MAX);
    let ceiling = base.saturating_mul(doubled).min(max);
    // The top 32 bits as a fraction of one: a Duration times a u32, divided by 2^32.
    let nanos = (ceiling.as_nanos() * u128::from(random >> 32)) >> 32;
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: Duration = Duration::from_millis(500);
    const MAX: Duration = Duration::from_secs(8);

    #[test]
    fn the_jitter_is_full() {
        assert_eq!(wait(BASE, MAX, 3, 0), Duration::ZERO);
        let most = wait(BASE, MAX, 3, u64::MAX);
        assert!(most < Duration::from_secs(2) && most > Duration::from_millis(1999), "{most:?}");
    }

    proptest::proptest! {
        #[test]
        fn no_wait_is_longer_than_the_longest(attempt: u8, random: u64) {
            proptest::prop_assert!(wait(BASE, MAX, attempt, random) <= MAX);
        }

        #[test]
        fn a_wait_grows_with_its_random_number(attempt: u8, a: u64, b: u64) {
            let (low, high) = (a.min(b), a.max(b));
            let wait = |random| wait(BASE, MAX, attempt, random);
            proptest::prop_assert!(wait(low) <= wait(high));
        }
    }
}
