//! Messages to systems of a tenant: policy webhooks and callbacks. Implemented by `cordon-egress`,
//! so that they pass the same gate as everything else that goes out.

use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::Failure;
use crate::TenantId;
use crate::grant::{EgressLimits, HostPattern};

/// Sends messages to systems of a tenant.
#[async_trait]
pub trait WebhookSender: Send + Sync {
    /// Whether a URL could be sent to, by everything that can be said without a name service:
    /// its form, the tenant's `webhook_hosts`, its limits and the operator's policy.
    ///
    /// # Errors
    /// Why not, with the remedy; nothing of the URL but its host is repeated.
    fn check(&self, reach: &WebhookReach<'_>, url: &str) -> Result<(), Failure>;

    /// Sends one `POST`, once. Redirects are not followed; any status is an answer.
    ///
    /// # Errors
    /// Why there was no answer: the gate's refusal, or what happened to the connection.
    async fn post(
        &self,
        reach: &WebhookReach<'_>,
        message: WebhookMessage,
    ) -> Result<WebhookResponse, Failure>;
}

/// What a tenant's webhooks and callbacks may reach.
#[derive(Debug, Clone, Copy)]
pub struct WebhookReach<'a> {
    /// Whose they are.
    pub tenant: &'a TenantId,
    /// The hosts that were named for them.
    pub hosts: &'a BTreeSet<HostPattern>,
    /// The tenant's limits on everything that goes out.
    pub limits: &'a EgressLimits,
}

/// One message. `Debug` shows no content.
pub struct WebhookMessage {
    /// Where.
    pub url: String,
    /// Headers beside those of the host; names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// The body, JSON.
    pub body: Bytes,
    /// How long the whole exchange may take.
    pub timeout: Duration,
}

impl std::fmt::Debug for WebhookMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "WebhookMessage({} bytes)", self.body.len())
    }
}

/// What was answered.
pub struct WebhookResponse {
    /// The status.
    pub status: u16,
    /// `Retry-After`, when it was sent as seconds or a date, from now.
    pub retry_after: Option<Duration>,
    /// The body, decoded, up to the cap of the gate; a longer one is a failure.
    pub body: Bytes,
}

impl std::fmt::Debug for WebhookResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "WebhookResponse({}, {} bytes)", self.status, self.body.len())
    }
}
