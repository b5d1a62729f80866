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
    /// What was set for it alone of how much it may use.
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
    /// Since when it is being removed: it is suspended then, and as if absent for everybody. None:
    /// it is not.
    pub removing_since: Option<Timestamp>,
    /// When it was created.
    pub created_at: Timestamp,
    /// Counts its writes.
    pub revision: Revision,
}

impl Tenant {
    /// What its connectors run under.
    pub fn terms(&self, allowance: Allowance) -> Terms {
        let (tenant, egress) = (self.id.clone(), self.egress.clone());
        Terms { tenant, egress, allowance }
    }

    /// The identity kinds every tenant starts with (BEHAVIOUR B5).
    pub fn initial_identity_kinds() -> BTreeSet<IdentityKind> {
        ["email", "primary_phone_number", "phone_number", "user_id"]
            .into_iter()
            .filter_map(|kind| kind.parse().ok())
            .collect()
    }
}

/// What was set for one tenant. What was not is as the host gives it to every tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TenantLimits {
    /// See [`Allowance::job_timeout`].
    pub job_timeout: Option<Duration>,
    /// See [`Allowance::guest_memory_bytes_max`].
    pub guest_memory_bytes_max: Option<u64>,
    /// See [`Allowance::calls_max`].
    pub calls_max: Option<u32>,
    /// See [`Allowance::connection_calls_max`].
    pub connection_calls_max: Option<u32>,
    /// See [`Allowance::requests_in_flight_max`].
    pub requests_in_flight_max: Option<u32>,
    /// See [`Allowance::api_requests_per_minute_max`].
    pub api_requests_per_minute_max: Option<u32>,
}

/// How much a tenant may use: what is enforced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowance {
    /// What all queries of one type of one connection may take together (BEHAVIOUR C3).
    pub job_timeout: Duration,
    /// Linear memory of all its connectors that run at one time, in bytes.
    pub guest_memory_bytes_max: u64,
    /// Calls into its connectors at one time; further ones wait for their turn.
    pub calls_max: u32,
    /// The same, of one connection.
    pub connection_calls_max: u32,
    /// Privacy requests that are worked on at one time; further ones wait for their turn.
    pub requests_in_flight_max: u32,
    /// HTTP requests to the API with its keys, in a minute; further ones are told when to come
    /// back.
    pub api_requests_per_minute_max: u32,
}

impl Default for Allowance {
    fn default() -> Self {
        Self {
            job_timeout: Duration::from_secs(300),
            guest_memory_bytes_max: 1 << 30,
            calls_max: 64,
            connection_calls_max: 16,
            requests_in_flight_max: 64,
            api_requests_per_minute_max: 6_000,
        }
    }
}

impl Allowance {
    /// The same, with nothing above what the host has to give.
    #[must_use]
    pub fn within(mut self, most: &Self) -> Self {
        self.job_timeout = self.job_timeout.min(most.job_timeout);
        self.guest_memory_bytes_max = self.guest_memory_bytes_max.min(most.guest_memory_bytes_max);
        self.calls_max = self.calls_max.min(most.calls_max);
        // A connection cannot have more than its tenant.
        self.connection_calls_max =
            self.connection_calls_max.min(most.connection_calls_max).min(self.calls_max);
        self.requests_in_flight_max = self.requests_in_flight_max.min(most.requests_in_flight_max);
        self.api_requests_per_minute_max =
            self.api_requests_per_minute_max.min(most.api_requests_per_minute_max);
        self
    }
}

impl TenantLimits {
    /// What the tenant may use, where every tenant is given `usual`.
    pub fn over(&self, usual: &Allowance) -> Allowance {
        let Self {
            job_timeout,
            guest_memory_bytes_max,
            calls_max,
            connection_calls_max,
            requests_in_flight_max,
            api_requests_per_minute_max,
        } = self;
        Allowance {
            job_timeout: job_timeout.unwrap_or(usual.job_timeout),
            guest_memory_bytes_max: guest_memory_bytes_max.unwrap_or(usual.guest_memory_bytes_max),
            calls_max: calls_max.unwrap_or(usual.calls_max),
            connection_calls_max: connection_calls_max.unwrap_or(usual.connection_calls_max),
            requests_in_flight_max: requests_in_flight_max.unwrap_or(usual.requests_in_flight_max),
            api_requests_per_minute_max: api_requests_per_minute_max
                .unwrap_or(usual.api_requests_per_minute_max),
        }
    }
}

/// What the connectors of a tenant run under, as of now.
#[derive(Debug, Clone)]
pub struct Terms {
    /// Whose they are.
    pub tenant: TenantId,
    /// What they may reach at most.
    pub egress: EgressLimits,
    /// How much they may use.
    pub allowance: Allowance,
}

impl Terms {
    /// Of a tenant that is gone: it may reach nothing.
    pub fn nowhere(tenant: TenantId, usual: &Allowance) -> Self {
        let egress = EgressLimits { allow: Some(Vec::new()), deny: Vec::new() };
        Self { tenant, egress, allowance: usual.clone() }
    }
}
