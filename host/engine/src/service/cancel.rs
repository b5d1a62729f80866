//! A person stops a request.

use cordon_model::RequestId;
use cordon_model::commit::Commit;
use cordon_model::request::{Event, PrivacyRequest};

use crate::{Access, Error, Services};

impl Services {
    /// Ends a request that is not final; instances that work for it are dropped.
    ///
    /// # Errors
    /// `IllegalTransition` when it is final already.
    pub async fn cancel(&self, access: &Access, id: RequestId) -> Result<PrivacyRequest, Error> {
        let request = self.act(access, id, Event::Canceled, Commit::default()).await?;
        self.scheduler.stop_work(&access.tenant, id);
        Ok(request)
    }
}
