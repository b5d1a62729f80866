//! Finds a person's requests.
//!
//! The store looks identities up by keyed hashes, so nothing here reads or decrypts a request that
//! is not about the person. Neither what was searched for nor what was found is logged; the ledger
//! says who searched, and counts.

use cordon_model::audit::AuditEvent;
use cordon_model::commit::Commit;
use cordon_model::page::{Listing, Page};
use cordon_model::request::PrivacyRequest;

use crate::{Access, Error, Services};

impl Services {
    /// Requests whose subject has any of these identities, submitted, found or added; newest
    /// first. `identities` are kinds and their values.
    ///
    /// # Errors
    /// `Invalid` for identities that a submission would refuse; no value is repeated.
    pub async fn search_requests(
        &self,
        access: &Access,
        identities: &[(String, Vec<String>)],
        page: &Page,
    ) -> Result<Listing<PrivacyRequest>, Error> {
        let tenant = &access.tenant;
        let connections = self.all_connections(tenant).await?;
        let kinds = self.kinds_known_to(tenant, &connections).await?;
        let mut problems = Vec::new();
        let subject = self.subject_of(identities, &kinds, &mut problems);
        if !problems.is_empty() {
            return Err(Error::Invalid(problems));
        }
        let wanted: Vec<_> = subject
            .identities
            .into_iter()
            .map(|identity| (identity.kind, identity.value))
            .collect();
        let found = self.store().requests_about(tenant, &wanted, page).await?;
        let event = AuditEvent::new(tenant, self.now(), access.actor.clone(), "requests.searched")
            .with("identities", wanted.len())
            .with("found", found.items.len());
        // Before the answer: nobody learns of a person without a trace.
        self.store().commit(Commit { changes: Vec::new(), audit: vec![event] }).await?;
        Ok(found)
    }
}
