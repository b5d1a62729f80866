//! Policy webhooks and callbacks, through the same gate as everything else.
//!
//! What a connection is granted does not count here: a message may go to the hosts that the
//! tenant names for webhooks, within its limits and the operator's policy, and nowhere private.
//! Called by the engine, which signs, repeats and keeps.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use cordon_model::grant::{Grants, HttpGrant, Paths};
use cordon_model::http_request::{Body, BodyUse, Escape, HttpRequest, Piece};
use cordon_model::port::{WebhookMessage, WebhookReach, WebhookResponse, WebhookSender};
use cordon_model::{ConnectionKey, Failure, FailureCode, Timestamp};

use super::explain::Nothing;
use super::{Gate, check_host, granted};
use crate::client::Purpose;
use crate::names::{Reach, reach};
use crate::render::{Rendered, render};
use crate::send::{Received, RetryAfter, SendError, Sending};
use crate::target::{Host, Target};

#[async_trait]
impl WebhookSender for Gate {
    fn check(&self, reach: &WebhookReach<'_>, url: &str) -> Result<(), Failure> {
        let target = Target::parse(url).map_err(|(code, message)| denied(code, message))?;
        let host = target.url.host_str().unwrap_or_default();
        if !reach.hosts.iter().any(|pattern| pattern.covers(host)) {
            let message = format!("{host} is not among the tenant's webhook_hosts");
            return Err(denied("webhook_host_not_named", message));
        }
        if target.url.scheme() != "https" && !self.is_development(&target.host) {
            let message = "a webhook must be https, except in a development network";
            return Err(denied("webhook_not_https", message));
        }
        let judged = granted::origin_of(&target).and_then(|origin| {
            self.check_policy(reach.limits, &origin)?;
            // Private networks are granted to connections, and to nothing else.
            check_host(&self.guard, &target)
        });
        judged.map_err(|error| failure(&error))
    }

    async fn post(
        &self,
        reach: &WebhookReach<'_>,
        message: WebhookMessage,
    ) -> Result<WebhookResponse, Failure> {
        self.check(reach, &message.url)?;
        let request = request(&message.url, &message.headers, message.body);
        let rendered =
            render(&request, &Nothing).map_err(|error| denied("webhook_refused", error))?;
        let sent = self.send_to_tenant(reach, &rendered, message.timeout).await;
        sent.map_err(|error| failure(&error)).and_then(answer)
    }
}

impl Gate {
    async fn send_to_tenant(
        &self,
        reach: &WebhookReach<'_>,
        rendered: &Rendered,
        timeout: Duration,
    ) -> Result<Received, SendError> {
        let unusable = |_| SendError::Unreachable { sent: false };
        let grant = HttpGrant {
            origin: rendered.target.origin.parse().map_err(unusable)?,
            methods: [rendered.method().to_owned()].into(),
            paths: Paths::all(),
            unverified_tls: false,
            raw: false,
        };
        let connection: ConnectionKey =
            "webhooks".parse().map_err(|_| SendError::Unreachable { sent: false })?;
        let sending = Sending {
            tenant: reach.tenant,
            connection: &connection,
            grants: &Grants { http: vec![grant], ..Grants::default() },
            limits: reach.limits,
            ca_bundle: None,
            rendered,
            verify_tls: true,
            idempotency_key: None,
            timeout,
            body: BodyUse::Bytes,
        };
        let bytes_max = self.options.webhook_response_bytes_max;
        self.send_for(&sending, Purpose::Webhooks, bytes_max).await
    }

    /// Whether a host can only be one of the operator's development networks.
    fn is_development(&self, host: &Host) -> bool {
        match host {
            Host::Address(address) => self.guard.opens(*address),
            Host::Name(name) => reach(name) == Reach::Local && self.guard.opens_any(),
        }
    }
}

fn request(url: &str, headers: &[(&'static str, String)], body: Bytes) -> HttpRequest {
    let literal = |text: &str| vec![Piece::Literal(text.to_owned())];
    HttpRequest {
        label: "webhook".to_owned(),
        method: "POST".to_owned(),
        url: literal(url),
        headers: headers.iter().map(|(name, text)| ((*name).to_owned(), literal(text))).collect(),
        body: (!body.is_empty()).then(|| Body {
            content: literal(&String::from_utf8_lossy(&body)),
            escape: Escape::ByMediaType,
        }),
        bind: Vec::new(),
        verify_tls: true,
        idempotent: None,
        success: Vec::new(),
        retry_statuses: Vec::new(),
        max_attempts: None,
        response_body: BodyUse::Bytes,
    }
}

fn answer(received: Received) -> Result<WebhookResponse, Failure> {
    let body = received.body.unwrap_or_default();
    let retry_after = received.retry_after.map(|after| match after {
        RetryAfter::Seconds(seconds) => Duration::from_secs(seconds),
        RetryAfter::At(time) => until(time, &received.headers),
    });
    Ok(WebhookResponse { status: received.status, retry_after, body })
}

/// How far away a time is by the answerer's own clock; nothing when it does not say.
fn until(time: Timestamp, headers: &http::HeaderMap) -> Duration {
    let date = headers.get(http::header::DATE).and_then(|date| date.to_str().ok());
    let parser = jiff::fmt::rfc2822::DateTimeParser::new();
    let now = date.and_then(|date| parser.parse_timestamp(date).ok());
    let away = now.map(|now| time.duration_since(now));
    away.and_then(|away| Duration::try_from(away).ok()).unwrap_or_default()
}

/// What the gate refuses stays refused until somebody changes something; the rest may pass.
fn failure(error: &SendError) -> Failure {
    match error {
        SendError::Denied { code, detail, .. } => denied(code, detail),
        SendError::Unreachable { .. }
        | SendError::Timeout { .. }
        | SendError::TooLarge { .. }
        | SendError::Truncated { .. }
        | SendError::SecretReflected { .. } => {
            Failure::new(FailureCode::WebhookFailed, error.to_string())
        }
    }
}

fn denied(code: &str, message: impl std::fmt::Display) -> Failure {
    Failure::new(FailureCode::EgressDenied, format!("{code}: {message}"))
}
