//! The end of a tenant, with everything that is its own.
//!
//! In steps that each can be repeated, so that a crash between two of them costs nothing: the next
//! start goes on where it was. *Marked*: durably, and from then on the tenant is as if absent: its
//! keys are worth nothing, no work of it begins, and the store takes nothing new in for it. A request
//! is either there when the mark is set, and counts, or refused. *Stopped*: what is at work ends, its
//! instances with it. *Packages* are removed where they lie, while it can still be read which there
//! are. *Erased*: at first the key that everything is sealed under, then the rows, a few at a time, so
//! that nobody else waits. Then the name is free. Submitters are told nothing: what would be told, and
//! signed with, is being erased. The ledger of the tenant goes too; the host's says who removed whom
//! and when, how many requests went with it, and how many of their submitters were still to hear.

use cordon_model::TenantId;
use cordon_model::audit::{Actor, AuditEvent};
use cordon_model::commit::{Change, Commit, CommitError, RequestFilter};
use cordon_model::page::Page;
use cordon_model::port::PackageError;
use cordon_model::request::PrivacyRequest;
use cordon_model::tenant::Tenant;

use crate::service::revisions::next_revision;
use crate::{Caller, Conflict, Error, Missing, Services};

/// What went with a tenant. After a crash it is what was left then.
#[derive(Debug, Default, Clone, Copy)]
struct Gone {
    requests: u64,
    /// Of those, the ones that were not final.
    open_requests: u64,
    /// Of all, the ones whose submitter was still to be told something at its callback.
    untold_requests: u64,
    packages: u64,
    /// At destinations that the configuration does not name any more.
    packages_out_of_reach: u64,
}

impl Services {
    /// Removes a tenant with everything it has; returns when nothing is left. What was begun is
    /// brought to its end by the host, whoever waits for it. Doing it again while it is going on is
    /// the same removal.
    ///
    /// # Errors
    /// `InUse` when the tenant has requests that are not final, unless they are to be stopped and
    /// erased too (`with_open_requests`); `Unavailable` when a destination or the store cannot be
    /// reached: the host goes on by itself then.
    pub async fn remove_tenant(
        &self,
        caller: &Caller,
        name: &str,
        with_open_requests: bool,
    ) -> Result<(), Error> {
        caller.require_operator()?;
        let id = name.parse::<TenantId>().map_err(|_| Error::NotFound(Missing::Tenant))?;
        let tenant = self.store().tenant(&id).await?.ok_or(Error::NotFound(Missing::Tenant))?;
        if tenant.removing_since.is_none() {
            self.mark_for_removal(caller, tenant, with_open_requests).await?;
        }
        let removed = self.finish_removal(&id, &caller.actor).await;
        if removed.is_err() {
            self.scheduler.removal_is_left.notify_one();
        }
        removed
    }

    /// Brings every removal to its end that was begun. Never returns; what cannot be done now is
    /// tried again. The scheduler runs it for as long as it works.
    pub(crate) async fn finish_removals(self) {
        loop {
            let left = match self.begun_removals().await {
                Ok(tenants) => self.finish_all(&tenants).await,
                Err(error) => Err(error),
            };
            match left {
                Ok(()) => self.scheduler.removal_is_left.notified().await,
                Err(error) => {
                    tracing::error!(%error, "a tenant cannot be removed now; it is tried again");
                    tokio::time::sleep(self.options.host_retry).await;
                }
            }
        }
    }

    async fn finish_all(&self, tenants: &[TenantId]) -> Result<(), Error> {
        for tenant in tenants {
            self.finish_removal(tenant, &Actor::Host).await?;
        }
        Ok(())
    }

    async fn begun_removals(&self) -> Result<Vec<TenantId>, Error> {
        let (mut page, mut begun) = (Page::first(), Vec::new());
        loop {
            let tenants = self.store().tenants(&page).await?;
            let marked = tenants.items.into_iter().filter(|t| t.removing_since.is_some());
            begun.extend(marked.map(|tenant| tenant.id));
            match tenants.next_cursor {
                Some(cursor) => page.cursor = Some(cursor),
                None => return Ok(begun),
            }
        }
    }

    async fn mark_for_removal(
        &self,
        caller: &Caller,
        mut tenant: Tenant,
        with_open_requests: bool,
    ) -> Result<(), Error> {
        let open = self.open_requests(&tenant.id).await?;
        if open > 0 && !with_open_requests {
            return Err(in_use(open));
        }
        let now = self.now();
        let id = tenant.id.clone();
        tenant.removing_since = Some(now);
        tenant.suspended = true;
        tenant.revision = next_revision(Some(tenant.revision), None)?;
        let event =
            of_host("tenant.removal_started", &id, now, &caller.actor).with("open_requests", open);
        let mut changes = vec![Change::PutTenant(tenant)];
        if !with_open_requests {
            changes.push(Change::RequireIdle(id.clone()));
        }
        let marked = self.commit_write(Commit { changes, audit: vec![event] }, None).await;
        if marked.is_err() && !with_open_requests {
            // A request may have been accepted just now: it is kept, and so is its tenant.
            let open = self.open_requests(&id).await?;
            if open > 0 {
                return Err(in_use(open));
            }
        }
        marked
    }

    /// Requests of a tenant that are not final: every one is under a policy, and a policy stays as
    /// long as it has any.
    async fn open_requests(&self, tenant: &TenantId) -> Result<u64, Error> {
        let (mut page, mut open) = (Page::first(), 0);
        loop {
            let policies = self.store().policies(tenant, &page).await?;
            for policy in &policies.items {
                open += self.store().open_requests_under(tenant, &policy.key).await?;
            }
            match policies.next_cursor {
                Some(cursor) => page.cursor = Some(cursor),
                None => return Ok(open),
            }
        }
    }

    /// One removal at a time: two that are asked for at once are one.
    async fn finish_removal(&self, id: &TenantId, actor: &Actor) -> Result<(), Error> {
        let _turn = self.scheduler.removals.lock().await;
        let Some(tenant) = self.store().tenant(id).await? else { return Ok(()) };
        // Somebody else brought it to its end, and the name is in use again.
        if tenant.removing_since.is_none() {
            return Ok(());
        }
        self.scheduler.stop_tenant(id, self.options.tick).await;
        let gone = self.remove_packages(id).await?;
        self.ports.plugins.forget_tenant(id);
        let rows_max = self.options.removal_rows_max;
        while !self.store().erase_tenant(id, rows_max).await? {}
        // A driver that began just when the tenant was marked could keep nothing any more.
        self.scheduler.stop_tenant(id, self.options.tick).await;
        let Gone { requests, open_requests, untold_requests, packages, packages_out_of_reach } =
            gone;
        let event = of_host("tenant.deleted", id, self.now(), actor)
            .with("requests_erased", requests)
            .with("open_requests_erased", open_requests)
            .with("untold_requests_erased", untold_requests)
            .with("packages_removed", packages)
            .with("packages_out_of_reach", packages_out_of_reach);
        let delete = Change::DeleteTenant(id.clone(), tenant.revision);
        match self.store().commit(Commit::of(delete, event)).await {
            Ok(()) | Err(CommitError::Absent(_)) => {}
            Err(error) => return Err(error.into()),
        }
        tracing::info!(
            tenant.id = %id, requests, open_requests, untold_requests, packages,
            packages_out_of_reach, "a tenant was removed",
        );
        Ok(())
    }

    /// Counts the requests on the way. After the key is gone there is none to be read any more; what
    /// is left of packages then was removed before.
    async fn remove_packages(&self, tenant: &TenantId) -> Result<Gone, Error> {
        let mut page = Page::first();
        let mut gone = Gone::default();
        loop {
            let filter = RequestFilter::default();
            let requests = self.store().requests(tenant, &filter, &page).await?;
            for request in &requests.items {
                let open = !request.status().is_final();
                let untold = !request.notices.is_empty() || open && request.callback_url.is_some();
                gone.requests += 1;
                gone.open_requests += u64::from(open);
                gone.untold_requests += u64::from(untold);
                self.remove_package(request, &mut gone).await?;
            }
            match requests.next_cursor {
                Some(cursor) => page.cursor = Some(cursor),
                None => return Ok(gone),
            }
        }
    }

    async fn remove_package(&self, request: &PrivacyRequest, gone: &mut Gone) -> Result<(), Error> {
        let Some(package) = &request.package else { return Ok(()) };
        match self.ports.packages.remove(&request.tenant, request.id, package).await {
            Ok(()) | Err(PackageError::Gone) => gone.packages += 1,
            // Nobody can remove it through this host. It is told of, and stops nothing.
            Err(PackageError::UnknownDestination(_)) => {
                tracing::warn!(
                    tenant.id = %request.tenant, request.id = %request.id,
                    "a package lies at a destination that is not configured any more",
                );
                gone.packages_out_of_reach += 1;
            }
            Err(error) => return Err(Error::Unavailable(error.to_string())),
        }
        Ok(())
    }
}

fn in_use(open: u64) -> Error {
    Error::conflict(
        Conflict::InUse,
        format!(
            "the tenant has {open} requests that are not final; end them first, or stop and erase \
             them with it: ?force=true"
        ),
    )
}

/// An event about a tenant in the host's own ledger: the tenant's goes with it.
fn of_host(
    word: &str,
    tenant: &TenantId,
    at: cordon_model::Timestamp,
    actor: &Actor,
) -> AuditEvent {
    let event = AuditEvent::new(tenant, at, actor.clone(), word).with("tenant", tenant);
    AuditEvent { tenant: None, ..event }
}
