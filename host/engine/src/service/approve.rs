//! A person says yes or no to a pending request.

use cordon_model::RequestId;
use cordon_model::commit::Commit;
use cordon_model::request::{Event, PrivacyRequest};

use crate::{Access, Error, Services};

impl Services {
    /// Lets a pending request start.
    ///
    /// # Errors
    /// `IllegalTransition` when it is not pending.
    pub async fn approve(&self, access: &Access, id: RequestId) -> Result<PrivacyRequest, Error> {
        self.act(access, id, Event::Approved, Commit::default()).await
    }

    /// Refuses a pending request. The reason is kept with the request, sealed.
    ///
    /// # Errors
    /// `IllegalTransition` when it is not pending; `Invalid` for a reason that is too long.
    pub async fn deny(
        &self,
        access: &Access,
        id: RequestId,
        reason: Option<String>,
    ) -> Result<PrivacyRequest, Error> {
        self.check_note("/reason", reason.as_deref())?;
        self.act(access, id, Event::Denied { reason }, Commit::default()).await
    }
}
