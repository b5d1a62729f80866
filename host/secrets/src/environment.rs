//! Credentials that the process was started with, in a variable that the operator named.
//!
//! Reads no environment itself: whoever reads the configuration takes the variables, once. A
//! variable cannot be taken out of a running process safely, so it stays readable for whoever
//! may read the memory of the host.

use async_trait::async_trait;
use cordon_model::TenantId;
use cordon_model::port::{CredentialsSource, SecretsError};
use cordon_model::secret::Credentials;

use crate::opened::{Entries, Opened};
use crate::provider::Provider;

/// What its locations begin with.
const PREFIX: &str = "env:";

/// Entries whose credentials came with the process.
pub struct EnvironmentSecrets(Entries<Credentials>);

impl EnvironmentSecrets {
    /// No entry yet.
    pub const fn new() -> Self {
        Self(Entries::new())
    }

    /// Adds an entry.
    #[must_use]
    pub fn with(mut self, name: &str, opened: Opened, credentials: Credentials) -> Self {
        self.0.insert(name.to_owned(), opened, credentials);
        self
    }
}

impl Default for EnvironmentSecrets {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Provider for EnvironmentSecrets {
    fn source(&self) -> CredentialsSource {
        CredentialsSource::Environment
    }

    fn serves(&self, tenant: &TenantId, location: &str) -> bool {
        self.0.find(PREFIX, tenant, location).is_some()
    }

    async fn fetch(&self, tenant: &TenantId, location: &str) -> Result<Credentials, SecretsError> {
        self.0.find(PREFIX, tenant, location).cloned().ok_or(SecretsError::Unserved)
    }
}
