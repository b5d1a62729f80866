//! Policy webhooks: systems of a tenant that are told before a request is worked on, or after.

mod definitions;
mod failing;
mod fairness;
mod halting;
mod removal;
mod telling;
