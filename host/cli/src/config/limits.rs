//! `[limits]` and `[limits.tenant]`: how much the host may use, and how much of it every tenant; and
//! the list of all limits that `GET /v1/limits` shows.
//!
//! Limits that contradict each other are problems: one that can never be reached says something
//! that is not so. What nobody set makes way for what somebody did.

use std::time::Duration;

use cordon_engine::service::limits::{HostLimits, Limit, LimitSource, TenantLimit};
use cordon_model::tenant::Allowance;

use super::Config;
use super::source::Source;

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
const GIB: u64 = 1024 * MIB;

/// Longest `job_timeout_seconds`: a day.
const JOB_TIMEOUT_SECONDS_MAX: u64 = 86_400;

/// Takes every key of the section out of the source.
pub(super) fn check(source: &mut Source<'_>, config: &mut Config) {
    requests(source, &mut config.engine);
    connectors(source, &mut config.runtime);
    let package = &mut config.package;
    source.number("limits.package_files", 2..=1_000_000, &mut package.files_max);
    source.number("limits.package_bytes", MIB..=16 * GIB, &mut package.bytes_max);
    tenant(source, config);
    contradictions(source, config);
}

fn requests(source: &mut Source<'_>, engine: &mut cordon_engine::Options) {
    source.number("limits.requests_in_flight", 1..=10_000, &mut engine.requests_in_flight_max);
    source.number("limits.tasks_per_request", 1..=10_000, &mut engine.tasks_max);
    source.number("limits.identities_per_request", 1..=10_000, &mut engine.identities_max);
    source.number("limits.input_bytes", KIB..=64 * MIB, &mut engine.input_bytes_max);
    let (file, files) = (&mut engine.input_file_bytes_max, &mut engine.input_files_bytes_max);
    source.number("limits.input_file_bytes", KIB..=256 * MIB, file);
    source.number("limits.input_files_bytes", KIB..=256 * MIB, files);
    source.seconds("limits.connection_test_seconds", 1..=300, &mut engine.test_timeout);
    source.seconds("limits.webhook_seconds", 1..=300, &mut engine.webhook_timeout);
    source.number("limits.webhook_attempts", 1..=100, &mut engine.webhook_attempts_max);
    let messages = &mut engine.deliveries_per_tenant_max;
    source.number("limits.messages_in_flight_per_tenant", 1..=1_000, messages);
    source.number("limits.event_streams", 1..=100_000, &mut engine.followers_max);
    let streams = &mut engine.followers_per_tenant_max;
    source.number("limits.event_streams_per_tenant", 1..=100_000, streams);
}

fn connectors(source: &mut Source<'_>, runtime: &mut cordon_runtime::Options) {
    source.number("limits.connector_workers", 1..=1_024, &mut runtime.workers);
    source.number("limits.connector_instances", 1..=10_000, &mut runtime.instances_max);
    source.number("limits.connector_memory_bytes", MIB..=4 * GIB, &mut runtime.memory_bytes_max);
    let mut guest_memory = runtime.guest_memory_bytes();
    source.number("limits.guest_memory_bytes", MIB..=1024 * GIB, &mut guest_memory);
    if source.gives("limits.guest_memory_bytes") {
        runtime.guest_memory_bytes_max = Some(guest_memory);
    }
    let processor = &mut runtime.processor_time_max;
    source.seconds("limits.connector_processor_seconds", 1..=3_600, processor);
    source.number("limits.connector_held_bytes", MIB..=16 * GIB, &mut runtime.held_bytes_max);
    let mut heavy = runtime.heavy_calls();
    source.number("limits.connector_heavy_calls", 1..=1_024, &mut heavy);
    if source.gives("limits.connector_heavy_calls") {
        runtime.heavy_calls_max = Some(heavy);
    }
    let waiting = &mut runtime.calls_waiting_max;
    source.number("limits.calls_waiting_per_tenant", 1..=1_000_000, waiting);
    source.number("limits.http_calls_per_run", 1..=1_000_000, &mut runtime.calls_max);
    source.number("limits.records_per_run", 1..=1_000_000, &mut runtime.records_max);
    source.seconds("limits.http_attempt_seconds", 1..=3_600, &mut runtime.attempt_timeout);
}

/// What every tenant is given. What is not set is no more than the host has.
fn tenant(source: &mut Source<'_>, config: &mut Config) {
    let most = most(config);
    let usual = config.engine.allowance.clone().within(&most);
    for limit in TenantLimit::ALL {
        let key = key_of(limit);
        let mut value = limit.of(&usual);
        source.number(&key, 1..=range_of(limit), &mut value);
        if !source.gives(&key) {
            continue;
        }
        if limit == TenantLimit::GuestMemory && value < config.runtime.call_memory_bytes() {
            let least = config.runtime.call_memory_bytes();
            let message = format!(
                "is less than one call may take ({least}); raise it, or lower \
                 limits.connector_memory_bytes"
            );
            source.problem(&key, message);
        }
        let host = limit.of(&most);
        if value > host {
            let message = format!("is above {} ({host}), which all tenants share", above(limit));
            source.problem(&key, message);
        }
        set(&mut config.engine.allowance, limit, value);
    }
    let given = source.gives(&key_of(TenantLimit::ConnectionCalls));
    let Allowance { calls_max, connection_calls_max, .. } = config.engine.allowance;
    if given && connection_calls_max > calls_max {
        let message = format!(
            "is above limits.tenant.calls_in_flight ({calls_max}), so that it limits nothing"
        );
        source.problem(&key_of(TenantLimit::ConnectionCalls), message);
    }
    config.engine.allowance = config.engine.allowance.clone().within(&most);
}

fn contradictions(source: &mut Source<'_>, config: &Config) {
    let (engine, runtime) = (&config.engine, &config.runtime);
    let pairs = [
        (
            ("limits.event_streams_per_tenant", engine.followers_per_tenant_max as u64),
            ("limits.event_streams", engine.followers_max as u64),
            "the first limits nothing then",
        ),
        (
            ("limits.event_streams", engine.followers_max as u64),
            ("server.connections_max", config.api.connections_max as u64),
            "streams could take every connection",
        ),
        (
            ("limits.input_file_bytes", engine.input_file_bytes_max as u64),
            ("limits.input_files_bytes", engine.input_files_bytes_max as u64),
            "the first limits nothing then",
        ),
        (
            ("server.uploads_per_tenant_max", config.api.uploads_per_tenant() as u64),
            ("server.uploads_max", config.api.uploads_max as u64),
            "the first limits nothing then",
        ),
        (
            ("limits.connector_heavy_calls", runtime.heavy_calls() as u64),
            ("limits.connector_workers", runtime.workers as u64),
            "a call takes up a thread",
        ),
        (
            ("limits.connector_memory_bytes", runtime.call_memory_bytes()),
            ("limits.guest_memory_bytes", runtime.guest_memory_bytes()),
            "no connector could run; each may need some bytes for its tables, too",
        ),
    ];
    for ((key, value), (above, most), why) in pairs {
        if value > most {
            let (at, other, word, bytes) = match source.gives(key) {
                true => (key, above, "above", most),
                false => (above, key, "below", value),
            };
            source.problem(at, format!("is {word} {other} ({bytes}): {why}"));
        }
    }
}

/// What the host has to give, which no tenant can be given more of.
fn most(config: &Config) -> Allowance {
    let count = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
    Allowance {
        job_timeout: Duration::from_secs(JOB_TIMEOUT_SECONDS_MAX),
        guest_memory_bytes_max: config.runtime.guest_memory_bytes(),
        calls_max: config.runtime.instances_max,
        connection_calls_max: config.runtime.instances_max,
        requests_in_flight_max: count(config.engine.requests_in_flight_max),
        api_requests_per_minute_max: count(1_000_000),
    }
}

fn key_of(limit: TenantLimit) -> String {
    format!("limits.tenant.{}", limit.name())
}

/// What fits into what holds it.
const fn range_of(limit: TenantLimit) -> u64 {
    match limit {
        TenantLimit::JobTimeout => JOB_TIMEOUT_SECONDS_MAX,
        TenantLimit::GuestMemory => 1024 * GIB,
        TenantLimit::Calls | TenantLimit::ConnectionCalls | TenantLimit::Requests => 10_000,
        TenantLimit::ApiRequests => 1_000_000,
    }
}

const fn above(limit: TenantLimit) -> &'static str {
    match limit {
        TenantLimit::GuestMemory => "limits.guest_memory_bytes",
        TenantLimit::Calls | TenantLimit::ConnectionCalls => "limits.connector_instances",
        TenantLimit::Requests => "limits.requests_in_flight",
        TenantLimit::JobTimeout | TenantLimit::ApiRequests => "what there is",
    }
}

fn set(allowance: &mut Allowance, limit: TenantLimit, value: u64) {
    let count = u32::try_from(value).unwrap_or(u32::MAX);
    match limit {
        TenantLimit::JobTimeout => allowance.job_timeout = Duration::from_secs(value),
        TenantLimit::GuestMemory => allowance.guest_memory_bytes_max = value,
        TenantLimit::Calls => allowance.calls_max = count,
        TenantLimit::ConnectionCalls => allowance.connection_calls_max = count,
        TenantLimit::Requests => allowance.requests_in_flight_max = count,
        TenantLimit::ApiRequests => allowance.api_requests_per_minute_max = count,
    }
}

impl Config {
    /// What the host as a whole has to give: for the application, which checks tenants' limits
    /// against it, and shows it.
    pub(crate) fn host_limits(&self) -> HostLimits {
        HostLimits {
            calls_max: self.runtime.instances_max,
            guest_memory_bytes_max: self.runtime.guest_memory_bytes(),
            call_memory_bytes_max: self.runtime.call_memory_bytes(),
            shown: self.shown(),
            configured: TenantLimit::ALL
                .into_iter()
                .filter(|limit| self.given.contains(&key_of(*limit)))
                .collect(),
        }
    }

    fn shown(&self) -> Vec<Limit> {
        let shown = |(key, value, unit): (&str, u64, &'static str)| Limit {
            name: key.to_owned(),
            value,
            unit,
            source: match self.given.contains(key) {
                true => LimitSource::Configuration,
                false => LimitSource::Default,
            },
            // Such keys are called so.
            of_each_tenant: key.contains("per_tenant"),
            in_use: None,
        };
        let all = [self.of_api(), self.of_requests(), self.of_connectors(), self.of_egress()];
        all.into_iter().flatten().map(shown).collect()
    }

    fn of_api(&self) -> Vec<(&'static str, u64, &'static str)> {
        let api = &self.api;
        let failures = u64::from(api.failed_authentications_per_minute_max);
        vec![
            ("server.connections_max", api.connections_max as u64, "connections"),
            ("server.body_bytes_max", api.body_bytes_max as u64, "bytes"),
            ("server.head_timeout_seconds", api.head_timeout.as_secs(), "seconds"),
            ("server.body_timeout_seconds", api.body_timeout.as_secs(), "seconds"),
            ("server.upload_timeout_seconds", api.upload_timeout.as_secs(), "seconds"),
            ("server.uploads_max", api.uploads_max as u64, "uploads"),
            ("server.uploads_per_tenant_max", api.uploads_per_tenant() as u64, "uploads"),
            ("server.shutdown_timeout_seconds", api.shutdown_timeout.as_secs(), "seconds"),
            ("server.failed_authentications_per_minute_max", failures, "HTTP requests per minute"),
        ]
    }

    fn of_requests(&self) -> Vec<(&'static str, u64, &'static str)> {
        let (engine, package) = (&self.engine, &self.package);
        vec![
            ("limits.requests_in_flight", engine.requests_in_flight_max as u64, "privacy requests"),
            ("limits.tasks_per_request", engine.tasks_max as u64, "tasks"),
            ("limits.identities_per_request", engine.identities_max as u64, "identities"),
            ("limits.input_bytes", engine.input_bytes_max as u64, "bytes"),
            ("limits.input_file_bytes", engine.input_file_bytes_max as u64, "bytes"),
            ("limits.input_files_bytes", engine.input_files_bytes_max as u64, "bytes"),
            ("limits.connection_test_seconds", engine.test_timeout.as_secs(), "seconds"),
            ("limits.webhook_seconds", engine.webhook_timeout.as_secs(), "seconds"),
            ("limits.webhook_attempts", engine.webhook_attempts_max.into(), "attempts"),
            (
                "limits.messages_in_flight_per_tenant",
                engine.deliveries_per_tenant_max as u64,
                "messages",
            ),
            ("limits.event_streams", engine.followers_max as u64, "streams"),
            ("limits.event_streams_per_tenant", engine.followers_per_tenant_max as u64, "streams"),
            ("limits.package_files", package.files_max.into(), "files"),
            ("limits.package_bytes", package.bytes_max, "bytes"),
        ]
    }

    fn of_connectors(&self) -> Vec<(&'static str, u64, &'static str)> {
        let runtime = &self.runtime;
        vec![
            ("limits.connector_workers", runtime.workers as u64, "threads"),
            ("limits.connector_instances", runtime.instances_max.into(), "calls"),
            ("limits.connector_memory_bytes", runtime.memory_bytes_max as u64, "bytes"),
            ("limits.guest_memory_bytes", runtime.guest_memory_bytes(), "bytes"),
            ("limits.connector_processor_seconds", runtime.processor_time_max.as_secs(), "seconds"),
            ("limits.connector_heavy_calls", runtime.heavy_calls() as u64, "calls"),
            ("limits.connector_held_bytes", runtime.held_bytes_max as u64, "bytes"),
            ("limits.calls_waiting_per_tenant", runtime.calls_waiting_max as u64, "calls"),
            ("limits.http_calls_per_run", runtime.calls_max as u64, "HTTP requests"),
            ("limits.records_per_run", runtime.records_max as u64, "records"),
            ("limits.http_attempt_seconds", runtime.attempt_timeout.as_secs(), "seconds"),
            ("plugins.component_bytes", runtime.component_bytes_max as u64, "bytes"),
            ("plugins.function_bytes", runtime.function_bytes_max as u64, "bytes"),
            ("plugins.compiler_memory_bytes", runtime.compiler_memory_bytes_max, "bytes"),
            ("plugins.compiler_seconds", runtime.compiler_processor_seconds_max, "seconds"),
            ("plugins.compilations_max", runtime.compilations_max as u64, "compilations"),
            ("plugins.per_tenant", self.engine.plugins_max as u64, "plugins"),
        ]
    }

    fn of_egress(&self) -> Vec<(&'static str, u64, &'static str)> {
        let egress = &self.egress;
        vec![
            ("egress.connect_timeout_seconds", egress.connect_timeout.as_secs(), "seconds"),
            ("egress.response_bytes_max", egress.response_bytes_max, "bytes"),
            ("egress.response_headers_max", egress.response_headers_max as u64, "headers"),
            ("egress.request_body_bytes_max", egress.request_body_bytes_max as u64, "bytes"),
            ("egress.url_bytes_max", egress.url_bytes_max as u64, "bytes"),
            ("egress.clients_max", egress.clients_max as u64, "connection pools"),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ConfigError, Environment};
    use super::*;

    fn parse(text: &str) -> Result<Config, ConfigError> {
        Config::parse(text, &Environment::default())
    }

    fn problems(result: Result<Config, ConfigError>) -> Vec<String> {
        let Some(ConfigError::Invalid(problems)) = result.err() else { return Vec::new() };
        problems.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn limits_that_contradict_each_other_are_told_all_at_once_with_their_keys() {
        let text = "[limits]\nrequests_in_flight = 10\nconnector_instances = 20\n\
                    guest_memory_bytes = 2097152\nevent_streams_per_tenant = 1000\n\
                    [limits.tenant]\nrequests_in_flight = 11\ncalls_in_flight = 21\n\
                    guest_memory_bytes = 1\napi_requests_per_minute = 0";
        let found = problems(parse(text));
        for begins in [
            "limits.tenant.requests_in_flight: is above limits.requests_in_flight (10)",
            "limits.tenant.calls_in_flight: is above limits.connector_instances (20)",
            "limits.tenant.guest_memory_bytes: is less than one call may take",
            "limits.tenant.api_requests_per_minute: expected a number of 1 to 1000000",
            "limits.event_streams_per_tenant: is above limits.event_streams (512)",
            "limits.guest_memory_bytes: is below limits.connector_memory_bytes",
        ] {
            assert!(
                found.iter().any(|problem| problem.starts_with(begins)),
                "{begins}: {found:#?}"
            );
        }
        assert_eq!(found.len(), 6, "{found:#?}");
        let environment =
            Environment::from([("CORDON_LIMITS_TENANT_CONNECTION_CALLS_IN_FLIGHT", "65")]);
        let found = problems(Config::parse("", &environment));
        let begins = "limits.tenant.connection_calls_in_flight (from \
                      CORDON_LIMITS_TENANT_CONNECTION_CALLS_IN_FLIGHT): is above \
                      limits.tenant.calls_in_flight (64)";
        assert!(found.len() == 1 && found[0].starts_with(begins), "{found:#?}");
    }

    #[test]
    fn a_part_that_is_more_than_the_whole_is_told_and_one_that_nobody_set_follows_the_whole() {
        let text = "[server]\nuploads_max = 2\nuploads_per_tenant_max = 3\n\
                    [limits]\nconnector_workers = 4\nconnector_heavy_calls = 5";
        let found = problems(parse(text));
        for begins in [
            "server.uploads_per_tenant_max: is above server.uploads_max (2)",
            "limits.connector_heavy_calls: is above limits.connector_workers (4)",
        ] {
            assert!(
                found.iter().any(|problem| problem.starts_with(begins)),
                "{begins}: {found:#?}"
            );
        }
        assert_eq!(found.len(), 2, "{found:#?}");
        let whole = "[server]\nuploads_max = 40\n[limits]\nconnector_workers = 8\n";
        let config = parse(whole).unwrap();
        assert_eq!(config.runtime.heavy_calls(), 4);
        assert_eq!(config.api.uploads_per_tenant(), 10);
        let config = parse(&format!("{whole}connector_heavy_calls = 7")).unwrap();
        assert_eq!((config.runtime.heavy_calls(), config.runtime.check().is_ok()), (7, true));
    }

    #[test]
    fn what_nobody_set_makes_way_for_a_smaller_host() {
        let text = "[limits]\nrequests_in_flight = 10\nconnector_instances = 4";
        let allowance = parse(text).unwrap().engine.allowance;
        assert_eq!((allowance.requests_in_flight_max, allowance.calls_max), (10, 4));
        assert_eq!(allowance.connection_calls_max, 4);
    }

    #[test]
    fn every_limit_that_has_a_key_is_shown_with_who_says_so() {
        let config = parse("[limits]\ntasks_per_request = 7\n[limits.tenant]\ncalls_in_flight = 5");
        let host = config.unwrap().host_limits();
        let of = |name: &str| host.shown.iter().find(|limit| limit.name == name).unwrap();
        assert_eq!(of("limits.tasks_per_request").source, LimitSource::Configuration);
        assert_eq!(of("limits.tasks_per_request").value, 7);
        assert_eq!(of("limits.input_bytes").source, LimitSource::Default);
        assert_eq!(Vec::from_iter(&host.configured), [&TenantLimit::Calls]);
        let keys = Config::keys();
        for limit in &host.shown {
            assert!(keys.contains(&limit.name), "{} is no key", limit.name);
        }
        let of_limits = keys.iter().filter(|key| key.starts_with("limits."));
        for key in of_limits.filter(|key| !key.starts_with("limits.tenant.")) {
            assert!(host.shown.iter().any(|limit| limit.name == *key), "{key} is not shown");
        }
    }
}
