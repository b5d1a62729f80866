//! Which keys there are, and what each may be. Documented in `docs/configuration.md`.

use std::path::PathBuf;

use cordon_egress::Proxy;
use cordon_model::TenantId;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::setting::{KeyHash, Setting as _};
use super::source::Source;
use super::{Config, LogFormat, limits, plugins, secrets};

pub(super) const KIB: u64 = 1024;
pub(super) const MIB: u64 = 1024 * KIB;
pub(super) const GIB: u64 = 1024 * MIB;

/// An operator's key that is shorter could be guessed; the ones that Cordon makes have 50.
const OPERATOR_KEY_CHARS_MIN: usize = 32;

/// Takes every key out of the source. What is wrong is in the source afterwards.
pub(super) fn check(source: &mut Source<'_>) -> Config {
    let mut config = Config::default();
    server(source, &mut config);
    source.set("data.directory", &mut config.data_directory);
    egress(source, &mut config.egress);
    limits::check(source, &mut config);
    plugins::check(source, &mut config);
    destinations(source, &mut config);
    config.secrets = secrets::check(source);
    config.operator_key_hash = operator_key_hash(source);
    log(source, &mut config);
    config.given = source.given().clone();
    config
}

fn server(source: &mut Source<'_>, config: &mut Config) {
    source.set("server.listen", &mut config.listen);
    let api = &mut config.api;
    source.number("server.connections_max", 1..=100_000, &mut api.connections_max);
    source.number("server.body_bytes_max", KIB..=64 * MIB, &mut api.body_bytes_max);
    source.seconds("server.head_timeout_seconds", 1..=3_600, &mut api.head_timeout);
    source.seconds("server.body_timeout_seconds", 1..=3_600, &mut api.body_timeout);
    source.seconds("server.shutdown_timeout_seconds", 0..=3_600, &mut api.shutdown_timeout);
    source.number("server.uploads_max", 1..=1_000, &mut api.uploads_max);
    let mut of_tenant = api.uploads_per_tenant();
    source.number("server.uploads_per_tenant_max", 1..=1_000, &mut of_tenant);
    if source.gives("server.uploads_per_tenant_max") {
        api.uploads_per_tenant_max = Some(of_tenant);
    }
    source.seconds("server.upload_timeout_seconds", 1..=3_600, &mut api.upload_timeout);
    let failures = &mut api.failed_authentications_per_minute_max;
    source.number("server.failed_authentications_per_minute_max", 1..=1_000_000, failures);
}

fn egress(source: &mut Source<'_>, egress: &mut cordon_egress::Options) {
    source.set("egress.allow", &mut egress.allow);
    source.set("egress.deny", &mut egress.deny);
    source.set("egress.private_networks", &mut egress.private_networks);
    source.set("egress.development_networks", &mut egress.development_networks);
    egress.proxy = proxy(source);
    source.set("egress.allow_unverified_tls", &mut egress.allow_unverified_tls);
    source.seconds("egress.connect_timeout_seconds", 1..=300, &mut egress.connect_timeout);
    source.number("egress.response_bytes_max", KIB..=GIB, &mut egress.response_bytes_max);
    source.number("egress.response_headers_max", 10..=1_000, &mut egress.response_headers_max);
    source.number(
        "egress.request_body_bytes_max",
        KIB..=64 * MIB,
        &mut egress.request_body_bytes_max,
    );
    source.number("egress.url_bytes_max", 256..=64 * KIB, &mut egress.url_bytes_max);
    source.number("egress.clients_max", 1..=10_000, &mut egress.clients_max);
}

fn proxy(source: &mut Source<'_>) -> Option<Proxy> {
    const FILE: &str = "egress.proxy_authorization_file";
    let proxy: Option<Proxy> = source.value("egress.proxy");
    let Some(file) = source.value::<PathBuf>(FILE) else { return proxy };
    let Some(proxy) = proxy else {
        source.problem(FILE, "needs egress.proxy");
        return None;
    };
    let value = match std::fs::read_to_string(&file) {
        Ok(value) => Zeroizing::new(value),
        Err(error) => {
            source.problem(FILE, format!("cannot be read: {error}"));
            return None;
        }
    };
    match proxy.with_authorization(value.trim()) {
        Ok(proxy) => Some(proxy),
        Err(invalid) => {
            source.problem(FILE, invalid.to_string());
            None
        }
    }
}

fn destinations(source: &mut Source<'_>, config: &mut Config) {
    for name in source.names_below("destinations", "directory") {
        let path = format!("destinations.{name}.directory");
        let directory: Option<PathBuf> = source.value_below(&path);
        // A name is written into policies: it follows the rule of every other key there.
        if let Err(error) = name.parse::<TenantId>() {
            source.problem(&path, format!("cannot be the name of a destination: {error}"));
        } else if let Some(directory) = directory {
            config.destinations.insert(name, directory);
        }
    }
}

fn operator_key_hash(source: &mut Source<'_>) -> Option<[u8; 32]> {
    let hash: Option<KeyHash> = source.value("operator.key_hash");
    let file: Option<PathBuf> = source.value("operator.key_file");
    let Some(file) = file else { return hash.map(|hash| hash.0) };
    if hash.is_some() {
        source.problem("operator.key_file", "set either this or operator.key_hash");
        return None;
    }
    let key = match std::fs::read_to_string(&file) {
        Ok(key) => key,
        Err(error) => {
            source.problem("operator.key_file", format!("cannot be read: {error}"));
            return None;
        }
    };
    let key = key.trim();
    if key.chars().count() < OPERATOR_KEY_CHARS_MIN || !key.bytes().all(|b| b.is_ascii_graphic()) {
        let message = format!(
            "must hold one line of at least {OPERATOR_KEY_CHARS_MIN} printable ASCII characters"
        );
        source.problem("operator.key_file", message);
        return None;
    }
    Some(Sha256::digest(key.as_bytes()).into())
}

fn log(source: &mut Source<'_>, config: &mut Config) {
    source.set::<LogFormat>("log.format", &mut config.log.format);
    let level = source.value("log.level").or_else(|| {
        // The name under which the level is set elsewhere (BEHAVIOUR D4); the least of all.
        source.variable("LOGLEVEL").and_then(tracing::Level::from_text)
    });
    config.log.level = level.unwrap_or(config.log.level);
}
