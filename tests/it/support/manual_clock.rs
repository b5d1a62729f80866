//! A clock that a test moves: what waits for an hour waits for a call of [`ManualClock::advance`].

use std::sync::Mutex;
use std::time::Duration;

use cordon_cli::clock::SystemClock;
use cordon_model::Timestamp;
use cordon_model::port::Clock;

/// The machine's time, and what was added to it. It goes on by itself, because the host turns the
/// times of this clock into those of timers.
#[derive(Default)]
pub(crate) struct ManualClock(Mutex<Duration>);

impl ManualClock {
    pub(crate) fn advance(&self, by: Duration) {
        *self.0.lock().unwrap() += by;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        SystemClock.now() + *self.0.lock().unwrap()
    }
}
