//! The gate: one attempt at a time, judged at the moment it is sent.
//!
//! render → parse → policy → address → resolve → connect → response; each refusal says its stage
//! and code and is counted. Grants are checked here at every send, whatever was checked when the
//! connection was written. Deliberately does not retry and keeps nothing of an answer but what
//! was asked for. Called by the runtime, and for webhooks.

use std::error::Error as _;
use std::sync::Arc;

use cordon_model::http_request::HttpRequest;
use http::HeaderValue;
use http::header::{HeaderName, USER_AGENT};
use tokio::time::{Instant, timeout_at};

use crate::address::AddressGuard;
use crate::client::{self, Clients, cause};
use crate::inspect::{Inspection, RequestProblem, inspect};
use crate::names::{Reach, reach};
use crate::options::{Error, Options};
use crate::receive::{Reading, receive};
use crate::reflect::Scanner;
use crate::render::Rendered;
use crate::resolve::{AnswerRefused, Guarded, Resolve, SystemResolver};
use crate::send::{Received, SendError, Sending, Stage};
use crate::target::{Host, Target};

/// The only way out. Shared in an `Arc`.
pub struct Gate {
    options: Options,
    guard: Arc<AddressGuard>,
    resolver: Arc<dyn Resolve>,
    clients: Clients,
}

impl Gate {
    /// A gate that asks the system's resolver.
    ///
    /// # Errors
    /// When a development network opens too much.
    pub fn new(options: Options) -> Result<Self, Error> {
        Self::with_resolver(options, Arc::new(SystemResolver))
    }

    /// A gate with a resolver of the caller's. Its answers are vetted like any other's.
    ///
    /// # Errors
    /// When a development network opens too much.
    pub fn with_resolver(options: Options, resolver: Arc<dyn Resolve>) -> Result<Self, Error> {
        let guard = Arc::new(AddressGuard::new(options.development_networks.clone())?);
        let clients = Clients::new(options.clients_max);
        Ok(Self { options, guard, resolver, clients })
    }

    /// [`inspect`], and what the operator's settings say on top: whether the host can be called
    /// at all, and whether certificates may go unchecked. Asks no name service.
    ///
    /// # Errors
    /// Every problem there is.
    pub fn inspect(&self, request: &HttpRequest) -> Result<Inspection, Vec<RequestProblem>> {
        let inspection = inspect(request)?;
        let mut problems = Vec::new();
        let mut add = |part: &str, error: SendError| {
            if let SendError::Denied { code, detail, .. } = error {
                problems.push(RequestProblem { part: part.to_owned(), code, message: detail });
            }
        };
        if let Ok(target) = Target::parse(&inspection.origin)
            && let Err(error) = self.check_host(&target.host)
        {
            add("/url", error);
        }
        if let Err(error) = self.check_tls(request.verify_tls) {
            add("/verify_ssl", error);
        }
        if problems.is_empty() { Ok(inspection) } else { Err(problems) }
    }

    /// One attempt. Retries are the caller's.
    ///
    /// # Errors
    /// See [`SendError`].
    pub async fn send(&self, sending: Sending<'_>) -> Result<Received, SendError> {
        let result = self.attempt(&sending).await;
        if let Err(error) = &result {
            record(&sending, error);
        }
        result
    }

    async fn attempt(&self, sending: &Sending<'_>) -> Result<Received, SendError> {
        let deadline = Instant::now() + sending.timeout;
        self.judge(sending)?;
        let client = self.client(sending)?;
        let request = build_request(sending)?;
        let answer = timeout_at(deadline, Box::pin(client.execute(request))).await;
        let response = match answer {
            // How far it came is not known; assume the worst.
            Err(_) => return Err(SendError::Timeout { sent: true }),
            Ok(Err(error)) => return Err(broken(&error)),
            Ok(Ok(response)) => response,
        };
        self.check_peer(&response)?;
        let reading = Reading {
            options: &self.options,
            deadline,
            body: sending.body,
            scanner: Scanner::new(sending.rendered.secrets.values()),
        };
        receive(response, reading).await
    }

    /// Everything that can be said before a name service is asked.
    fn judge(&self, sending: &Sending<'_>) -> Result<(), SendError> {
        self.check_tls(sending.verify_tls)?;
        self.check_sizes(sending.rendered)?;
        check_grants(sending)?;
        self.check_host(&sending.rendered.target.host)
    }

    fn client(&self, sending: &Sending<'_>) -> Result<reqwest::Client, SendError> {
        let build = || {
            let resolver = Guarded::new(Arc::clone(&self.resolver), Arc::clone(&self.guard));
            client::guarded(&self.options, resolver, sending.verify_tls)
        };
        self.clients
            .get(sending.tenant, sending.connection, sending.verify_tls, build)
            .map_err(|error| denied(Stage::Connect, "client_unavailable", error.to_string()))
    }

    fn check_tls(&self, verify_tls: bool) -> Result<(), SendError> {
        if verify_tls || self.options.allow_unverified_tls {
            return Ok(());
        }
        let detail = "the operator does not allow unchecked certificates";
        Err(denied(Stage::Config, "tls_unverified_forbidden", detail))
    }

    fn check_sizes(&self, rendered: &Rendered) -> Result<(), SendError> {
        let header_bytes: usize = rendered
            .headers
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len() + 4)
            .sum();
        let too_large = |part: &str, max: usize| {
            let detail = format!("the {part}, filled in, is larger than {max} bytes");
            Err(denied(Stage::Render, "request_too_large", detail))
        };
        let options = &self.options;
        if rendered.target.url.as_str().len() > options.url_bytes_max {
            too_large("URL", options.url_bytes_max)
        } else if header_bytes > options.request_header_bytes_max {
            too_large("headers", options.request_header_bytes_max)
        } else if rendered.body.as_ref().map_or(0, bytes::Bytes::len)
            > options.request_body_bytes_max
        {
            too_large("body", options.request_body_bytes_max)
        } else {
            Ok(())
        }
    }

    /// Addresses written out are checked here: the client never asks the resolver about them.
    fn check_host(&self, host: &Host) -> Result<(), SendError> {
        match host {
            Host::Address(address) => self.guard.check(*address).map_err(|class| {
                let detail = format!("the address is not dialed: {class}");
                denied(Stage::Address, "address_denied", detail)
            }),
            Host::Name(name) => match reach(name) {
                Reach::Public => Ok(()),
                Reach::Local if self.guard.opens_any() => Ok(()),
                Reach::Local => {
                    let detail = "a name of an inner network is called only where the operator \
                                  opened that network";
                    Err(denied(Stage::Policy, "host_reserved", detail))
                }
                Reach::Never => {
                    let detail = "the platform's own services are never called";
                    Err(denied(Stage::Policy, "host_reserved", detail))
                }
            },
        }
    }

    /// The last line: whoever answered must be somebody who may be asked.
    fn check_peer(&self, response: &reqwest::Response) -> Result<(), SendError> {
        let vetted = response.remote_addr().map(|peer| self.guard.check(peer.ip()));
        match vetted {
            Some(Ok(())) => Ok(()),
            Some(Err(class)) => {
                let detail =
                    format!("the connection led to an address that is not dialed: {class}");
                Err(denied(Stage::Connect, "peer_denied", detail))
            }
            None => Err(denied(Stage::Connect, "peer_unknown", "the peer's address is not known")),
        }
    }
}

fn denied(stage: Stage, code: &'static str, detail: impl Into<String>) -> SendError {
    SendError::Denied { stage, code, detail: detail.into() }
}

/// What the connection may do, today. The detail names what is missing.
fn check_grants(sending: &Sending<'_>) -> Result<(), SendError> {
    let Sending { grants, rendered, verify_tls, .. } = sending;
    let (origin, method, path) = (rendered.origin(), rendered.method(), rendered.path());
    if !grants.allows(origin, method, path, *verify_tls, rendered.raw) {
        let (code, detail) = if !grants.http.iter().any(|g| g.origin == origin) {
            ("origin_not_granted", format!("requests to {origin} are not granted"))
        } else if grants.allows(origin, method, path, true, rendered.raw) {
            (
                "tls_unverified_not_granted",
                format!("unchecked certificates are not granted for {origin}"),
            )
        } else if grants.allows(origin, method, path, *verify_tls, false) {
            ("raw_not_granted", format!("a verbatim body is not granted for {origin}"))
        } else if grants.http.iter().any(|g| g.origin == origin && g.methods.contains(method)) {
            ("path_not_granted", format!("this path of {origin} is not granted for {method}"))
        } else {
            ("method_not_granted", format!("{method} is not granted for {origin}"))
        };
        return Err(denied(Stage::Policy, code, detail));
    }
    for (name, place) in rendered.secrets.keys() {
        if !grants.allows_secret(name, origin, *place) {
            let place = place.as_str();
            let detail = format!("the secret {name} is not granted for {origin} in the {place}");
            return Err(denied(Stage::Policy, "secret_not_granted", detail));
        }
    }
    Ok(())
}

fn build_request(sending: &Sending<'_>) -> Result<reqwest::Request, SendError> {
    let rendered = sending.rendered;
    let mut request = reqwest::Request::new(rendered.method.clone(), rendered.target.url.clone());
    let headers = request.headers_mut();
    headers.insert(
        USER_AGENT,
        HeaderValue::from_static(concat!("cordon/", env!("CARGO_PKG_VERSION"))),
    );
    for (name, value) in &rendered.headers {
        headers.insert(name.clone(), value.clone());
    }
    if let Some(key) = sending.idempotency_key {
        let value = HeaderValue::from_str(key).map_err(|_| {
            denied(Stage::Render, "idempotency_key", "the Idempotency-Key is no header value")
        })?;
        headers.insert(HeaderName::from_static("idempotency-key"), value);
    }
    if let Some(body) = &rendered.body {
        *request.body_mut() = Some(body.clone().into());
    }
    Ok(request)
}

/// What a failure before the answer's head comes to.
fn broken(error: &reqwest::Error) -> SendError {
    let mut source = error.source();
    while let Some(inner) = source {
        if let Some(refused) = inner.downcast_ref::<AnswerRefused>() {
            return denied(Stage::Resolve, refused.code(), refused.to_string());
        }
        source = inner.source();
    }
    let sent = !error.is_connect();
    tracing::debug!(sent, cause = %cause(error), "no answer");
    if error.is_timeout() { SendError::Timeout { sent } } else { SendError::Unreachable { sent } }
}

/// Counts a failure, and logs a refusal: ids and codes only.
fn record(sending: &Sending<'_>, error: &SendError) {
    let (stage, code) = match error {
        SendError::Denied { stage, code, .. } => (stage.as_str(), *code),
        SendError::Unreachable { .. } => (Stage::Connect.as_str(), "unreachable"),
        SendError::Timeout { .. } => (Stage::Response.as_str(), "timeout"),
        SendError::TooLarge { .. } => (Stage::Response.as_str(), "too_large"),
        SendError::Truncated { .. } => (Stage::Response.as_str(), "truncated"),
        SendError::SecretReflected { .. } => (Stage::Response.as_str(), "secret_reflected"),
    };
    metrics::counter!("cordon_egress_failures_total", "stage" => stage, "code" => code)
        .increment(1);
    tracing::warn!(
        tenant.id = %sending.tenant,
        connection.id = %sending.connection,
        stage,
        code,
        "a request did not go through"
    );
}

#[cfg(test)]
pub(crate) mod tests;
