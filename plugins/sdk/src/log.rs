//! Words for the operator.

pub use crate::bindings::cordon::connector::log::Level;

use crate::imports::log as imported;

/// Writes a line to the host's log, with the ids of the run. Capped, and kept out of the log when
/// the run has a read grant.
///
/// ```
/// use cordon_connector_sdk::log::{self, Level};
///
/// fn odd(pages: u32) {
///     log::write(Level::Warn, &format!("the upstream sent {pages} pages without an item"));
/// }
/// ```
pub fn write(level: Level, message: &str) {
    imported::write(level, message);
}
