//! A place that credentials can come from, beside the vault.

use async_trait::async_trait;
use cordon_model::TenantId;
use cordon_model::port::SecretsError;
use cordon_model::secret::Credentials;

/// Serves some values of `credentials_location`. Asked in the order in which they were given;
/// the first that serves a location answers for it.
#[async_trait]
pub trait Provider: Send + Sync {
    /// Whether this provider serves the location. Cheap: looks at the text alone.
    fn serves(&self, location: &str) -> bool;

    /// The credentials at a location, if the operator opened it to the tenant.
    ///
    /// # Errors
    /// When they cannot be had.
    async fn fetch(&self, tenant: &TenantId, location: &str) -> Result<Credentials, SecretsError>;
}

/// The first provider that serves a location.
pub(crate) fn serving<'a>(
    providers: &'a [Box<dyn Provider>],
    location: &str,
) -> Option<&'a dyn Provider> {
    providers.iter().map(AsRef::as_ref).find(|provider| provider.serves(location))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cordon_model::Secret;

    struct Prefixed(&'static str);

    #[async_trait]
    impl Provider for Prefixed {
        fn serves(&self, location: &str) -> bool {
            location.starts_with(self.0)
        }

        async fn fetch(&self, _: &TenantId, _: &str) -> Result<Credentials, SecretsError> {
            Ok(Credentials::from([("credentials".to_owned(), Secret::new("x".to_owned()))]))
        }
    }

    #[test]
    fn the_first_provider_that_serves_a_location_answers_for_it() {
        let providers: Vec<Box<dyn Provider>> =
            vec![Box::new(Prefixed("file:")), Box::new(Prefixed("env:"))];
        assert!(serving(&providers, "env:crm").is_some_and(|p| p.serves("env:other")));
        assert!(serving(&providers, "arn:aws:secretsmanager:x").is_none());
        assert!(serving(&[], "file:x").is_none());
    }
}
