//! What no number of calls may wear out: memory that nothing is left in, calls that break without
//! end, and an admission that is given anything. `cargo test` makes as many calls as a machine
//! does in seconds; `just torture-sandbox` makes the number that is promised.
//!
//! Each run prints a line that begins with `FIGURE`. They speak to the runtime itself, without a
//! host around it: what stands between the two is tested elsewhere, and costs more than the call.

mod admission;
mod alone;
mod bench;
mod canary;
mod candidates;
mod gauges;
mod trapping;
