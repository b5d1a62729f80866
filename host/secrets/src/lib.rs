//! Where the credentials of a connection come from: what the vault in the store holds for it,
//! else the provider that serves its `credentials_location`: a file, or a variable of the process.
//!
//! Deliberately takes no path and no variable's name from a location: a provider serves entries
//! that the operator defined and opened to the connection's tenant, nothing else. Used through
//! the port `Secrets`; providers that ask a service elsewhere implement [`Provider`] too.

mod credentials;
mod environment;
mod file;
mod opened;
mod provider;
mod vault;

pub use credentials::{CredentialsProblem, parse_credentials};
pub use environment::EnvironmentSecrets;
pub use file::FileSecrets;
pub use opened::Opened;
pub use provider::Provider;
pub use vault::VaultSecrets;
