//! The vault: what an administrator stored for a connection, sealed in the store.

use std::sync::Arc;

use async_trait::async_trait;
use cordon_model::connection::Connection;
use cordon_model::port::{CredentialsSource, Secrets, SecretsError, StateStore};
use cordon_model::secret::Credentials;

use crate::provider::{Provider, serving};

/// Credentials from the vault; where it holds nothing, from the provider that serves the
/// connection's `credentials_location`.
pub struct VaultSecrets {
    store: Arc<dyn StateStore>,
    providers: Vec<Box<dyn Provider>>,
}

impl VaultSecrets {
    /// The vault alone.
    pub fn new(store: Arc<dyn StateStore>) -> Self {
        Self { store, providers: Vec::new() }
    }

    /// Adds a provider. The first one that serves a location answers for it.
    #[must_use]
    pub fn with_provider(mut self, provider: Box<dyn Provider>) -> Self {
        self.providers.push(provider);
        self
    }
}

#[async_trait]
impl Secrets for VaultSecrets {
    async fn credentials(&self, connection: &Connection) -> Result<Credentials, SecretsError> {
        let stored =
            self.store.vault(&connection.tenant, &connection.key).await.map_err(|error| {
                tracing::error!(
                    tenant.id = %connection.tenant,
                    connection.id = %connection.key,
                    %error,
                    "the vault cannot be read"
                );
                SecretsError::Unavailable("the vault cannot be read".to_owned())
            })?;
        if let Some(credentials) = stored {
            return Ok(credentials);
        }
        let Some(location) = connection.credentials_location.as_deref() else {
            return Ok(Credentials::new());
        };
        match serving(&self.providers, &connection.tenant, location) {
            Some(provider) => provider.fetch(&connection.tenant, location).await,
            None => Err(SecretsError::Unserved),
        }
    }

    fn source(&self, connection: &Connection) -> CredentialsSource {
        if connection.vault_secrets.is_some() {
            return CredentialsSource::Vault;
        }
        connection
            .credentials_location
            .as_deref()
            .and_then(|location| serving(&self.providers, &connection.tenant, location))
            .map_or(CredentialsSource::None, Provider::source)
    }
}
