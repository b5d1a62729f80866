//! Whose call into a guest it is, and how much that one may use at one time.

use cordon_model::ConnectionKey;
use cordon_model::TenantId;
use cordon_model::tenant::{Allowance, Terms};
use cordon_turns::{Maxima, Seat};

/// Whose call it is.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// None: the host's own, while it admits a component for every tenant.
    pub(crate) tenant: Option<TenantId>,
    /// None: the call is about none, or about one that does not exist yet.
    pub(crate) connection: Option<ConnectionKey>,
    /// Calls of the tenant at one time.
    pub(crate) calls_max: u32,
    /// Calls of the connection at one time.
    pub(crate) connection_calls_max: u32,
    /// Memory of all calls of the tenant at one time, in bytes.
    pub(crate) memory_bytes_max: u64,
}

impl Caller {
    /// A tenant, on its terms.
    pub(crate) fn on(terms: &Terms, connection: Option<&ConnectionKey>) -> Self {
        let Allowance { calls_max, connection_calls_max, guest_memory_bytes_max, .. } =
            terms.allowance;
        Self {
            tenant: Some(terms.tenant.clone()),
            connection: connection.cloned(),
            calls_max,
            connection_calls_max,
            memory_bytes_max: guest_memory_bytes_max,
        }
    }

    /// Whoever brings a component that is being admitted: only the host's own limits hold, and
    /// the turns.
    pub(crate) const fn admitting(tenant: Option<TenantId>) -> Self {
        Self {
            tenant,
            connection: None,
            calls_max: u32::MAX,
            connection_calls_max: u32::MAX,
            memory_bytes_max: u64::MAX,
        }
    }

    /// For whom it wants a place among the calls.
    pub(crate) fn seat(&self) -> Seat {
        Seat { tenant: self.tenant.clone(), connection: self.connection.clone() }
    }

    /// How many of these it may hold.
    pub(crate) const fn maxima(&self) -> Maxima {
        Maxima { tenant: self.calls_max, connection: self.connection_calls_max }
    }
}
