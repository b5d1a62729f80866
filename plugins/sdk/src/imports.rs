//! Where the imported functions come from: the host in a component, the double of it elsewhere.
//!
//! Both have the same names and signatures, so that nothing above this file knows the difference.

#[cfg(target_arch = "wasm32")]
pub(crate) use crate::bindings::cordon::connector::{handles, http, log};
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use crate::testing::imports::{handles, http, log};
