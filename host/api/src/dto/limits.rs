//! Limits: those of a tenant as they are set and shown, and those of the host as they are shown.

use cordon_engine::service::limits::{Limit, LimitChanges, Limits, TenantLimit};
use cordon_model::tenant::{Allowance, TenantLimits};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::member;

/// What a new tenant may use, where that is not what every tenant may.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TenantLimits)]
pub(crate) struct LimitsBody {
    /// What all queries of one type of one connection may take together, in seconds.
    #[schema(minimum = 1, maximum = 86400)]
    job_timeout_seconds: Option<u64>,
    /// Memory of all its connectors that run at one time, in bytes; at least what one call may
    /// take.
    guest_memory_bytes: Option<u64>,
    /// Calls into its connectors at one time.
    #[schema(minimum = 1)]
    calls_in_flight: Option<u64>,
    /// The same, of one connection.
    #[schema(minimum = 1)]
    connection_calls_in_flight: Option<u64>,
    /// Privacy requests that are worked on at one time.
    #[schema(minimum = 1)]
    requests_in_flight: Option<u64>,
    /// HTTP requests with its keys in a minute.
    #[schema(minimum = 1, maximum = 1000000)]
    api_requests_per_minute: Option<u64>,
}

/// What is to change about what a tenant may use; `null`: as every tenant has it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TenantLimitsPatch)]
pub(crate) struct LimitsPatchBody {
    /// What all queries of one type of one connection may take together, in seconds.
    #[serde(default, deserialize_with = "member")]
    #[schema(value_type = Option<u64>, required = false, minimum = 1, maximum = 86400)]
    job_timeout_seconds: Option<Option<u64>>,
    /// Memory of all its connectors that run at one time, in bytes; at least what one call may
    /// take.
    #[serde(default, deserialize_with = "member")]
    #[schema(value_type = Option<u64>, required = false)]
    guest_memory_bytes: Option<Option<u64>>,
    /// Calls into its connectors at one time.
    #[serde(default, deserialize_with = "member")]
    #[schema(value_type = Option<u64>, required = false, minimum = 1)]
    calls_in_flight: Option<Option<u64>>,
    /// The same, of one connection.
    #[serde(default, deserialize_with = "member")]
    #[schema(value_type = Option<u64>, required = false, minimum = 1)]
    connection_calls_in_flight: Option<Option<u64>>,
    /// Privacy requests that are worked on at one time.
    #[serde(default, deserialize_with = "member")]
    #[schema(value_type = Option<u64>, required = false, minimum = 1)]
    requests_in_flight: Option<Option<u64>>,
    /// HTTP requests with its keys in a minute.
    #[serde(default, deserialize_with = "member")]
    #[schema(value_type = Option<u64>, required = false, minimum = 1, maximum = 1000000)]
    api_requests_per_minute: Option<Option<u64>>,
}

impl LimitsBody {
    pub(crate) fn changes(self) -> LimitChanges {
        let Self {
            job_timeout_seconds,
            guest_memory_bytes,
            calls_in_flight,
            connection_calls_in_flight,
            requests_in_flight,
            api_requests_per_minute,
        } = self;
        vec![
            (TenantLimit::JobTimeout, job_timeout_seconds),
            (TenantLimit::GuestMemory, guest_memory_bytes),
            (TenantLimit::Calls, calls_in_flight),
            (TenantLimit::ConnectionCalls, connection_calls_in_flight),
            (TenantLimit::Requests, requests_in_flight),
            (TenantLimit::ApiRequests, api_requests_per_minute),
        ]
    }
}

impl LimitsPatchBody {
    pub(crate) fn changes(self) -> LimitChanges {
        let Self {
            job_timeout_seconds,
            guest_memory_bytes,
            calls_in_flight,
            connection_calls_in_flight,
            requests_in_flight,
            api_requests_per_minute,
        } = self;
        let members = [
            (TenantLimit::JobTimeout, job_timeout_seconds),
            (TenantLimit::GuestMemory, guest_memory_bytes),
            (TenantLimit::Calls, calls_in_flight),
            (TenantLimit::ConnectionCalls, connection_calls_in_flight),
            (TenantLimit::Requests, requests_in_flight),
            (TenantLimit::ApiRequests, api_requests_per_minute),
        ];
        members.into_iter().filter_map(|(limit, value)| Some((limit, value?))).collect()
    }
}

/// What was set for a tenant; `null`: as every tenant has it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LimitsSetView {
    /// What all queries of one type of one connection may take together, in seconds.
    job_timeout_seconds: Option<u64>,
    /// Memory of all its connectors that run at one time, in bytes.
    guest_memory_bytes: Option<u64>,
    /// Calls into its connectors at one time.
    calls_in_flight: Option<u64>,
    /// The same, of one connection.
    connection_calls_in_flight: Option<u64>,
    /// Privacy requests that are worked on at one time.
    requests_in_flight: Option<u64>,
    /// HTTP requests with its keys in a minute.
    api_requests_per_minute: Option<u64>,
}

/// What a tenant may use: what is enforced.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AllowanceView {
    /// What all queries of one type of one connection may take together, in seconds.
    job_timeout_seconds: u64,
    /// Memory of all its connectors that run at one time, in bytes.
    guest_memory_bytes: u64,
    /// Calls into its connectors at one time.
    calls_in_flight: u64,
    /// The same, of one connection.
    connection_calls_in_flight: u64,
    /// Privacy requests that are worked on at one time.
    requests_in_flight: u64,
    /// HTTP requests with its keys in a minute.
    api_requests_per_minute: u64,
}

impl From<&TenantLimits> for LimitsSetView {
    fn from(limits: &TenantLimits) -> Self {
        Self {
            job_timeout_seconds: TenantLimit::JobTimeout.set_in(limits),
            guest_memory_bytes: TenantLimit::GuestMemory.set_in(limits),
            calls_in_flight: TenantLimit::Calls.set_in(limits),
            connection_calls_in_flight: TenantLimit::ConnectionCalls.set_in(limits),
            requests_in_flight: TenantLimit::Requests.set_in(limits),
            api_requests_per_minute: TenantLimit::ApiRequests.set_in(limits),
        }
    }
}

impl From<&Allowance> for AllowanceView {
    fn from(allowance: &Allowance) -> Self {
        Self {
            job_timeout_seconds: TenantLimit::JobTimeout.of(allowance),
            guest_memory_bytes: TenantLimit::GuestMemory.of(allowance),
            calls_in_flight: TenantLimit::Calls.of(allowance),
            connection_calls_in_flight: TenantLimit::ConnectionCalls.of(allowance),
            requests_in_flight: TenantLimit::Requests.of(allowance),
            api_requests_per_minute: TenantLimit::ApiRequests.of(allowance),
        }
    }
}

/// The limits that apply.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Limits)]
pub(crate) struct LimitsView {
    /// The tenant that they are of; `null`: the host, and every tenant for which nothing was set.
    tenant: Option<String>,
    /// What a tenant may use. Of a named tenant, what holds for every tenant alike is among it, by
    /// its key in the configuration.
    tenant_limits: Vec<LimitView>,
    /// What the host as a whole may use, by its key in the configuration; for an operator who named
    /// no tenant.
    host_limits: Vec<LimitView>,
}

/// One limit.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Limit)]
pub(crate) struct LimitView {
    /// Its name.
    name: String,
    /// How much.
    value: u64,
    /// Of what: `bytes`, `seconds`, `calls`.
    unit: &'static str,
    /// Who says so: `default`, `configuration`, or `tenant`, when it was set for this one.
    source: &'static str,
    /// How much of it is used at this moment, where it is an amount; of the calls of one connection,
    /// that of the one with most of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    in_use: Option<u64>,
}

impl From<Limits> for LimitsView {
    fn from(limits: Limits) -> Self {
        let view = |limits: Vec<Limit>| limits.into_iter().map(LimitView::from).collect();
        Self {
            tenant: limits.tenant.map(|tenant| tenant.to_string()),
            tenant_limits: view(limits.of_tenant),
            host_limits: view(limits.of_host),
        }
    }
}

impl From<Limit> for LimitView {
    fn from(limit: Limit) -> Self {
        let Limit { name, value, unit, source, of_each_tenant: _, in_use } = limit;
        Self { name, value, unit, source: source.as_str(), in_use }
    }
}
