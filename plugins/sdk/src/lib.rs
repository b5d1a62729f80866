//! What the author of a connector depends on: the contract in Rust, and what makes it pleasant.
//!
//! A connector is a crate of the type `cdylib` that implements [`Connector`] for a type without
//! state and exports it. It composes requests out of literals and names ([`text!`]), defines each
//! of them once for the plan and for sending ([`query::Query`]), and returns what the host holds
//! for it:
//!
//! ```
//! use cordon_connector_sdk::plan::verdict;
//! use cordon_connector_sdk::query::Query;
//! use cordon_connector_sdk::reading::Problems;
//! use cordon_connector_sdk::text::{placeholder, secret};
//! use cordon_connector_sdk::types::{
//!     Action, Descriptor, Draft, Failure, FailureCode, Finding, Outcome, Task, Verdict,
//! };
//! use cordon_connector_sdk::{Connector, export, failure, text};
//!
//! const PEOPLE: &str = "https://api.acme.example/people";
//!
//! struct People;
//!
//! /// The one definition: `validate` plans it, `run` sends it.
//! fn people() -> Query {
//!     Query::new("access/people", "GET", text!("{}?email={}", PEOPLE, placeholder("email")))
//!         .serving(Action::Access)
//!         .header("Authorization", text!("Bearer {}", secret("api_key")))
//!         .records()
//! }
//!
//! impl Connector for People {
//!     fn describe() -> Descriptor {
//!         Descriptor {
//!             connector_type: "people".to_owned(),
//!             category: "examples".to_owned(),
//!             display_name: "People".to_owned(),
//!             actions: vec![Action::Access],
//!             config_schema: "{}".to_owned(),
//!             policy_schema: None,
//!             reads: vec![],
//!         }
//!     }
//!     fn validate(draft: Draft) -> Verdict {
//!         verdict(&draft, Problems::default(), [people()], [])
//!     }
//!     fn test(_: String) -> Result<(), Failure> {
//!         Ok(())
//!     }
//!     fn run(task: Task) -> Result<Outcome, Failure> {
//!         if task.action != Action::Access {
//!             return Err(failure(FailureCode::Unsupported, "people are listed, nothing else"));
//!         }
//!         let mut found = Vec::new();
//!         for email in task.identities_of("email") {
//!             if let Some(answer) = people().send(&[email.id])? {
//!                 found.push(answer.records("/items")?);
//!             }
//!         }
//!         Ok(Outcome::finished(Finding::Records(found)))
//!     }
//! }
//!
//! export!(People);
//!
//! // On the author's own machine, against a double of the host:
//! use cordon_connector_sdk::testing::{Host, Reply};
//!
//! let mut host = Host::new("{}")
//!     .identity("email", "ada@initech.example")
//!     .secret("api_key")
//!     .answer("access/people", Reply::json(r#"{"items": [{"id": 1}]}"#));
//! let ran = host.run::<People>(Action::Access);
//! assert_eq!(ran.sent(), [format!("GET {PEOPLE}?email={{email}}")]);
//! assert_eq!(ran.records(), serde_json::json!([{"id": 1}]));
//! ```
//!
//! Build it with `cordon plugin build`, or with `cargo build --target wasm32-unknown-unknown` and
//! `wit-component`. No WASI is imported.
//!
//! | For | There is |
//! |---|---|
//! | texts and requests | [`text!`], [`query`], [`compose`] |
//! | configurations and `validate` | [`reading`], [`plan`] |
//! | listings in pages | [`pages`] |
//! | waiting for a time or a person | [`waiting`] |
//! | unit tests without a host | `testing` |
//! | the contract itself | [`handles`], [`http`], [`log`], [`types`] |

#[cfg(any(target_arch = "wasm32", test))]
mod arena;
pub mod bindings;
pub mod compose;
mod connector;
pub mod handles;
pub mod http;
mod imports;
pub mod log;
pub mod pages;
pub mod plan;
pub mod query;
pub mod reading;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
pub mod text;
pub mod types;
pub mod waiting;
mod words;

pub use connector::Connector;

use http::HttpError;
use types::{Failure, FailureCode};

/// Exports a type that implements [`Connector`] as the connector of this component. Once in a
/// crate. Compiled for anything but wasm it does nothing: the names of exports are no symbols
/// that a native linker takes.
///
/// See the [crate's page](crate) for a whole connector.
///
/// ```
/// # use cordon_connector_sdk::{Connector, export, types::*};
/// # struct People;
/// # impl Connector for People {
/// #     fn describe() -> Descriptor { std::process::abort() }
/// #     fn validate(_: Draft) -> Verdict { std::process::abort() }
/// #     fn test(_: String) -> Result<(), Failure> { Ok(()) }
/// #     fn run(_: Task) -> Result<Outcome, Failure> { Ok(Outcome::done()) }
/// # }
/// export!(People);
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! export {
    ($connector:ident) => {
        #[cfg(target_arch = "wasm32")]
        $crate::bindings::export!($connector with_types_in $crate::bindings);
    };
}

/// A failure of no query in particular. `detail` holds names, statuses, sizes and positions,
/// never a value.
///
/// ```
/// use cordon_connector_sdk::failure;
/// use cordon_connector_sdk::types::FailureCode;
///
/// let unsupported = failure(FailureCode::Unsupported, "there is no such thing as an opt-out here");
/// # assert_eq!(unsupported.label, None);
/// ```
pub fn failure(code: FailureCode, detail: impl Into<String>) -> Failure {
    Failure { code, label: None, detail: detail.into() }
}

/// The failure of one query.
///
/// ```
/// use cordon_connector_sdk::query_failure;
/// use cordon_connector_sdk::types::FailureCode;
///
/// let failed = query_failure(FailureCode::QueryFailed, "access/export", "the job was abandoned");
/// # assert_eq!(failed.label.as_deref(), Some("access/export"));
/// ```
pub fn query_failure(code: FailureCode, label: &str, detail: impl Into<String>) -> Failure {
    Failure { code, label: Some(label.to_owned()), detail: detail.into() }
}

/// The failure of a query that has no usable response.
///
/// ```
/// use cordon_connector_sdk::failure_of;
/// use cordon_connector_sdk::http::{self, HttpRequest};
/// use cordon_connector_sdk::types::Failure;
///
/// fn send(request: &HttpRequest) -> Result<http::Response, Failure> {
///     http::send(request).map_err(|error| failure_of(&request.label, &error))
/// }
/// ```
pub fn failure_of(label: &str, error: &HttpError) -> Failure {
    let code = match error {
        HttpError::MissingPlaceholder(_) => FailureCode::MissingPlaceholder,
        HttpError::AmbiguousPlaceholder(_)
        | HttpError::ValueRefused(_)
        | HttpError::UnexpectedStatus(_)
        | HttpError::Unreachable
        | HttpError::Timeout
        | HttpError::TooLarge
        | HttpError::Truncated => FailureCode::QueryFailed,
    };
    query_failure(code, label, error.sentence())
}
