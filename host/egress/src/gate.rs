//! The gate: one attempt at a time, judged at the moment it is sent.
//!
//! render → parse → policy (the operator's, then the grants) → address → resolve → connect → response; each refusal says its stage
//! and code and is counted. Grants are checked here at every send, whatever was checked when the
//! connection was written. Deliberately does not retry and keeps nothing of an answer but what
//! was asked for. Called by the runtime, and for webhooks.

mod explain;
mod granted;

use std::error::Error as _;
use std::net::IpAddr;
use std::sync::Arc;

use cordon_model::grant::{EgressPolicy, Grants, OriginPattern};
use cordon_model::http_request::HttpRequest;
use http::HeaderValue;
use http::header::{HeaderName, USER_AGENT};
use tokio::time::{Instant, timeout_at};

use crate::address::AddressGuard;
use crate::client::{self, Clients, Owner, cause};
use crate::inspect::{Inspection, RequestProblem, inspect};
use crate::names::{Reach, reach};
use crate::options::{Error, Options};
use crate::receive::{Reading, receive};
use crate::reflect::Scanner;
use crate::render::Rendered;
use crate::resolve::{self, AnswerRefused, Guarded, Resolve, SystemResolver};
use crate::send::{Received, SendError, Sending, Stage};
use crate::target::{Host, Target};

/// The only way out. Shared in an `Arc`.
pub struct Gate {
    options: Options,
    policy: EgressPolicy,
    /// What every connection may dial.
    guard: Arc<AddressGuard>,
    /// What a connection may dial that was granted every private network there is.
    widest: AddressGuard,
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
        let policy = options.policy();
        let widest = guard.opening(&policy.private);
        Ok(Self { options, policy, guard, widest, resolver, clients })
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
        if let Ok(target) = Target::parse(&inspection.origin) {
            let judged = granted::origin_of(&target).and_then(|origin| {
                self.check_policy(&origin)?;
                // Which private networks it is granted is looked at when it is sent.
                check_host(self.guard_within(&self.widest, &target, &origin), &target.host)
            });
            judged.unwrap_or_else(|error| add("/url", error));
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

    /// Everything that a send checks before it dials, and nothing more: gives the addresses that
    /// it would choose from. The name service is asked once.
    ///
    /// # Errors
    /// As [`Gate::send`], as far as that comes before the connection.
    pub async fn vet(&self, sending: &Sending<'_>) -> Result<Vec<IpAddr>, SendError> {
        let guard = self.judge(sending.grants, sending.rendered, sending.verify_tls)?;
        let (addresses, vetted) = self.look_up(&sending.rendered.target.host, &guard).await;
        vetted.map(|()| addresses)
    }

    /// Where a host leads, and whether all of it may be dialed.
    async fn look_up(
        &self,
        host: &Host,
        guard: &AddressGuard,
    ) -> (Vec<IpAddr>, Result<(), SendError>) {
        let name = match host {
            Host::Address(address) => return (vec![*address], Ok(())),
            Host::Name(name) => name,
        };
        let Ok(mut found) = self.resolver.resolve(name).await else {
            return (Vec::new(), Err(SendError::Unreachable { sent: false }));
        };
        let vetted = resolve::vet(guard, name, &mut found)
            .map_err(|refused| denied(Stage::Resolve, refused.code(), refused.to_string()));
        (found, vetted)
    }

    async fn attempt(&self, sending: &Sending<'_>) -> Result<Received, SendError> {
        let deadline = Instant::now() + sending.timeout;
        let guard = self.judge(sending.grants, sending.rendered, sending.verify_tls)?;
        let client = self.client(sending, &guard)?;
        let request = build_request(sending)?;
        let answer = timeout_at(deadline, Box::pin(client.execute(request))).await;
        let response = match answer {
            // How far it came is not known; assume the worst.
            Err(_) => return Err(SendError::Timeout { sent: true }),
            Ok(Err(error)) => return Err(broken(&error)),
            Ok(Ok(response)) => response,
        };
        check_peer(&guard, &response)?;
        let reading = Reading {
            options: &self.options,
            deadline,
            body: sending.body,
            scanner: Scanner::new(sending.rendered.secrets.values()),
        };
        receive(response, reading).await
    }

    /// Everything that can be said before a name service is asked. Gives what its answer is held
    /// to.
    fn judge(
        &self,
        grants: &Grants,
        rendered: &Rendered,
        verify_tls: bool,
    ) -> Result<Arc<AddressGuard>, SendError> {
        self.check_tls(verify_tls)?;
        self.check_sizes(rendered)?;
        let origin = granted::origin_of(&rendered.target)?;
        self.check_policy(&origin)?;
        granted::check(grants, rendered, &origin, verify_tls)?;
        let guard = self.guard_for(grants, &rendered.target, &origin);
        check_host(&guard, &rendered.target.host)?;
        Ok(guard)
    }

    /// The private networks of a connection are those it was granted and the operator allows.
    fn guard_for(
        &self,
        grants: &Grants,
        target: &Target,
        origin: &OriginPattern,
    ) -> Arc<AddressGuard> {
        if grants.private.is_empty() {
            return Arc::clone(&self.guard);
        }
        let granted = self.guard.opening(&self.policy.narrow_networks(&grants.private));
        Arc::new(self.guard_within(&granted, target, origin).clone())
    }

    /// Private networks are open to inner names only where the operator named them
    /// (BEHAVIOUR J3).
    fn guard_within<'g>(
        &'g self,
        granted: &'g AddressGuard,
        target: &Target,
        origin: &OriginPattern,
    ) -> &'g AddressGuard {
        let inner = matches!(&target.host, Host::Name(name) if reach(name) != Reach::Public);
        if inner && !self.policy.names(origin) { &self.guard } else { granted }
    }

    fn client(
        &self,
        sending: &Sending<'_>,
        guard: &Arc<AddressGuard>,
    ) -> Result<reqwest::Client, SendError> {
        let build = || {
            let resolver = Guarded::new(Arc::clone(&self.resolver), Arc::clone(guard));
            client::guarded(&self.options, resolver, sending.verify_tls)
        };
        let owner = Owner {
            tenant: sending.tenant.clone(),
            connection: sending.connection.clone(),
            verify_tls: sending.verify_tls,
            open: guard.open().to_vec(),
        };
        self.clients
            .get(owner, build)
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

    fn check_policy(&self, origin: &OriginPattern) -> Result<(), SendError> {
        self.policy.judge(origin).map_err(|refusal| {
            denied(Stage::Policy, refusal.code(), format!("{origin}: {refusal}"))
        })
    }
}

/// Addresses written out are checked here: the client never asks the resolver about them.
fn check_host(guard: &AddressGuard, host: &Host) -> Result<(), SendError> {
    match host {
        Host::Address(address) => guard.check(*address).map_err(|class| {
            let detail = format!("the address is not dialed: {class}");
            denied(Stage::Address, "address_denied", detail)
        }),
        Host::Name(name) => match reach(name) {
            Reach::Public => Ok(()),
            Reach::Local if guard.opens_any() => Ok(()),
            Reach::Local => {
                let detail = "a name of an inner network is called only where the operator names \
                              it, and in networks that are opened or granted";
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
fn check_peer(guard: &AddressGuard, response: &reqwest::Response) -> Result<(), SendError> {
    let vetted = response.remote_addr().map(|peer| guard.check(peer.ip()));
    match vetted {
        Some(Ok(())) => Ok(()),
        Some(Err(class)) => {
            let detail = format!("the connection led to an address that is not dialed: {class}");
            Err(denied(Stage::Connect, "peer_denied", detail))
        }
        None => Err(denied(Stage::Connect, "peer_unknown", "the peer's address is not known")),
    }
}

fn denied(stage: Stage, code: &'static str, detail: impl Into<String>) -> SendError {
    SendError::Denied { stage, code, detail: detail.into() }
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
