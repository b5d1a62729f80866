//! Reads requests, and applies what people do to them.

use cordon_model::commit::{Commit, RequestFilter};
use cordon_model::page::{Listing, Page};
use cordon_model::request::{Event, PrivacyRequest};
use cordon_model::{Problem, RequestId};

use crate::step::ApplyError;
use crate::{Access, Conflict, Error, Missing, Services};

impl Services {
    /// One request.
    ///
    /// # Errors
    /// `NotFound` when there is none, or it is another tenant's.
    pub async fn request(&self, access: &Access, id: RequestId) -> Result<PrivacyRequest, Error> {
        let request = self.store().request(&access.tenant, id).await?;
        request.ok_or(Error::NotFound(Missing::Request))
    }

    /// Requests, newest first.
    ///
    /// # Errors
    /// `Unavailable` when the store cannot be read.
    pub async fn requests(
        &self,
        access: &Access,
        filter: &RequestFilter,
        page: &Page,
    ) -> Result<Listing<PrivacyRequest>, Error> {
        Ok(self.store().requests(&access.tenant, filter, page).await?)
    }

    /// Checks a person's own words.
    pub(crate) fn check_note(&self, pointer: &str, note: Option<&str>) -> Result<(), Error> {
        let most = self.options.note_chars_max;
        if note.is_none_or(|note| note.chars().count() <= most) {
            return Ok(());
        }
        let message = format!("must be at most {most} characters");
        Err(Error::problem(Problem::error("too_long", pointer, message)))
    }

    /// Applies what a person did, commits, and wakes the scheduler.
    pub(crate) async fn act(
        &self,
        access: &Access,
        id: RequestId,
        event: Event,
        with: Commit,
    ) -> Result<PrivacyRequest, Error> {
        let applied = self.apply(&access.tenant, id, access.actor.clone(), event, with).await;
        let request = applied?;
        self.scheduler.changed(&access.tenant, id);
        Ok(request)
    }
}

impl From<ApplyError> for Error {
    fn from(error: ApplyError) -> Self {
        match error {
            ApplyError::Illegal(illegal) => {
                Self::conflict(Conflict::IllegalTransition, illegal.to_string())
            }
            ApplyError::Gone => Self::NotFound(Missing::Request),
            ApplyError::Host(error) => error.into(),
        }
    }
}
