//! What the operator sets about the way out, and what can be wrong with it.

use std::time::Duration;

use cordon_model::grant::{EgressPolicy, OriginPattern, PrivateNetwork};
use ipnet::IpNet;

use crate::proxy::Proxy;

/// Limits and permissions of the gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Where requests may go at all. A name of an inner network must be named here. Default:
    /// every host and port over https and http.
    pub allow: Vec<OriginPattern>,
    /// Where they may not go, whatever is allowed. Default: nowhere.
    pub deny: Vec<OriginPattern>,
    /// Private networks that connections may be granted. Default: none.
    pub private_networks: Vec<PrivateNetwork>,
    /// Networks that may be dialed although the address table denies them: loopback, a test
    /// network, an internal API. Opens exactly those addresses. Default: none.
    pub development_networks: Vec<IpNet>,
    /// The proxy that everything goes through; the variables of the environment say nothing here.
    /// Its own address needs no development network. Default: none.
    pub proxy: Option<Proxy>,
    /// Longest wait for a TCP connection and its TLS handshake. Default: 10 s.
    pub connect_timeout: Duration,
    /// Largest response body, in bytes, counted after decoding. Default: 32 MiB.
    pub response_bytes_max: u64,
    /// How long a body that nobody looks at is read, so that its connection can be used again.
    /// Default: 5 s.
    pub discard_timeout: Duration,
    /// Largest number of response headers. Default: 100.
    pub response_headers_max: usize,
    /// Largest response header block, in bytes. Default: 64 KiB.
    pub response_header_bytes_max: usize,
    /// Largest rendered request body, in bytes. Default: 1 MiB.
    pub request_body_bytes_max: usize,
    /// Largest rendered header block of a request, in bytes. Default: 32 KiB.
    pub request_header_bytes_max: usize,
    /// Longest rendered URL, in bytes. Default: 8 KiB.
    pub url_bytes_max: usize,
    /// Clients (connection pools) kept at once; the one idle longest makes room. Default: 256.
    pub clients_max: usize,
    /// Largest `ca_bundle` of a connection, in bytes. Default: 64 KiB.
    pub ca_bundle_bytes_max: usize,
    /// Certificates in it. Default: 32.
    pub ca_bundle_certificates_max: usize,
    /// Largest body that a webhook may answer with, in bytes, counted after decoding. Default:
    /// 64 KiB.
    pub webhook_response_bytes_max: u64,
    /// Whether a connection may skip certificate checks at all; its grant must say so too.
    /// Default: true.
    pub allow_unverified_tls: bool,
}

impl Default for Options {
    fn default() -> Self {
        let EgressPolicy { allow, deny, private, unverified_tls } = EgressPolicy::default();
        Self {
            allow,
            deny,
            private_networks: private,
            development_networks: Vec::new(),
            proxy: None,
            connect_timeout: Duration::from_secs(10),
            response_bytes_max: 32 * 1024 * 1024,
            discard_timeout: Duration::from_secs(5),
            response_headers_max: 100,
            response_header_bytes_max: 64 * 1024,
            request_body_bytes_max: 1024 * 1024,
            request_header_bytes_max: 32 * 1024,
            url_bytes_max: 8 * 1024,
            clients_max: 256,
            ca_bundle_bytes_max: 64 * 1024,
            ca_bundle_certificates_max: 32,
            webhook_response_bytes_max: 64 * 1024,
            allow_unverified_tls: unverified_tls,
        }
    }
}

impl Options {
    /// What the operator allows.
    pub(crate) fn policy(&self) -> EgressPolicy {
        EgressPolicy {
            allow: self.allow.clone(),
            deny: self.deny.clone(),
            private: self.private_networks.clone(),
            unverified_tls: self.allow_unverified_tls,
        }
    }
}

/// Why a gate or a client cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A development network would open more than a network.
    #[error("the development network {0} is too wide, or holds addresses that are never opened")]
    DevelopmentNetwork(IpNet),
    /// The HTTP client cannot be built, mostly because the system has no root certificates.
    #[error("the HTTP client cannot be built: {0}")]
    Client(String),
    /// The URL is none that can be called.
    #[error("no URL to call: {0}")]
    Url(String),
    /// A header name or value is none.
    #[error("no header: {0}")]
    Header(String),
    /// No connection to the server.
    #[error("the server cannot be reached: {0}")]
    Unreachable(String),
    /// No complete answer.
    #[error("the server's answer broke off")]
    Broken,
    /// The answer is larger than the client reads.
    #[error("the server's answer is too large")]
    TooLarge,
}
