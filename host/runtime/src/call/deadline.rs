//! When a call must be over: an absolute time of the `Clock` port, turned once into an instant
//! of the timers.

use std::time::Duration;

use cordon_model::Timestamp;
use cordon_model::port::Clock;
use tokio::time::Instant;

/// The end of a call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    ends: Instant,
}

impl Deadline {
    /// At a time.
    pub(crate) fn at(time: Timestamp, clock: &dyn Clock) -> Self {
        let left = time.duration_since(clock.now());
        Self::after(Duration::try_from(left).unwrap_or(Duration::ZERO))
    }

    /// After a while.
    pub(crate) fn after(time: Duration) -> Self {
        // Farther away than the timers can tell is as good as a day farther than anything runs.
        let far = Duration::from_secs(365 * 24 * 3600);
        Self { ends: Instant::now() + time.min(far) }
    }

    /// Whichever comes first.
    pub(crate) fn sooner(self, other: Self) -> Self {
        Self { ends: self.ends.min(other.ends) }
    }

    pub(crate) const fn instant(self) -> Instant {
        self.ends
    }

    pub(crate) fn left(self) -> Duration {
        self.ends.saturating_duration_since(Instant::now())
    }
}
