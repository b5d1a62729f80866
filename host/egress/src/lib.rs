//! The only way out of the host, and the only crate that names an HTTP client.
//!
//! A request comes as a connector composed it: texts in pieces, no value in sight. [`inspect`]
//! says where it goes and what it carries before anything is known; [`render`] fills it in, every
//! value escaped for its place; [`Gate::send`] checks the grants, vets the address and makes one
//! attempt. Deliberately no retries, no journal, and no opinion on statuses: those are the
//! runtime's. The operator's own client for the CLI is here too, so that no other crate needs one.

mod address;
mod ca_bundle;
mod client;
mod dial;
mod escape;
mod gate;
mod inspect;
mod names;
mod operator;
mod options;
mod own;
mod proxy;
mod receive;
mod reflect;
mod render;
mod resolve;
mod send;
mod target;
mod template;
mod tls;

pub use gate::Gate;
pub use inspect::{Inspection, RequestProblem, inspect};
pub use operator::{OperatorClient, OperatorResponse, operator_client};
pub use options::{Error, Options};
pub use proxy::{InvalidProxy, Proxy};
pub use reflect::appearances;
pub use render::{Lookup, LookupError, RenderError, Rendered, Substitute, render};
pub use resolve::{Resolve, SystemResolver};
pub use send::{Received, RetryAfter, SendError, Sending, Stage};
