//! What the operator allows of the way out, for every tenant. Nobody can be granted more.

use super::{EgressLimits, Grants, HttpGrant, OriginPattern, PrivateNetwork, SecretGrant};
use crate::Problem;

/// The operator's egress policy, from the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EgressPolicy {
    /// Where requests may go at all. An inner name (`*.internal`, a single label) must be named
    /// here.
    pub allow: Vec<OriginPattern>,
    /// Where they may not go, whatever is allowed.
    pub deny: Vec<OriginPattern>,
    /// Private networks that connections may be granted.
    pub private: Vec<PrivateNetwork>,
    /// Whether certificates may stay unchecked where a grant says so.
    pub unverified_tls: bool,
}

/// Why the operator's policy, or what it leaves to the tenant, refuses an origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyRefusal {
    /// Nothing in `allow` covers it.
    #[error("the operator's egress policy does not allow it")]
    NotAllowed,
    /// Something in `deny` covers it.
    #[error("the operator's egress policy denies {0}")]
    Denied(OriginPattern),
    /// The operator does, and nothing in the `allow` of the tenant's limits covers it.
    #[error("the tenant's limits do not allow it")]
    NotAllowedToTenant,
    /// Something in the `deny` of the tenant's limits covers it.
    #[error("the tenant's limits deny {0}")]
    DeniedToTenant(OriginPattern),
}

impl PolicyRefusal {
    /// The stable word.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotAllowed | Self::NotAllowedToTenant => "origin_not_allowed",
            Self::Denied(_) | Self::DeniedToTenant(_) => "origin_denied",
        }
    }
}

impl Default for EgressPolicy {
    fn default() -> Self {
        Self {
            allow: OriginPattern::everything().to_vec(),
            deny: Vec::new(),
            private: Vec::new(),
            unverified_tls: true,
        }
    }
}

impl EgressPolicy {
    /// Whether requests may go to an origin, or to all that a pattern stands for. What a pattern
    /// holds beside and `deny` names is refused when it is sent.
    ///
    /// # Errors
    /// With the reason.
    pub fn judge(&self, origin: &OriginPattern) -> Result<(), PolicyRefusal> {
        if let Some(deny) = self.deny.iter().find(|deny| deny.covers(origin)) {
            return Err(PolicyRefusal::Denied(deny.clone()));
        }
        let allowed = self.allow.iter().any(|allow| allow.covers(origin));
        if allowed { Ok(()) } else { Err(PolicyRefusal::NotAllowed) }
    }

    /// The same, and whether what is left to the tenant holds it.
    ///
    /// # Errors
    /// With the reason; the operator's goes first.
    pub fn judge_within(
        &self,
        limits: &EgressLimits,
        origin: &OriginPattern,
    ) -> Result<(), PolicyRefusal> {
        self.judge(origin)?;
        limits.judge(origin)
    }

    /// Whether the operator wrote this origin's host out.
    pub fn names(&self, origin: &OriginPattern) -> bool {
        self.allow.iter().any(|allow| allow.names_its_host() && allow.covers(origin))
    }

    /// Everything in these grants that is wider than the policy or what it leaves to the tenant,
    /// by its place in them.
    pub fn refusals(&self, limits: &EgressLimits, grants: &Grants) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut refuse = |at: String, origin: &OriginPattern| {
            if let Err(refusal) = self.judge_within(limits, origin) {
                problems.push(Problem::error(refusal.code(), at, refusal.to_string()));
            }
        };
        for (n, grant) in grants.http.iter().enumerate() {
            refuse(format!("/http/{n}/origin"), &grant.origin);
        }
        for (n, grant) in grants.secrets.iter().enumerate() {
            refuse(format!("/secrets/{n}/origin"), &grant.origin);
        }
        for (n, grant) in grants.http.iter().enumerate() {
            if grant.unverified_tls && !self.unverified_tls {
                let message = "the operator does not allow unchecked certificates";
                let at = format!("/http/{n}/unverified_tls");
                problems.push(Problem::error("tls_unverified_forbidden", at, message));
            }
        }
        for (n, network) in grants.private.iter().enumerate() {
            if !self.private.iter().any(|own| own.covers(network)) {
                let message = "is not within the operator's private networks";
                let at = format!("/private/{n}");
                problems.push(Problem::error("network_not_allowed", at, message));
            }
        }
        problems
    }

    /// What is left of grants: their part that the policy and the tenant's limits allow.
    #[must_use]
    pub fn narrow(&self, limits: &EgressLimits, grants: &Grants) -> Grants {
        let allowed = |origin: &OriginPattern| -> Vec<OriginPattern> {
            let own = self.allow.iter().filter_map(|allow| allow.intersect(origin));
            let parts = own.flat_map(|part| limits.parts(&part));
            parts.filter(|part| self.judge_within(limits, part).is_ok()).collect()
        };
        let http = grants.http.iter().flat_map(|grant| {
            let unverified_tls = grant.unverified_tls && self.unverified_tls;
            let narrowed = move |origin| HttpGrant { origin, unverified_tls, ..grant.clone() };
            allowed(&grant.origin).into_iter().map(narrowed)
        });
        let secrets = grants.secrets.iter().flat_map(|grant| {
            let narrowed = move |origin| SecretGrant { origin, ..grant.clone() };
            allowed(&grant.origin).into_iter().map(narrowed)
        });
        let mut narrowed = Grants {
            http: http.collect(),
            private: self.narrow_networks(&grants.private),
            secrets: secrets.collect(),
            reads: grants.reads.clone(),
        };
        narrowed.sort();
        narrowed
    }

    /// What is left of granted networks.
    pub fn narrow_networks(&self, granted: &[PrivateNetwork]) -> Vec<PrivateNetwork> {
        let within = |network: &PrivateNetwork| {
            self.private.iter().filter_map(|own| own.intersect(network)).collect::<Vec<_>>()
        };
        granted.iter().flat_map(within).collect()
    }

    /// What is denied within these grants although a wildcard of theirs holds it.
    pub fn exceptions(&self, limits: &EgressLimits, grants: &Grants) -> Vec<OriginPattern> {
        let meets = |deny: &&OriginPattern| {
            grants.http.iter().any(|grant| grant.origin.intersect(deny).is_some())
        };
        let mut denied: Vec<_> =
            self.deny.iter().chain(&limits.deny).filter(meets).cloned().collect();
        denied.sort();
        denied.dedup();
        denied
    }
}
