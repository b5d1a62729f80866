//! The time of the machine: the one place that reads it.

use cordon_model::Timestamp;
use cordon_model::port::Clock;

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "everything else asks the port")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}
