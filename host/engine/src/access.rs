//! Who is asking, and for which tenant. A use case takes an [`Access`]: it cannot be made without
//! a key that was checked.

use cordon_model::TenantId;
use cordon_model::api_key::{KeyOwner, Scope};
use cordon_model::audit::Actor;

use crate::Error;

/// The holder of a valid key.
#[derive(Debug, Clone)]
pub struct Caller {
    pub(crate) actor: Actor,
    pub(crate) owner: KeyOwner,
    pub(crate) scopes: Vec<Scope>,
    pub(crate) api_requests_per_minute_max: Option<u32>,
}

impl Caller {
    /// Whether this is an operator's key.
    pub fn is_operator(&self) -> bool {
        self.owner == KeyOwner::Operator
    }

    /// The key's own tenant; none: an operator's.
    pub fn tenant(&self) -> Option<&TenantId> {
        match &self.owner {
            KeyOwner::Operator => None,
            KeyOwner::Tenant(tenant) => Some(tenant),
        }
    }

    /// How many requests the keys of its tenant may make in a minute; none: an operator's key,
    /// which is not limited.
    pub fn api_requests_per_minute_max(&self) -> Option<u32> {
        self.api_requests_per_minute_max
    }

    /// Who stands in the audit log.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// An operator's key has every scope.
    ///
    /// # Errors
    /// When the key lacks the scope.
    pub fn require(&self, scope: Scope) -> Result<(), Error> {
        if self.is_operator() || self.scopes.contains(&scope) {
            Ok(())
        } else {
            Err(Error::Forbidden(scope))
        }
    }

    /// # Errors
    /// When this is not an operator's key.
    pub fn require_operator(&self) -> Result<(), Error> {
        if self.is_operator() { Ok(()) } else { Err(Error::OperatorOnly) }
    }
}

/// A caller acting for one tenant, with the scope that the use case needs.
#[derive(Debug, Clone)]
pub struct Access {
    pub(crate) tenant: TenantId,
    pub(crate) actor: Actor,
}

impl Access {
    /// The tenant that is acted for.
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// Who stands in the audit log.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The name of the acting key, for objects that remember who gave them.
    pub(crate) fn actor_name(&self) -> String {
        match &self.actor {
            Actor::Host => "host".to_owned(),
            Actor::Key { name, .. } => name.clone(),
        }
    }
}
