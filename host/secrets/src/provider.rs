//! A place that credentials can come from, beside the vault.

use async_trait::async_trait;
use cordon_model::TenantId;
use cordon_model::port::{CredentialsSource, SecretsError};
use cordon_model::secret::Credentials;

/// Serves some values of `credentials_location`. Asked in the order in which they were given;
/// the first that serves a location answers for it.
#[async_trait]
pub trait Provider: Send + Sync {
    /// What it is, as the API shows it.
    fn source(&self) -> CredentialsSource;

    /// Whether this provider serves the location for the tenant. Cheap: looks at the text alone,
    /// and at what the operator opened.
    fn serves(&self, tenant: &TenantId, location: &str) -> bool;

    /// The credentials at a location, if the operator opened it to the tenant.
    ///
    /// # Errors
    /// When they cannot be had.
    async fn fetch(&self, tenant: &TenantId, location: &str) -> Result<Credentials, SecretsError>;
}

/// The first provider that serves a location for a tenant.
pub(crate) fn serving<'a>(
    providers: &'a [Box<dyn Provider>],
    tenant: &TenantId,
    location: &str,
) -> Option<&'a dyn Provider> {
    providers.iter().map(AsRef::as_ref).find(|provider| provider.serves(tenant, location))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cordon_model::Secret;

    struct Prefixed(&'static str, CredentialsSource);

    #[async_trait]
    impl Provider for Prefixed {
        fn source(&self) -> CredentialsSource {
            self.1
        }

        fn serves(&self, tenant: &TenantId, location: &str) -> bool {
            tenant.as_str() == "acme" && location.starts_with(self.0)
        }

        async fn fetch(&self, _: &TenantId, _: &str) -> Result<Credentials, SecretsError> {
            Ok(Credentials::from([("credentials".to_owned(), Secret::new("x".to_owned()))]))
        }
    }

    #[test]
    fn the_first_provider_that_serves_a_location_for_the_tenant_answers_for_it() {
        let providers: Vec<Box<dyn Provider>> = vec![
            Box::new(Prefixed("file:", CredentialsSource::File)),
            Box::new(Prefixed("", CredentialsSource::Environment)),
        ];
        let (acme, globex) = ("acme".parse().unwrap(), "globex".parse().unwrap());
        let source = |tenant, location| serving(&providers, tenant, location).map(|p| p.source());
        assert_eq!(source(&acme, "file:crm"), Some(CredentialsSource::File));
        assert_eq!(source(&acme, "env:crm"), Some(CredentialsSource::Environment));
        assert_eq!(source(&globex, "file:crm"), None);
        assert!(serving(&[], &acme, "file:x").is_none());
    }
}
