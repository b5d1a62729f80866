//! What the author of a connector depends on: the contract in Rust, an allocator that suits short
//! lives, and a reader for configurations that reports every problem with its place.
//!
//! A connector is a crate of the type `cdylib` that implements [`Connector`] for a type without
//! state and exports it:
//!
//! ```
//! use cordon_connector_sdk::types::{
//!     Action, Descriptor, Draft, Failure, FailureCode, Outcome, Task, Verdict,
//! };
//! use cordon_connector_sdk::{Connector, export, failure};
//!
//! struct Nothing;
//!
//! impl Connector for Nothing {
//!     fn describe() -> Descriptor {
//!         Descriptor {
//!             connector_type: "nothing".to_owned(),
//!             category: "examples".to_owned(),
//!             display_name: "Nothing".to_owned(),
//!             actions: vec![Action::Access],
//!             config_schema: "{}".to_owned(),
//!             policy_schema: None,
//!             reads: vec![],
//!         }
//!     }
//!     fn validate(_: Draft) -> Verdict {
//!         Verdict { problems: vec![], plan: vec![], egress: vec![] }
//!     }
//!     fn test(_: String) -> Result<(), Failure> {
//!         Ok(())
//!     }
//!     fn run(_: Task) -> Result<Outcome, Failure> {
//!         Err(failure(FailureCode::Unsupported, "there is nothing to do"))
//!     }
//! }
//!
//! export!(Nothing);
//! # fn main() {}
//! ```
//!
//! Build it with `cargo build --target wasm32-unknown-unknown` and turn the module into a
//! component with `wit-component`. No WASI is imported. The same crate compiles natively, so
//! that whatever calls no imported function can have ordinary unit tests; an imported function
//! panics there.

#[cfg(any(target_arch = "wasm32", test))]
mod arena;
pub mod bindings;
pub mod compose;
pub mod reading;
mod words;

pub use bindings::cordon::connector::{handles, http, log, types};
pub use bindings::exports::cordon::connector::connector::Guest as Connector;

use types::{Failure, FailureCode};

/// Exports a type that implements [`Connector`] as the connector of this component. Once in a
/// crate. Compiled for anything but wasm it does nothing: the names of exports are no symbols
/// that a native linker takes.
#[macro_export]
macro_rules! export {
    ($connector:ident) => {
        #[cfg(target_arch = "wasm32")]
        $crate::bindings::export!($connector with_types_in $crate::bindings);
    };
}

/// A failure of no query in particular. `detail` holds names, statuses, sizes and positions,
/// never a value.
pub fn failure(code: FailureCode, detail: impl Into<String>) -> Failure {
    Failure { code, label: None, detail: detail.into() }
}

/// The failure of one query.
pub fn query_failure(code: FailureCode, label: &str, detail: impl Into<String>) -> Failure {
    Failure { code, label: Some(label.to_owned()), detail: detail.into() }
}
