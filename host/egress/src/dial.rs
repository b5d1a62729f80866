//! From the host of a URL to a connection: straight to a vetted address, or through the
//! operator's proxy to one.
//!
//! The only module that opens connections. It knows no request and checks no grant; that was done
//! before. Called by the HTTP client whenever it needs a new connection.

use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower::{Service, ServiceExt as _};

use crate::client::{GaiResolver, HttpConnector};
use crate::proxy::{Proxy, ProxyError};
use crate::resolve::Guarded;

/// Vetted addresses of one name that are tried through a proxy.
const PROXIED_ADDRESSES_MAX: usize = 4;

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type BoxFuture<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;

/// A connection, before the target's own TLS. TLS here is that of the operator's proxy.
type Wire = MaybeHttpsStream<TokioIo<TcpStream>>;

/// The connection took longer than it may.
#[derive(Debug, thiserror::Error)]
#[error("no connection in time")]
pub(crate) struct ConnectTimeout;

/// Opens connections, TLS included, within a time.
#[derive(Clone)]
pub(crate) struct Connector {
    https: HttpsConnector<Dial>,
    timeout: Duration,
}

/// Opens connections without the target's TLS.
#[derive(Clone)]
pub(crate) enum Dial {
    /// To vetted addresses.
    Guarded(Guarded),
    /// To vetted addresses, through the operator's proxy.
    Proxied(Arc<Proxied>),
    /// To a server that the operator named.
    Unguarded(HttpConnector),
}

/// What is dialed through a proxy.
pub(crate) struct Proxied {
    names: Guarded,
    proxy: Proxy,
    to_proxy: HttpsConnector<HttpConnector>,
}

impl Connector {
    /// Checks certificates as `tls` says.
    pub(crate) fn new(dial: Dial, tls: Arc<ClientConfig>, timeout: Duration) -> Self {
        Self { https: HttpsConnector::from((dial, tls)), timeout }
    }
}

impl Dial {
    /// To addresses that the guard lets pass.
    pub(crate) fn guarded(names: Guarded) -> Self {
        Self::Guarded(names)
    }

    /// The same through a proxy, whose own certificate `tls` checks.
    pub(crate) fn proxied(names: Guarded, proxy: Proxy, tls: Arc<ClientConfig>) -> Self {
        let to_proxy = HttpsConnector::from((plain(GaiResolver::new()), tls));
        Self::Proxied(Arc::new(Proxied { names, proxy, to_proxy }))
    }

    /// Wherever a name leads.
    pub(crate) fn unguarded() -> Self {
        Self::Unguarded(plain(GaiResolver::new()))
    }
}

fn plain<R>(names: R) -> HttpConnector<R> {
    let mut connector = HttpConnector::new_with_resolver(names);
    // https is what is wrapped around it.
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector
}

impl Proxied {
    async fn dial(&self, to: &Uri) -> Result<Wire, BoxError> {
        let mut last = ProxyError::Broken;
        for address in self.addresses(to).await? {
            let mut to_proxy = self.to_proxy.clone();
            let mut stream = TokioIo::new(to_proxy.call(self.proxy.uri().clone()).await?);
            match self.proxy.open_tunnel(&mut stream, address).await {
                Ok(()) => return Ok(stream.into_inner()),
                // Another address of the same name may be reached.
                Err(failed) if failed.code().is_none() => last = failed,
                Err(refused) => return Err(refused.into()),
            }
        }
        Err(last.into())
    }

    async fn addresses(&self, to: &Uri) -> Result<Vec<SocketAddr>, BoxError> {
        let host = to.host().unwrap_or_default();
        let port = port_of(to);
        let written = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        let addresses = match written {
            Ok(address) => vec![self.names.vetted(address, port)?],
            Err(_) => self.names.addresses(host, port).await?,
        };
        let some = addresses.into_iter().take(PROXIED_ADDRESSES_MAX);
        Ok(some.map(|address| SocketAddr::new(address, port)).collect())
    }
}

fn port_of(to: &Uri) -> u16 {
    to.port_u16().unwrap_or(if to.scheme_str() == Some("https") { 443 } else { 80 })
}

impl Service<Uri> for Dial {
    type Response = Wire;
    type Error = BoxError;
    type Future = BoxFuture<Wire>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        match self {
            Self::Unguarded(connector) => connector.poll_ready(context).map_err(Into::into),
            Self::Guarded(_) | Self::Proxied(_) => Poll::Ready(Ok(())),
        }
    }

    fn call(&mut self, to: Uri) -> BoxFuture<Wire> {
        match self {
            // Its names are vetted for the port that is dialed.
            Self::Guarded(names) => {
                let connecting = plain(names.at(port_of(&to))).oneshot(to);
                Box::pin(async { Ok(Wire::Http(connecting.await?)) })
            }
            Self::Unguarded(connector) => {
                let connecting = connector.call(to);
                Box::pin(async { Ok(Wire::Http(connecting.await?)) })
            }
            Self::Proxied(proxied) => {
                let proxied = Arc::clone(proxied);
                Box::pin(async move { proxied.dial(&to).await })
            }
        }
    }
}

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<Wire>;
    type Error = BoxError;
    type Future = BoxFuture<MaybeHttpsStream<Wire>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.https.poll_ready(context)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let connecting = timeout(self.timeout, self.https.call(to));
        Box::pin(async { connecting.await.unwrap_or_else(|_| Err(ConnectTimeout.into())) })
    }
}
