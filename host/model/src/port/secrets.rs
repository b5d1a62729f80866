//! The credentials of a connection.

use async_trait::async_trait;

use crate::connection::Connection;
use crate::secret::Credentials;

/// Where credentials come from.
#[async_trait]
pub trait Secrets: Send + Sync {
    /// The credentials of a connection: what the vault holds for it, else what its
    /// `credentials_location` names. A connection that has neither has none: an empty map.
    ///
    /// # Errors
    /// When they exist and cannot be had.
    async fn credentials(&self, connection: &Connection) -> Result<Credentials, SecretsError>;

    /// Where [`Self::credentials`] would take them from. Cheap: nothing is read.
    fn source(&self, connection: &Connection) -> CredentialsSource;
}

/// What the credentials of a connection come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialsSource {
    /// Stored with the host, for this connection.
    Vault,
    /// A file that the operator opened to the tenant.
    File,
    /// A variable of the process that the operator opened to the tenant.
    Environment,
    /// Nothing serves the connection.
    None,
}

impl CredentialsSource {
    /// The word used in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Vault => "vault",
            Self::File => "file",
            Self::Environment => "env",
            Self::None => "none",
        }
    }
}

/// Why credentials cannot be had. Never holds a value.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// No provider serves the location and nothing is stored in the vault.
    #[error(
        "no provider serves this credentials_location, and no secrets are stored for the connection"
    )]
    Unserved,
    /// The provider failed.
    #[error("the secrets provider failed: {0}")]
    Unavailable(String),
}
