//! What tenants share, given to them in turns: whoever asks for very much delays nobody else by
//! more than a turn.
//!
//! [`Places`] says who may go on, of however many want to: the calls of the sandbox. On it stand
//! the [`Processors`], for everything of the host that computes on behalf of a tenant: the engine
//! works on a request in turns, the store reads and prepares in them, packages are made in them.
//! Neither knows what is done in a turn.

mod places;
mod processors;

pub use places::{Count, Gauges, Maxima, Place, Places, Seat, TooManyWait, Turn};
pub use processors::{Ended, Processors, woken};
