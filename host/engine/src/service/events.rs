//! What happened to a request.

use cordon_model::RequestId;
use cordon_model::audit::AuditEntry;
use cordon_model::page::{Listing, Page};

use crate::{Access, Error, Services};

impl Services {
    /// What happened, in order, without personal data.
    ///
    /// # Errors
    /// `NotFound` when there is no such request.
    pub async fn events(
        &self,
        access: &Access,
        id: RequestId,
        page: &Page,
    ) -> Result<Listing<AuditEntry>, Error> {
        self.request(access, id).await?;
        Ok(self.store().events(&access.tenant, id, page).await?)
    }
}
