//! The one place where an HTTP client is built.
//!
//! Nothing is read from the environment: no proxy, no key log. No redirects, no retries of a
//! request that a server may have seen, HTTP/1.1 only. The gate has one client per tenant, purpose,
//! opened networks and way of checking certificates, so that pooled connections and TLS sessions
//! are never shared between tenants or between authorities. The operator's client differs in one
//! thing: it resolves names without a guard. Called by the gate and by the operator's client.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use cordon_model::{ConnectionKey, TenantId};
use http::header::ACCEPT;
use http::{HeaderValue, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy;
/// What connections are opened and resolved with: the library is named in this file alone.
pub(crate) use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
pub(crate) use hyper_util::client::legacy::connect::{HttpConnector, HttpInfo};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use ipnet::IpNet;
use tower::ServiceExt as _;
use tower_http::decompression::{Decompression, DecompressionBody};

use crate::dial::{Connector, Dial};
use crate::options::{Error, Options};
use crate::resolve::Guarded;
use crate::tls::{self, Trust};

/// Idle connections kept per client and host.
const IDLE_PER_HOST: usize = 4;
/// How long an idle connection is kept.
const IDLE: Duration = Duration::from_secs(60);

/// An HTTP client with its pool; a clone shares it.
#[derive(Clone)]
pub(crate) struct Client(Decompression<legacy::Client<Connector, Full<Bytes>>>);

/// An answer whose body is decoded while it is read.
pub(crate) type Answer = Response<DecompressionBody<Incoming>>;

/// Why there is no answer.
pub(crate) type AnswerError = legacy::Error;

/// A decoded body, piece by piece.
pub(crate) enum Chunks {
    /// As it comes from an upstream.
    Decoded(Pin<Box<DecompressionBody<Incoming>>>),
    /// One that is known; none: it was handed out.
    Given(Option<Bytes>),
}

impl Client {
    /// Sends a request, once, and waits for the head of the answer.
    pub(crate) async fn execute(
        &self,
        mut request: Request<Full<Bytes>>,
    ) -> Result<Answer, AnswerError> {
        request.headers_mut().entry(ACCEPT).or_insert(HeaderValue::from_static("*/*"));
        self.0.clone().oneshot(request).await
    }
}

impl Chunks {
    /// Of a body.
    pub(crate) fn of(body: DecompressionBody<Incoming>) -> Self {
        Self::Decoded(Box::pin(body))
    }

    /// Of a body that is known.
    pub(crate) const fn given(body: Bytes) -> Self {
        Self::Given(Some(body))
    }

    /// The next piece; none: the body is over, and whole.
    ///
    /// # Errors
    /// When it breaks off, or cannot be decoded.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, ()> {
        let body = match self {
            Self::Decoded(body) => body,
            Self::Given(body) => return Ok(body.take()),
        };
        while let Some(frame) = body.frame().await {
            // Trailers say nothing here.
            if let Ok(data) = frame.map_err(|_| ())?.into_data() {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }
}

/// What a client belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Owner {
    pub(crate) tenant: TenantId,
    pub(crate) purpose: Purpose,
    pub(crate) checked_by: CheckedBy,
    /// The networks that its resolver and its pooled connections may lead into.
    pub(crate) open: Vec<IpNet>,
}

/// What a client is used for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Purpose {
    /// Requests of a connection.
    Connection(ConnectionKey),
    /// Webhooks and callbacks.
    Webhooks,
}

/// Who vouches for the servers of a client.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum CheckedBy {
    /// The authorities of the system.
    System,
    /// Those, and a bundle with this SHA-256.
    Bundle([u8; 32]),
    /// Nobody.
    Nobody,
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

    /// The client of an owner.
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

/// A client behind the guard, through the operator's proxy if there is one.
pub(crate) fn guarded(options: &Options, names: Guarded, trust: Trust) -> Result<Client, Error> {
    let dial = match &options.proxy {
        None => Dial::guarded(names),
        Some(proxy) => Dial::proxied(names, proxy.clone(), tls::client_config(Trust::System)?),
    };
    let connector = Connector::new(dial, tls::client_config(trust)?, options.connect_timeout);
    Ok(build(connector, Some(options.response_headers_max)))
}

/// A client for a server that the operator named.
pub(crate) fn unguarded(connect_timeout: Duration) -> Result<Client, Error> {
    let tls = tls::client_config(Trust::System)?;
    Ok(build(Connector::new(Dial::unguarded(), tls, connect_timeout), None))
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that builds a client")]
fn build(connector: Connector, headers_max: Option<usize>) -> Client {
    let mut builder = legacy::Client::builder(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_max_idle_per_host(IDLE_PER_HOST)
        .pool_idle_timeout(IDLE);
    if let Some(most) = headers_max {
        builder.http1_max_headers(most);
    }
    Client(Decompression::new(builder.build(connector)))
}

/// The innermost cause of an error: the outer ones say less.
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

    fn owner(tenant: &str, key: &str) -> Owner {
        Owner {
            tenant: tenant.parse().unwrap(),
            purpose: Purpose::Connection(key.parse().unwrap()),
            checked_by: CheckedBy::System,
            open: Vec::new(),
        }
    }

    fn builds(clients: &Clients, owner: Owner) -> bool {
        let mut built = false;
        let make = || {
            built = true;
            unguarded(Duration::from_secs(1))
        };
        clients.get(owner, make).unwrap();
        built
    }

    #[test]
    fn the_client_that_was_idle_longest_makes_room() {
        let clients = Clients::new(2);
        let get = |key: &str| builds(&clients, owner("a", key));
        assert!(get("a") && get("b"));
        assert!(!get("a"), "kept");
        assert!(get("c"), "takes the place of b");
        assert!(!get("a") && get("b"));
    }

    #[test]
    fn tenants_purposes_networks_and_authorities_share_no_client() {
        let clients = Clients::new(16);
        let of_a = owner("a", "crm");
        let distinct = [
            of_a.clone(),
            owner("b", "crm"),
            owner("a", "erp"),
            Owner { purpose: Purpose::Webhooks, ..of_a.clone() },
            Owner { checked_by: CheckedBy::Nobody, ..of_a.clone() },
            Owner { checked_by: CheckedBy::Bundle([1; 32]), ..of_a.clone() },
            Owner { checked_by: CheckedBy::Bundle([2; 32]), ..of_a.clone() },
            Owner { open: vec!["10.20.0.0/16".parse().unwrap()], ..of_a },
        ];
        for owner in &distinct {
            assert!(builds(&clients, owner.clone()), "{owner:?}");
        }
        for owner in distinct {
            assert!(!builds(&clients, owner.clone()), "{owner:?}");
        }
    }
}
