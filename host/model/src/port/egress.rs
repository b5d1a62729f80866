//! The way out, as far as the application looks at it. Implemented by `cordon-egress`; sending is
//! the runtime's.

use std::net::IpAddr;

use async_trait::async_trait;

use crate::grant::{EgressLimits, EgressPolicy, Grants};
use crate::{ConnectionKey, Problem, TenantId};

/// What may go out, and why.
#[async_trait]
pub trait Egress: Send + Sync {
    /// What the operator allows.
    fn policy(&self) -> &EgressPolicy;

    /// Whether a text can be the `ca_bundle` of a connection: certificates in PEM, and nothing
    /// else that counts.
    ///
    /// # Errors
    /// `invalid_ca_bundle` at `/ca_bundle`; the text is not repeated.
    fn check_ca_bundle(&self, pem: &str) -> Result<(), Problem>;

    /// What would become of a request, by the checks of a send. Nothing is sent; a name service
    /// may be asked.
    async fn explain(&self, question: EgressQuestion<'_>) -> EgressVerdict;
}

/// A request that is asked about: certificates checked, no secret, no body.
#[derive(Debug, Clone, Copy)]
pub struct EgressQuestion<'a> {
    /// Whose it is.
    pub tenant: &'a TenantId,
    /// Of which connection.
    pub connection: &'a ConnectionKey,
    /// What the tenant is limited to.
    pub limits: &'a EgressLimits,
    /// What the connection's plan needs.
    pub needs: &'a Grants,
    /// What it was granted.
    pub grants: &'a Grants,
    /// The verb.
    pub method: &'a str,
    /// The whole URL.
    pub url: &'a str,
}

/// What would become of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EgressVerdict {
    /// Where it was decided.
    pub stage: &'static str,
    /// The code of the refusal; none: it would be sent.
    pub denied: Option<&'static str>,
    /// What decided, in a sentence.
    pub rule: String,
    /// What would have to be granted; nothing where no grant helps.
    pub missing: Grants,
    /// Where the host leads, as far as that was asked. For the operator only.
    pub addresses: Vec<IpAddr>,
}
