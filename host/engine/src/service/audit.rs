//! Reads the ledger: who did what, newest first. Ids, words and counts only.
//!
//! Filters here, over the store's pages: a look goes through [`crate::Options::audit_scan_max`]
//! entries at most and says where it stopped.

use cordon_model::audit::{AuditEntry, AuditEvent};
use cordon_model::page::{Listing, Page};
use cordon_model::{RequestId, TenantId, Timestamp};

use crate::{Access, Caller, Error, Services};

/// Which entries are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditFilter {
    /// Only about this request.
    pub request: Option<RequestId>,
    /// Only this word, like `request.submitted`.
    pub event: Option<String>,
    /// Only after this.
    pub after: Option<Timestamp>,
    /// Only before this.
    pub before: Option<Timestamp>,
}

impl AuditFilter {
    fn takes(&self, event: &AuditEvent) -> bool {
        self.request.is_none_or(|request| event.request == Some(request))
            && self.event.as_ref().is_none_or(|word| event.event == *word)
            && self.after.is_none_or(|after| event.at > after)
            && self.before.is_none_or(|before| event.at < before)
    }
}

impl Services {
    /// The tenant's ledger. A page can be short, even empty, and still name a next one.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn audit(
        &self,
        access: &Access,
        filter: &AuditFilter,
        page: &Page,
    ) -> Result<Listing<AuditEntry>, Error> {
        self.look_through(Some(&access.tenant), filter, page).await
    }

    /// The host's own ledger: its operator's keys, tenants that were removed.
    ///
    /// # Errors
    /// When the key is no operator's.
    pub async fn host_audit(
        &self,
        caller: &Caller,
        filter: &AuditFilter,
        page: &Page,
    ) -> Result<Listing<AuditEntry>, Error> {
        caller.require_operator()?;
        self.look_through(None, filter, page).await
    }

    async fn look_through(
        &self,
        tenant: Option<&TenantId>,
        filter: &AuditFilter,
        page: &Page,
    ) -> Result<Listing<AuditEntry>, Error> {
        let mut taken = Vec::new();
        let mut scanned = 0;
        let mut at = Page { limit: Page::LIMIT_MAX, cursor: page.cursor.clone() };
        loop {
            let listing = self.store().audit(tenant, &at).await?;
            scanned += listing.items.len();
            let wanted = listing.items.iter().enumerate().filter(|(_, e)| filter.takes(&e.event));
            let left = page.limit - taken.len();
            // The one that fills the page, when there is one: the next page begins after it.
            let last = wanted.clone().nth(left.saturating_sub(1)).map(|(n, _)| n);
            taken.extend(wanted.take(left).map(|(_, entry)| entry.clone()));
            let next_cursor = match last {
                Some(last) if last + 1 < listing.items.len() => {
                    let to_last = Page { limit: last + 1, cursor: at.cursor };
                    self.store().audit(tenant, &to_last).await?.next_cursor
                }
                Some(_) | None => listing.next_cursor,
            };
            let full = last.is_some() || scanned >= self.options.audit_scan_max;
            match next_cursor {
                Some(cursor) if !full => at.cursor = Some(cursor),
                next_cursor => return Ok(Listing { items: taken, next_cursor }),
            }
        }
    }
}
