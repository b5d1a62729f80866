//! From a bearer token to a [`Caller`], and from a caller to an [`Access`] for one tenant.
//!
//! Every other use case takes one of the two, so none of them can be reached without a key that
//! was checked here.

use cordon_model::api_key::{KeyOwner, Scope};
use cordon_model::audit::Actor;
use cordon_model::page::Page;
use cordon_model::tenant::{Tenant, Terms};
use cordon_model::{ApiKeyId, TenantId};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::{Access, Caller, Error, Missing, Services};

/// The id that the key of the configuration has in the ledger: it is stored nowhere.
const CONFIGURED: ApiKeyId = ApiKeyId::new(Uuid::nil());

fn configured_operator() -> Caller {
    Caller {
        actor: Actor::Key { id: CONFIGURED, name: "operator (configuration)".to_owned() },
        owner: KeyOwner::Operator,
        // An operator's key has every scope by its owner.
        scopes: Vec::new(),
        api_requests_per_minute_max: None,
    }
}

impl Services {
    /// Whose key this is. Only its SHA-256 is looked up, so what a comparison could leak by its
    /// duration is nothing a caller can choose.
    ///
    /// # Errors
    /// `Unauthenticated` when the key is unknown, revoked or expired.
    pub async fn authenticate(&self, bearer: &str) -> Result<Caller, Error> {
        let hash: [u8; 32] = Sha256::digest(bearer.as_bytes()).into();
        if self.options.operator_key_hash == Some(hash) {
            return Ok(configured_operator());
        }
        let key = self.store().api_key_by_hash(&hash).await?.ok_or(Error::Unauthenticated)?;
        if key.expires_at.is_some_and(|expires_at| expires_at <= self.now()) {
            return Err(Error::Unauthenticated);
        }
        let api_requests_per_minute_max = match &key.owner {
            KeyOwner::Operator => None,
            // The keys of a tenant that is being removed are worth nothing, from the first moment.
            KeyOwner::Tenant(tenant) => {
                let tenant = self.store().tenant(tenant).await?;
                let tenant = tenant.filter(|tenant| tenant.removing_since.is_none());
                let tenant = tenant.ok_or(Error::Unauthenticated)?;
                Some(self.allowance_of(&tenant).api_requests_per_minute_max)
            }
        };
        Ok(Caller {
            actor: Actor::Key { id: key.id, name: key.name },
            owner: key.owner,
            scopes: key.scopes,
            api_requests_per_minute_max,
        })
    }

    /// Whether a key that was checked is valid still: for what goes on longer than a request.
    pub(crate) async fn is_still_valid(&self, caller: &Caller) -> Result<bool, Error> {
        let Actor::Key { id, .. } = &caller.actor else { return Ok(false) };
        if *id == CONFIGURED && caller.is_operator() {
            return Ok(self.options.operator_key_hash.is_some());
        }
        let stored = self.store().api_key(caller.tenant(), *id).await?;
        let now = self.now();
        let valid = stored.is_some_and(|key| key.expires_at.is_none_or(|at| at > now));
        Ok(match caller.tenant() {
            Some(own) => valid && !self.tenant_by_id(own).await?.suspended,
            None => valid,
        })
    }

    /// The caller, acting for one tenant: the key's own, or the one that an operator names. An
    /// operator who names none acts for `default` while that is the only tenant. A suspended
    /// tenant's keys are refused; an operator can still look after it.
    ///
    /// # Errors
    /// When the scope is missing, the tenant is not there (or not the key's) or suspended, or an
    /// operator has to name one.
    pub async fn access(
        &self,
        caller: &Caller,
        tenant: Option<&str>,
        scope: Scope,
    ) -> Result<Access, Error> {
        caller.require(scope)?;
        self.access_of_any_scope(caller, tenant).await
    }

    /// The same for what takes no scope, because something else is the permission.
    ///
    /// # Errors
    /// As those of [`Services::access`], but for the scope.
    pub async fn access_of_any_scope(
        &self,
        caller: &Caller,
        tenant: Option<&str>,
    ) -> Result<Access, Error> {
        let tenant = match caller.tenant() {
            Some(own) if tenant.is_some_and(|named| named != own.as_str()) => {
                return Err(Error::NotFound(Missing::Tenant));
            }
            Some(own) => self.tenant_by_id(own).await?,
            None => self.tenant_of_operator(tenant).await?,
        };
        if tenant.suspended && caller.owner != KeyOwner::Operator {
            return Err(Error::TenantSuspended);
        }
        Ok(Access { tenant: tenant.id, actor: caller.actor.clone() })
    }

    async fn tenant_of_operator(&self, named: Option<&str>) -> Result<Tenant, Error> {
        if let Some(named) = named {
            let id: TenantId = named.parse().map_err(|_| Error::NotFound(Missing::Tenant))?;
            return self.tenant_by_id(&id).await;
        }
        let two = Page { limit: 2, cursor: None };
        let mut tenants = self.store().tenants(&two).await?.items;
        match (tenants.pop(), tenants.is_empty()) {
            (Some(only), true) if only.id == TenantId::default_tenant() => Ok(only),
            _ => Err(Error::TenantRequired),
        }
    }

    /// One tenant. One that is being removed is as if absent.
    pub(super) async fn tenant_by_id(&self, id: &TenantId) -> Result<Tenant, Error> {
        let tenant = self.store().tenant(id).await?;
        let tenant = tenant.filter(|tenant| tenant.removing_since.is_none());
        tenant.ok_or(Error::NotFound(Missing::Tenant))
    }

    /// What the connectors of a tenant run under, as of now.
    pub(super) async fn terms_of(&self, id: &TenantId) -> Result<Terms, Error> {
        let tenant = self.tenant_by_id(id).await?;
        Ok(tenant.terms(self.allowance_of(&tenant)))
    }
}
