//! Limits of the HTTP API.

use std::time::Duration;

/// Limits of the HTTP API.
#[derive(Debug, Clone)]
pub struct Options {
    /// Most bytes of a request's body.
    pub body_bytes_max: usize,
    /// Most bytes of a body over that limit that are read and dropped, so that a caller who is
    /// still sending hears why it was refused. More are cut off.
    pub body_dropped_max: usize,
    /// How long a caller may take to send the head of a request. Idle connections end by this
    /// too, so it bounds what a caller that says nothing can hold.
    pub head_timeout: Duration,
    /// How long a caller may take to send the body of a request.
    pub body_timeout: Duration,
    /// How long a caller may take to send an input with files, or a component.
    pub upload_timeout: Duration,
    /// Most bytes of an uploaded component. Default 32 MiB, as the runtime's.
    pub component_bytes_max: usize,
    /// Most inputs with files, and components, that are read or stored at the same time: each is
    /// held in memory. Further ones wait for as long as a body may take.
    pub uploads_max: usize,
    /// Of these, those of one tenant. None, the default: a quarter, and at least one.
    pub uploads_per_tenant_max: Option<usize>,
    /// Most connections at the same time; more wait to be accepted.
    pub connections_max: usize,
    /// How long an event stream may say nothing before it says that it is still there.
    pub event_keep_alive: Duration,
    /// Calls with keys that are none that one address may make in a minute before it is told to
    /// come back later; a key that is one is never refused for it. Default 600. The addresses of
    /// one IPv6 network of 64 bits count as one.
    pub failed_authentications_per_minute_max: u32,
    /// Addresses that such calls are counted of. Default 10 000.
    pub rated_addresses_max: usize,
    /// Tenants whose calls are counted. Default 10 000; with more, those who called least recently
    /// are counted anew.
    pub rated_tenants_max: usize,
    /// How long requests at work may take to end when the host stops.
    pub shutdown_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            body_bytes_max: 1024 * 1024,
            body_dropped_max: 16 * 1024 * 1024,
            head_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(30),
            upload_timeout: Duration::from_mins(5),
            component_bytes_max: 32 * 1024 * 1024,
            uploads_max: 8,
            uploads_per_tenant_max: None,
            connections_max: 1_024,
            event_keep_alive: Duration::from_secs(15),
            failed_authentications_per_minute_max: 600,
            rated_addresses_max: 10_000,
            rated_tenants_max: 10_000,
            shutdown_timeout: Duration::from_secs(20),
        }
    }
}

impl Options {
    /// See [`Options::uploads_per_tenant_max`].
    pub fn uploads_per_tenant(&self) -> usize {
        self.uploads_per_tenant_max.unwrap_or_else(|| (self.uploads_max / 4).max(1))
    }
}
