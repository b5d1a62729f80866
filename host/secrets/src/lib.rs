//! Where the credentials of a connection come from: what the vault in the store holds for it,
//! else the provider that serves its `credentials_location`.
//!
//! Deliberately takes no path and no variable's name from a location: a provider serves entries
//! that the operator defined, nothing else. Used through the port `Secrets`.

mod credentials;
mod provider;
mod vault;

pub use credentials::{CredentialsProblem, parse_credentials};
pub use provider::Provider;
pub use vault::VaultSecrets;
