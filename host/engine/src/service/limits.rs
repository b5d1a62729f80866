//! What a tenant may use: what was set for it, checked against what the host has to give, and shown
//! together with where it comes from.
//!
//! Enforces nothing itself: the scheduler, the runtime and the API do, by the [`Allowance`] that is
//! made here. Called by the tenants' use cases and by `GET /v1/limits`.

use std::collections::BTreeSet;
use std::time::Duration;

use cordon_model::TenantId;
use cordon_model::api_key::Scope;
use cordon_model::tenant::{Allowance, Tenant, TenantLimits};

use super::problems::Problems;
use super::tenants::JOB_TIMEOUT_SECONDS_MAX;
use crate::{Caller, Error, Services};

/// What the host as a whole has to give: what no tenant can be given more of.
#[derive(Debug, Clone)]
pub struct HostLimits {
    /// Calls into connectors at one time, of all tenants.
    pub calls_max: u32,
    /// Linear memory of all connectors that run at one time, in bytes.
    pub guest_memory_bytes_max: u64,
    /// Linear memory that one call may take, in bytes: a tenant with less could run nothing.
    pub call_memory_bytes_max: u64,
    /// Every limit of the host that its operator may set, as it is shown.
    pub shown: Vec<Limit>,
    /// The limits of every tenant that the configuration sets.
    pub configured: BTreeSet<TenantLimit>,
}

impl Default for HostLimits {
    fn default() -> Self {
        Self {
            calls_max: 128,
            guest_memory_bytes_max: 4 << 30,
            call_memory_bytes_max: 64 << 20,
            shown: Vec::new(),
            configured: BTreeSet::new(),
        }
    }
}

/// Most HTTP requests in a minute that a tenant can be given: more than one host answers.
const API_REQUESTS_PER_MINUTE_MAX: u32 = 1_000_000;

/// A limit that a tenant may have for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TenantLimit {
    /// See [`Allowance::job_timeout`].
    JobTimeout,
    /// See [`Allowance::guest_memory_bytes_max`].
    GuestMemory,
    /// See [`Allowance::calls_max`].
    Calls,
    /// See [`Allowance::connection_calls_max`].
    ConnectionCalls,
    /// See [`Allowance::requests_in_flight_max`].
    Requests,
    /// See [`Allowance::api_requests_per_minute_max`].
    ApiRequests,
}

/// New values of limits; none: as every tenant has it.
pub type LimitChanges = Vec<(TenantLimit, Option<u64>)>;

/// One limit as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// Its name: of a tenant's as in `limits`, of the host's its key in the configuration.
    pub name: String,
    /// How much.
    pub value: u64,
    /// Of what: `bytes`, `seconds`, `calls`.
    pub unit: &'static str,
    /// Who says so.
    pub source: LimitSource,
    /// It holds for every tenant by itself, and for all alike.
    pub of_each_tenant: bool,
    /// How much of it is used at this moment, where it is an amount.
    pub in_use: Option<u64>,
}

/// Who says how much a limit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitSource {
    /// Nobody: it is the program's.
    Default,
    /// The operator's configuration.
    Configuration,
    /// It was set for the tenant.
    Tenant,
}

/// The limits that apply to somebody.
#[derive(Debug, Clone)]
pub struct Limits {
    /// The tenant that they are of; none: the host, and every tenant for which nothing was set.
    pub tenant: Option<TenantId>,
    /// What a tenant may use: of one, with what holds for every tenant alike.
    pub of_tenant: Vec<Limit>,
    /// What the host may use: for its operator, who named no tenant.
    pub of_host: Vec<Limit>,
}

impl Limits {
    /// Notes how much is in use: of all, by the first name, where these are the host's limits; of
    /// the tenant, by the second one, where they are a tenant's.
    pub fn note_use(&mut self, (of_all, of_tenant): (&str, &str), in_use: usize) {
        let (limits, name) = match self.tenant {
            None => (&mut self.of_host, of_all),
            Some(_) => (&mut self.of_tenant, of_tenant),
        };
        for limit in limits.iter_mut().filter(|limit| limit.name == name) {
            limit.in_use = Some(in_use as u64);
        }
    }
}

impl LimitSource {
    /// The word used in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Configuration => "configuration",
            Self::Tenant => "tenant",
        }
    }
}

impl TenantLimit {
    /// Every one.
    pub const ALL: [Self; 6] = [
        Self::JobTimeout,
        Self::GuestMemory,
        Self::Calls,
        Self::ConnectionCalls,
        Self::Requests,
        Self::ApiRequests,
    ];

    /// Its name, in the API and below `limits.tenant` in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::JobTimeout => "job_timeout_seconds",
            Self::GuestMemory => "guest_memory_bytes",
            Self::Calls => "calls_in_flight",
            Self::ConnectionCalls => "connection_calls_in_flight",
            Self::Requests => "requests_in_flight",
            Self::ApiRequests => "api_requests_per_minute",
        }
    }

    /// What it counts.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::JobTimeout => "seconds",
            Self::GuestMemory => "bytes",
            Self::Calls | Self::ConnectionCalls => "calls",
            Self::Requests => "privacy requests",
            Self::ApiRequests => "HTTP requests per minute",
        }
    }

    /// How much it is.
    pub fn of(self, allowance: &Allowance) -> u64 {
        match self {
            Self::JobTimeout => allowance.job_timeout.as_secs(),
            Self::GuestMemory => allowance.guest_memory_bytes_max,
            Self::Calls => allowance.calls_max.into(),
            Self::ConnectionCalls => allowance.connection_calls_max.into(),
            Self::Requests => allowance.requests_in_flight_max.into(),
            Self::ApiRequests => allowance.api_requests_per_minute_max.into(),
        }
    }

    /// How much was set.
    pub fn set_in(self, limits: &TenantLimits) -> Option<u64> {
        match self {
            Self::JobTimeout => limits.job_timeout.map(|timeout| timeout.as_secs()),
            Self::GuestMemory => limits.guest_memory_bytes_max,
            Self::Calls => limits.calls_max.map(u64::from),
            Self::ConnectionCalls => limits.connection_calls_max.map(u64::from),
            Self::Requests => limits.requests_in_flight_max.map(u64::from),
            Self::ApiRequests => limits.api_requests_per_minute_max.map(u64::from),
        }
    }

    /// Sets it; the value was checked.
    fn set(self, limits: &mut TenantLimits, value: Option<u64>) {
        let count = value.map(|value| u32::try_from(value).unwrap_or(u32::MAX));
        match self {
            Self::JobTimeout => limits.job_timeout = value.map(Duration::from_secs),
            Self::GuestMemory => limits.guest_memory_bytes_max = value,
            Self::Calls => limits.calls_max = count,
            Self::ConnectionCalls => limits.connection_calls_max = count,
            Self::Requests => limits.requests_in_flight_max = count,
            Self::ApiRequests => limits.api_requests_per_minute_max = count,
        }
    }

    /// Why it cannot be more than the host has to give.
    const fn why_at_most(self) -> &'static str {
        match self {
            Self::JobTimeout => "a day",
            Self::GuestMemory => "the host's own limits.guest_memory_bytes",
            Self::Calls | Self::ConnectionCalls => "the host's own limits.connector_instances",
            Self::Requests => "the host's own limits.requests_in_flight",
            Self::ApiRequests => "more than a host answers",
        }
    }
}

impl Services {
    /// What a tenant may use now: what was set for it, else what every tenant is given, and no more
    /// than the host has.
    pub(crate) fn allowance_of(&self, tenant: &Tenant) -> Allowance {
        tenant.limits.over(&self.options.allowance).within(&self.most())
    }

    /// How much a tenant may use, for who may read it.
    pub fn allowance(&self, tenant: &Tenant) -> Allowance {
        self.allowance_of(tenant)
    }

    /// The limits of the caller's tenant, or of the one that an operator names; an operator who
    /// names none is told the host's. With what of them is in use, as far as it is known here.
    ///
    /// # Errors
    /// When the scope is missing, or the tenant is not there.
    pub async fn limits(&self, caller: &Caller, tenant: Option<&str>) -> Result<Limits, Error> {
        if caller.is_operator() && tenant.is_none() {
            let usual = self.options.allowance.clone().within(&self.most());
            let of_tenant = self.shown(&TenantLimits::default(), &usual);
            let of_host = self.options.host.shown.clone();
            return Ok(self.with_use(Limits { tenant: None, of_tenant, of_host }));
        }
        let access = self.access(caller, tenant, Scope::TenantsRead).await?;
        let tenant = self.tenant_by_id(access.tenant()).await?;
        let mut of_tenant = self.shown(&tenant.limits, &self.allowance_of(&tenant));
        let host = self.options.host.shown.iter();
        of_tenant.extend(host.filter(|limit| limit.of_each_tenant).cloned());
        Ok(self.with_use(Limits { tenant: Some(tenant.id), of_tenant, of_host: Vec::new() }))
    }

    /// Counted where it is enforced, and asked there: nothing is added up from what is stored.
    fn with_use(&self, mut limits: Limits) -> Limits {
        let tenant = limits.tenant.clone();
        let of = tenant.as_ref();
        let calls = self.ports.connectors.in_use(of);
        let count = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        let at_work =
            of.map_or_else(|| self.scheduler.at_work(), |tenant| self.scheduler.at_work_of(tenant));
        let messages = of.map_or(0, |tenant| self.deliveries.under_way(tenant));
        let none = "";
        for (names, in_use) in [
            (("limits.requests_in_flight", TenantLimit::Requests.name()), at_work),
            (("limits.connector_instances", TenantLimit::Calls.name()), count(calls.calls)),
            ((none, TenantLimit::ConnectionCalls.name()), count(calls.of_one_connection)),
            ((none, "limits.calls_waiting_per_tenant"), count(calls.waiting)),
            (
                ("limits.guest_memory_bytes", TenantLimit::GuestMemory.name()),
                count(calls.memory_bytes),
            ),
            ((none, "limits.messages_in_flight_per_tenant"), messages),
            (
                ("limits.event_streams", "limits.event_streams_per_tenant"),
                self.scheduler.followers.count(of),
            ),
        ] {
            limits.note_use(names, in_use);
        }
        limits
    }

    /// Limits after a change of some of them. What cannot be enforced is a problem.
    pub(super) fn changed_limits(
        &self,
        mut limits: TenantLimits,
        changes: &LimitChanges,
        problems: &mut Problems,
    ) -> TenantLimits {
        let pointer = |limit: TenantLimit| format!("/limits/{}", limit.name());
        let most = self.most();
        for (limit, value) in changes {
            let least = match limit {
                TenantLimit::GuestMemory => self.options.host.call_memory_bytes_max,
                _ => 1,
            };
            let most = limit.of(&most);
            if value.is_some_and(|value| !(least..=most).contains(&value)) {
                let at_least = match limit {
                    TenantLimit::GuestMemory => ", what one call may take,",
                    _ => "",
                };
                let message = format!(
                    "must be from {least}{at_least} to {most}, {}; leave it out, or give null, for \
                     what every tenant has",
                    limit.why_at_most()
                );
                problems.error("out_of_range", pointer(*limit), message);
            } else {
                limit.set(&mut limits, *value);
            }
        }
        let of_tenant = limits.over(&self.options.allowance).within(&most).calls_max;
        if let Some(of_connection) = limits.connection_calls_max
            && of_connection > of_tenant
        {
            let named = changes.iter().find(|(limit, _)| *limit == TenantLimit::ConnectionCalls);
            let at = named.map_or(TenantLimit::Calls, |(limit, _)| *limit);
            let message = format!(
                "connection_calls_in_flight ({of_connection}) is above calls_in_flight \
                 ({of_tenant}), so that it limits nothing; lower the one or raise the other"
            );
            problems.error("out_of_range", pointer(at), message);
        }
        limits
    }

    /// What no tenant can be given more of.
    fn most(&self) -> Allowance {
        let host = &self.options.host;
        Allowance {
            job_timeout: Duration::from_secs(JOB_TIMEOUT_SECONDS_MAX),
            guest_memory_bytes_max: host.guest_memory_bytes_max,
            calls_max: host.calls_max,
            connection_calls_max: host.calls_max,
            requests_in_flight_max: u32::try_from(self.options.requests_in_flight_max)
                .unwrap_or(u32::MAX),
            api_requests_per_minute_max: API_REQUESTS_PER_MINUTE_MAX,
        }
    }

    fn shown(&self, set: &TenantLimits, effective: &Allowance) -> Vec<Limit> {
        let configured = &self.options.host.configured;
        let shown = |limit: TenantLimit| Limit {
            name: limit.name().to_owned(),
            value: limit.of(effective),
            unit: limit.unit(),
            source: match limit.set_in(set) {
                Some(_) => LimitSource::Tenant,
                None if configured.contains(&limit) => LimitSource::Configuration,
                None => LimitSource::Default,
            },
            of_each_tenant: true,
            in_use: None,
        };
        TenantLimit::ALL.into_iter().map(shown).collect()
    }
}
