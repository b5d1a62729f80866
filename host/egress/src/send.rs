//! What is handed to the gate for one attempt, and what comes back. Types only; the gate acts.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use cordon_model::grant::{EgressLimits, Grants};
use cordon_model::http_request::BodyUse;
use cordon_model::{ConnectionKey, TenantId, Timestamp};

use crate::render::Rendered;

/// One attempt at a request.
pub struct Sending<'a> {
    /// Whose it is.
    pub tenant: &'a TenantId,
    /// For which connection.
    pub connection: &'a ConnectionKey,
    /// What the connection may do, today.
    pub grants: &'a Grants,
    /// What the tenant is limited to.
    pub limits: &'a EgressLimits,
    /// Authorities that the connection trusts beside those of the system, as PEM.
    pub ca_bundle: Option<&'a str>,
    /// The request.
    pub rendered: &'a Rendered,
    /// False: certificates are not checked.
    pub verify_tls: bool,
    /// Goes out as `Idempotency-Key`.
    pub idempotency_key: Option<&'a str>,
    /// For everything, connecting and reading included.
    pub timeout: Duration,
    /// What becomes of the body.
    pub body: BodyUse,
}

/// An answer. `Debug` shows no header and no body.
pub struct Received {
    /// The status, whatever it is.
    pub status: u16,
    /// The headers.
    pub headers: http::HeaderMap,
    /// The decoded body, if it was asked for.
    pub body: Option<Bytes>,
    /// Decoded bytes that were read.
    pub size: u64,
    /// When the server wants to be asked again.
    pub retry_after: Option<RetryAfter>,
}

impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Received({}, {} bytes)", self.status, self.size)
    }
}

/// `Retry-After`, as it was sent; capping it is the caller's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAfter {
    /// After so many seconds.
    Seconds(u64),
    /// At a time.
    At(Timestamp),
}

/// Why there is no answer that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The gate refused.
    #[error("denied at {}: {code}: {detail}", stage.as_str())]
    Denied {
        /// Where.
        stage: Stage,
        /// A stable word.
        code: &'static str,
        /// For the operator; holds names, never values.
        detail: String,
    },
    /// No connection, or it broke before a whole answer head.
    #[error("unreachable")]
    Unreachable {
        /// Whether a byte of the request may have gone out.
        sent: bool,
    },
    /// No answer in time.
    #[error("timed out")]
    Timeout {
        /// Whether a byte of the request may have gone out.
        sent: bool,
    },
    /// The body is larger than the gate reads.
    #[error("the response is too large")]
    TooLarge {
        /// Its status.
        status: u16,
    },
    /// The body ended early, or cannot be decoded.
    #[error("the response is truncated")]
    Truncated {
        /// Its status.
        status: u16,
    },
    /// The answer repeats a secret that was sent.
    #[error("the response repeats a secret")]
    SecretReflected {
        /// Its status.
        status: u16,
    },
}

/// Where on its way a request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// The operator's settings.
    Config,
    /// Filling in.
    Render,
    /// The URL.
    Parse,
    /// The grants.
    Policy,
    /// An address in the URL.
    Address,
    /// The answer of the name service.
    Resolve,
    /// The connection.
    Connect,
    /// A redirect.
    Redirect,
    /// The answer.
    Response,
}

impl Stage {
    /// The word for logs, metrics and the audit.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Render => "render",
            Self::Parse => "parse",
            Self::Policy => "policy",
            Self::Address => "address",
            Self::Resolve => "resolve",
            Self::Connect => "connect",
            Self::Redirect => "redirect",
            Self::Response => "response",
        }
    }
}
