//! The host functions: one module for each interface of the contract. Every one checks its grant
//! at the moment of use and ends the run without it; none returns a denial as a value.

pub(crate) mod handles;
mod http;
pub(crate) mod log;

use crate::bindings::types;
use crate::call::CallState;

/// The interface `types` has no functions.
impl types::Host for CallState {}
