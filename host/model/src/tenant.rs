//! An isolated customer of the host.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::grant::{EgressLimits, HostPattern};
use crate::subject::IdentityKind;
use crate::{Revision, Secret, TenantId, Timestamp};

/// An isolated customer: its own keys, connections, secrets, quotas and data.
#[derive(Debug, Clone)]
pub struct Tenant {
    /// Its key.
    pub id: TenantId,
    /// A name for people.
    pub display_name: String,
    /// How much it may use.
    pub limits: TenantLimits,
    /// Kinds of identity that requests and templates may name, beside those that `identifiers`
    /// queries declare (BEHAVIOUR B5).
    pub identity_kinds: BTreeSet<IdentityKind>,
    /// What its connections and webhooks may reach at most, within the operator's policy.
    pub egress: EgressLimits,
    /// The hosts that its policy webhooks and callbacks may name; none: it has neither.
    pub webhook_hosts: BTreeSet<HostPattern>,
    /// What callbacks to its submitters are signed with: `whsec_` and base64 (Standard Webhooks).
    /// None: none was made yet, and no request may name a callback.
    pub callback_secret: Option<Secret>,
    /// A suspended tenant's requests stay where they are; its keys answer 403.
    pub suspended: bool,
    /// When it was created.
    pub created_at: Timestamp,
    /// Counts its writes.
    pub revision: Revision,
}

impl Tenant {
    /// The identity kinds every tenant starts with (BEHAVIOUR B5).
    pub fn initial_identity_kinds() -> BTreeSet<IdentityKind> {
        ["email", "primary_phone_number", "phone_number", "user_id"]
            .into_iter()
            .filter_map(|kind| kind.parse().ok())
            .collect()
    }
}

/// Limits of one tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantLimits {
    /// What all queries of one type of one connection may take together (BEHAVIOUR C3).
    pub job_timeout: Duration,
}

impl Default for TenantLimits {
    fn default() -> Self {
        Self { job_timeout: Duration::from_secs(300) }
    }
}
