//! The one place where an HTTP client is built.
//!
//! Clients of the gate: no proxy from the environment, no redirects, no retries, no referer,
//! HTTP/1.1 only, and one client per tenant, connection, granted networks and way of checking
//! certificates, so that
//! pooled connections and TLS sessions are never shared between tenants. The operator's client
//! differs in one thing: it resolves names without a guard. Called by the gate and by the
//! operator's client.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::Duration;

use cordon_model::{ConnectionKey, TenantId};
use ipnet::IpNet;
use reqwest::Client;

use crate::options::{Error, Options};
use crate::resolve::Guarded;

/// Idle connections kept per client and host.
const IDLE_PER_HOST: usize = 4;
/// How long an idle connection is kept.
const IDLE: Duration = Duration::from_secs(60);

/// What a client belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Owner {
    pub(crate) tenant: TenantId,
    pub(crate) connection: ConnectionKey,
    pub(crate) verify_tls: bool,
    /// The networks that its resolver and its pooled connections may lead into.
    pub(crate) open: Vec<IpNet>,
}

/// The clients of the gate; the one idle longest makes room for a new one.
pub(crate) struct Clients {
    max: usize,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    uses: u64,
    clients: HashMap<Owner, (Client, u64)>,
}

impl Clients {
    /// Room for so many clients.
    pub(crate) fn new(max: usize) -> Self {
        Self { max: max.max(1), kept: Mutex::new(Kept::default()) }
    }

    /// The client of a connection.
    pub(crate) fn get(
        &self,
        owner: Owner,
        build: impl FnOnce() -> Result<Client, Error>,
    ) -> Result<Client, Error> {
        // A panic while the lock was held leaves a map that is still good.
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.uses += 1;
        let uses = kept.uses;
        if let Some((client, used)) = kept.clients.get_mut(&owner) {
            *used = uses;
            return Ok(client.clone());
        }
        let client = build()?;
        if kept.clients.len() >= self.max {
            let idle = kept.clients.iter().min_by_key(|(_, (_, used))| *used);
            if let Some(idle) = idle.map(|(owner, _)| owner.clone()) {
                kept.clients.remove(&idle);
            }
        }
        kept.clients.insert(owner, (client.clone(), uses));
        Ok(client)
    }
}

/// A client behind the guard.
pub(crate) fn guarded(
    options: &Options,
    resolver: Guarded,
    verify_tls: bool,
) -> Result<Client, Error> {
    build(|builder| {
        builder
            .connect_timeout(options.connect_timeout)
            .http1_max_headers(options.response_headers_max)
            .tls_danger_accept_invalid_certs(!verify_tls)
            .dns_resolver(Arc::new(resolver))
    })
}

/// A client for a server that the operator named.
pub(crate) fn unguarded(connect_timeout: Duration, timeout: Duration) -> Result<Client, Error> {
    build(|builder| builder.connect_timeout(connect_timeout).timeout(timeout))
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that builds a client")]
fn build(
    set: impl FnOnce(reqwest::ClientBuilder) -> reqwest::ClientBuilder,
) -> Result<Client, Error> {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        // Fails when another part of the process was first; then there is a provider, too.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    let builder = Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .http1_only()
        .tls_sslkeylogfile(false)
        .gzip(true)
        .brotli(true)
        .zstd(true)
        .pool_max_idle_per_host(IDLE_PER_HOST)
        .pool_idle_timeout(IDLE);
    set(builder).build().map_err(|error| Error::Client(cause(&error)))
}

/// The innermost cause of an error: the client's own errors repeat URLs, causes do not.
pub(crate) fn cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_that_was_idle_longest_makes_room() {
        let clients = Clients::new(2);
        let tenant = TenantId::default_tenant();
        let get = |key: &str| {
            let mut built = false;
            let owner = Owner {
                tenant: tenant.clone(),
                connection: key.parse().unwrap(),
                verify_tls: true,
                open: Vec::new(),
            };
            let make = || {
                built = true;
                unguarded(Duration::from_secs(1), Duration::from_secs(1))
            };
            clients.get(owner, make).unwrap();
            built
        };
        assert!(get("a") && get("b"));
        assert!(!get("a"), "kept");
        assert!(get("c"), "takes the place of b");
        assert!(!get("a") && get("b"));
    }

    #[test]
    fn tenants_networks_and_ways_of_checking_certificates_share_no_client() {
        let clients = Clients::new(8);
        let mut built = 0;
        let network = "10.20.0.0/16".parse().unwrap();
        for (tenant, verify_tls, open) in [
            ("a", true, vec![]),
            ("b", true, vec![]),
            ("a", false, vec![]),
            ("a", true, vec![network]),
            ("a", true, vec![]),
        ] {
            let owner = Owner {
                tenant: tenant.parse().unwrap(),
                connection: "crm".parse().unwrap(),
                verify_tls,
                open,
            };
            let make = || {
                built += 1;
                unguarded(Duration::from_secs(1), Duration::from_secs(1))
            };
            clients.get(owner, make).unwrap();
        }
        assert_eq!(built, 4);
    }
}
