//! What happened to a request: as a list, and live.

use cordon_model::RequestId;
use cordon_model::audit::AuditEntry;
use cordon_model::page::{Listing, Page};
use cordon_model::request::Status;

use crate::followers::{Following, Full};
use crate::{Access, Caller, Error, Services};

/// Follows a request live. Holds a place, and nothing of what happened.
pub struct Follow {
    services: Services,
    caller: Caller,
    access: Access,
    request: RequestId,
    following: Following,
    /// The last event that was given out.
    after: u64,
}

/// What following a request brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Followed {
    /// What happened next, in order; at least one.
    Events(Vec<AuditEntry>),
    /// The request reached this final status, everything that happened was told, and nothing of
    /// it is still to be done or delivered.
    Over(Status),
}

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

    /// Follows what happens, from after the event of this sequence on; 0: from the first.
    ///
    /// # Errors
    /// `NotFound` when there is no such request; `TooManyStreams` when the tenant follows as many
    /// as it may, `Unavailable` when the host does.
    pub async fn follow(
        &self,
        caller: &Caller,
        access: &Access,
        id: RequestId,
        after: u64,
    ) -> Result<Follow, Error> {
        self.request(access, id).await?;
        let options = &self.options;
        let (of_tenant, of_host) = (options.followers_per_tenant_max, options.followers_max);
        let following = self.scheduler.followers.follow(&access.tenant, id, of_tenant, of_host);
        let following = following.map_err(|full| match full {
            Full::Tenant => Error::TooManyStreams(of_tenant),
            Full::Host => Error::Unavailable(format!("{of_host} event streams are open")),
        })?;
        Ok(Follow {
            services: self.clone(),
            caller: caller.clone(),
            access: access.clone(),
            request: id,
            following,
            after,
        })
    }
}

impl Follow {
    /// Waits for what happens next.
    ///
    /// # Errors
    /// `Unauthenticated` as soon as the key is revoked or expired, or its tenant suspended;
    /// `NotFound` when the request is not there any more; `Unavailable` when the store fails.
    pub async fn next(&mut self) -> Result<Followed, Error> {
        let tick = self.services.options.follow_tick;
        loop {
            self.following.arm();
            if !self.services.is_still_valid(&self.caller).await? {
                return Err(Error::Unauthenticated);
            }
            // Before the events: whatever led to this status is among them then.
            let request = self.services.request(&self.access, self.request).await?;
            let events = self.services.store().events_after(
                &self.access.tenant,
                self.request,
                self.after,
                self.services.options.follow_batch_max,
            );
            let events = events.await?;
            if let Some(last) = events.last() {
                self.after = last.sequence;
                return Ok(Followed::Events(events));
            }
            if request.status().is_final() && request.notices.is_empty() {
                return Ok(Followed::Over(request.status()));
            }
            // The tick bounds what a lost wake costs, and how long a revoked key goes on hearing.
            let _ = tokio::time::timeout(tick, self.following.woken()).await;
        }
    }
}

impl std::fmt::Debug for Follow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Follow")
            .field("request", &self.request)
            .field("after", &self.after)
            .finish_non_exhaustive()
    }
}
