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
    /// Most connections at the same time; more wait to be accepted.
    pub connections_max: usize,
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
            connections_max: 1_024,
            shutdown_timeout: Duration::from_secs(20),
        }
    }
}
