//! Tenants: created, listed and changed by the operator; a tenant's own key may read its own.
//! How one ends is `remove`; what each may use is checked by `limits`.

mod egress;
mod remove;

use std::collections::BTreeSet;

use cordon_model::api_key::Scope;
use cordon_model::audit::AuditEvent;
use cordon_model::commit::{Change, Commit};
use cordon_model::grant::EgressLimits;
use cordon_model::page::{Listing, Page};
use cordon_model::policy::Policy;
use cordon_model::subject::IdentityKind;
use cordon_model::tenant::{Tenant, TenantLimits};
use cordon_model::{Revision, TenantId};

pub use egress::{EgressDraft, EgressPatch};

use super::limits::{LimitChanges, TenantLimit};
use super::problems::Problems;
use super::revisions::next_revision;
use crate::{Caller, Conflict, Error, Missing, Services};

/// Longest `job_timeout_seconds` of a tenant or a connection: a day.
pub(super) const JOB_TIMEOUT_SECONDS_MAX: u64 = 86_400;

/// What a new tenant is to be.
#[derive(Debug, Clone, Default)]
pub struct NewTenant {
    /// Its key.
    pub name: String,
    /// For people; none: the key.
    pub display_name: Option<String>,
    /// What it may use, where that is not what every tenant may.
    pub limits: LimitChanges,
    /// Kinds of identity beside those that every tenant starts with.
    pub identity_kinds: Vec<String>,
    /// What it may reach at most.
    pub egress: EgressDraft,
    /// The hosts that its webhooks and callbacks may name.
    pub webhook_hosts: Vec<String>,
    /// Whether it starts suspended.
    pub suspended: bool,
}

/// A change of a tenant: outer none: as it is; inner none: back to the default.
#[derive(Debug, Clone, Default)]
pub struct TenantPatch {
    /// For people.
    pub display_name: Option<Option<String>>,
    /// What it may use.
    pub limits: Option<Option<LimitChanges>>,
    /// Every kind of identity, in place of those declared before.
    pub identity_kinds: Option<Option<Vec<String>>>,
    /// What it may reach at most.
    pub egress: Option<Option<EgressPatch>>,
    /// Every host that its webhooks and callbacks may name, in place of those before.
    pub webhook_hosts: Option<Option<Vec<String>>>,
    /// Whether it is suspended.
    pub suspended: Option<Option<bool>>,
}

impl Services {
    /// Creates a tenant with the policies that every tenant starts with.
    ///
    /// # Errors
    /// When something about it is wrong, or there is one of this name.
    pub async fn create_tenant(&self, caller: &Caller, new: NewTenant) -> Result<Tenant, Error> {
        caller.require_operator()?;
        let mut problems = Problems::default();
        let id = new.name.parse::<TenantId>();
        if let Err(reason) = &id {
            problems.error("invalid_key", "/name", reason.to_string());
        }
        let display_name = new.display_name.unwrap_or_else(|| new.name.clone());
        problems.check_name("/display_name", &display_name);
        let mut identity_kinds = Tenant::initial_identity_kinds();
        identity_kinds.extend(self.check_kinds(&new.identity_kinds, &mut problems));
        let limits = self.changed_limits(TenantLimits::default(), &new.limits, &mut problems);
        let most = self.options.tenant_patterns_max;
        let egress = egress::limits(&new.egress, most, &mut problems);
        let webhook_hosts = egress::webhook_hosts(&new.webhook_hosts, most, &mut problems);
        problems.finish()?;
        let Ok(id) = id else { return Err(Error::NotFound(Missing::Tenant)) };
        if let Some(there) = self.store().tenant(&id).await? {
            let detail = match there.removing_since {
                None => format!("there is a tenant {id} already"),
                Some(_) => format!("the tenant {id} is still being removed; try again later"),
            };
            return Err(Error::conflict(Conflict::Exists, detail));
        }
        let now = self.now();
        let tenant = Tenant {
            id,
            display_name,
            limits,
            identity_kinds,
            egress,
            webhook_hosts,
            callback_secret: None,
            suspended: new.suspended,
            removing_since: None,
            created_at: now,
            revision: Revision::FIRST,
        };
        let event = AuditEvent::new(&tenant.id, now, caller.actor.clone(), "tenant.created");
        self.store().commit(creation(&tenant, event)).await?;
        Ok(tenant)
    }

    /// Every tenant.
    ///
    /// # Errors
    /// When the key is no operator's.
    pub async fn tenants(&self, caller: &Caller, page: &Page) -> Result<Listing<Tenant>, Error> {
        caller.require_operator()?;
        let mut tenants = self.store().tenants(page).await?;
        tenants.items.retain(|tenant| tenant.removing_since.is_none());
        Ok(tenants)
    }

    /// One tenant: any for an operator, its own for a tenant's key.
    ///
    /// # Errors
    /// When it is not there, or not the key's.
    pub async fn tenant(&self, caller: &Caller, name: &str) -> Result<Tenant, Error> {
        let access = self.access(caller, Some(name), Scope::TenantsRead).await?;
        self.tenant_by_id(access.tenant()).await
    }

    /// Changes a tenant.
    ///
    /// # Errors
    /// When something about it is wrong, or it was changed since it was read.
    pub async fn patch_tenant(
        &self,
        caller: &Caller,
        name: &str,
        patch: TenantPatch,
        if_match: Option<Revision>,
    ) -> Result<Tenant, Error> {
        caller.require_operator()?;
        let id = name.parse::<TenantId>().map_err(|_| Error::NotFound(Missing::Tenant))?;
        let mut tenant = self.tenant_by_id(&id).await?;
        let revision = next_revision(Some(tenant.revision), if_match)?;
        let mut problems = Problems::default();
        if let Some(display_name) = patch.display_name {
            tenant.display_name = display_name.unwrap_or_else(|| id.to_string());
            problems.check_name("/display_name", &tenant.display_name);
        }
        tenant.limits = match patch.limits {
            None => tenant.limits,
            Some(None) => TenantLimits::default(),
            Some(Some(changes)) => self.changed_limits(tenant.limits, &changes, &mut problems),
        };
        if let Some(kinds) = patch.identity_kinds {
            tenant.identity_kinds = match kinds {
                Some(kinds) => self.check_kinds(&kinds, &mut problems),
                None => Tenant::initial_identity_kinds(),
            };
        }
        self.patch_reach(&mut tenant, patch.egress, patch.webhook_hosts, &mut problems);
        if let Some(suspended) = patch.suspended {
            tenant.suspended = suspended.unwrap_or(false);
        }
        problems.finish()?;
        tenant.revision = revision;
        let event = AuditEvent::new(&id, self.now(), caller.actor.clone(), "tenant.updated")
            .with("suspended", tenant.suspended)
            .with("identity_kinds", tenant.identity_kinds.len())
            .with("egress_allow", tenant.egress.allow.as_ref().map_or(0, Vec::len))
            .with("egress_deny", tenant.egress.deny.len())
            .with("webhook_hosts", tenant.webhook_hosts.len())
            .with("limits", limits_set(&tenant.limits));
        let commit = Commit::of(Change::PutTenant(tenant.clone()), event);
        self.commit_write(commit, if_match).await?;
        // A run that is ended here is done again, after its journal, when the tenant is resumed.
        if tenant.suspended {
            self.scheduler.stop_tenant(&id, self.options.tick).await;
        } else {
            self.scheduler.wake();
        }
        Ok(tenant)
    }

    fn patch_reach(
        &self,
        tenant: &mut Tenant,
        egress: Option<Option<EgressPatch>>,
        webhook_hosts: Option<Option<Vec<String>>>,
        problems: &mut Problems,
    ) {
        let most = self.options.tenant_patterns_max;
        match egress {
            None => {}
            Some(None) => tenant.egress = EgressLimits::default(),
            Some(Some(patch)) => {
                let draft = patch.applied_to(&tenant.egress);
                tenant.egress = egress::limits(&draft, most, problems);
            }
        }
        if let Some(hosts) = webhook_hosts {
            let hosts = hosts.unwrap_or_default();
            tenant.webhook_hosts = egress::webhook_hosts(&hosts, most, problems);
        }
    }

    fn check_kinds(&self, words: &[String], problems: &mut Problems) -> BTreeSet<IdentityKind> {
        let most = self.options.identity_kinds_max;
        if words.len() > most {
            let message = format!("at most {most} kinds of identity");
            problems.error("too_many", "/identity_kinds", message);
            return BTreeSet::new();
        }
        let mut kinds = BTreeSet::new();
        for (n, word) in words.iter().enumerate() {
            match word.parse() {
                Ok(kind) => {
                    kinds.insert(kind);
                }
                Err(reason) => {
                    let pointer = format!("/identity_kinds/{n}");
                    problems.error("invalid_kind", pointer, format!("{reason}"));
                }
            }
        }
        kinds
    }
}

/// A new tenant and the policies that it starts with, in one commit.
pub(super) fn creation(tenant: &Tenant, event: AuditEvent) -> Commit {
    let policies = Policy::initial(&tenant.id, tenant.created_at);
    let mut changes = vec![Change::PutTenant(tenant.clone())];
    let event = event.with("policies", policies.len());
    changes.extend(policies.into_iter().map(Change::PutPolicy));
    Commit { changes, audit: vec![event] }
}

/// The limits that are set for a tenant, by name and value.
fn limits_set(limits: &TenantLimits) -> String {
    let set = |limit: TenantLimit| Some(format!("{}={}", limit.name(), limit.set_in(limits)?));
    TenantLimit::ALL.into_iter().filter_map(set).collect::<Vec<_>>().join(" ")
}
