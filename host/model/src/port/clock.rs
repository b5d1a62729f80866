//! The time.

use jiff::Timestamp;

/// The time, so that a test can move it.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}
