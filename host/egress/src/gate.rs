//! The gate: one attempt at a time, judged at the moment it is sent.
//!
//! render → parse → policy (the operator's, the tenant's limits, then the grants) → address →
//! resolve → connect → response; each refusal says its stage and code and is counted. Grants are
//! checked here at every send, whatever was checked when the connection was written. Deliberately
//! does not retry and keeps nothing of an answer but what was asked for. Called by the runtime, and
//! for webhooks.

mod exchange;
mod explain;
mod given;
mod granted;
mod webhooks;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use cordon_model::grant::{EgressLimits, EgressPolicy, Grants, OriginPattern};
use cordon_model::http_request::HttpRequest;

use crate::address::{self, AddressGuard, Undialed};
use crate::client::{Clients, Purpose};
use crate::inspect::{Inspection, RequestProblem, inspect};
use crate::names::{Reach, reach};
use crate::options::{Error, Options};
use crate::own::OwnAddresses;
use crate::render::Rendered;
use crate::resolve::{self, Resolve, SystemResolver};
use crate::send::{Received, SendError, Sending, Stage};
use crate::target::{Host, Target};

/// The only way out. Shared in an `Arc`.
pub struct Gate {
    options: Options,
    policy: EgressPolicy,
    /// Where the host listens, which nobody may dial.
    own: OwnAddresses,
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
        let own = OwnAddresses::default();
        let guard = AddressGuard::new(options.development_networks.clone(), own.clone())?;
        let guard = Arc::new(guard);
        let clients = Clients::new(options.clients_max);
        let policy = options.policy();
        let widest = guard.opening(&policy.private);
        Ok(Self { options, policy, own, guard, widest, resolver, clients })
    }

    /// The host itself listens here: from now on nobody is dialed there, whatever is opened and
    /// granted. An unspecified address stands for every one of this machine.
    pub fn never_dial(&self, listening: SocketAddr) {
        self.own.add(listening);
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
                let part = part.to_owned();
                problems.push(RequestProblem { part, at: None, code, message: detail });
            }
        };
        if let Ok(target) = Target::parse(&inspection.origin) {
            let judged = granted::origin_of(&target).and_then(|origin| {
                // What the tenant is limited to is looked at by whoever knows the tenant.
                self.check_policy(&EgressLimits::default(), &origin)?;
                // Which private networks it is granted is looked at when it is sent.
                check_host(self.guard_within(&self.widest, &target, &origin), &target)
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
        let purpose = Purpose::Connection(sending.connection.clone());
        self.send_for(&sending, purpose, self.options.response_bytes_max).await
    }

    async fn send_for(
        &self,
        sending: &Sending<'_>,
        purpose: Purpose,
        bytes_max: u64,
    ) -> Result<Received, SendError> {
        let result = self.attempt(sending, purpose, bytes_max).await;
        if let Err(error) = &result {
            record(sending, error);
        }
        result
    }

    /// Everything that a send checks before it dials, and nothing more: gives the addresses that
    /// it would choose from. The name service is asked once.
    ///
    /// # Errors
    /// As [`Gate::send`], as far as that comes before the connection.
    pub async fn vet(&self, sending: &Sending<'_>) -> Result<Vec<IpAddr>, SendError> {
        let guard = self.judge(sending)?;
        let (addresses, vetted) = self.look_up(&sending.rendered.target, &guard).await;
        vetted.map(|()| addresses)
    }

    /// Everything that a send checks before it asks a name service; says nothing to anybody.
    ///
    /// # Errors
    /// Why it would be refused, as [`Gate::send`].
    pub fn preview(&self, sending: &Sending<'_>) -> Result<(), SendError> {
        self.judge(sending).map(|_| ())
    }

    /// Where a host leads, and whether all of it may be dialed.
    async fn look_up(
        &self,
        target: &Target,
        guard: &AddressGuard,
    ) -> (Vec<IpAddr>, Result<(), SendError>) {
        let name = match &target.host {
            Host::Address(address) => return (vec![*address], Ok(())),
            Host::Name(name) => name,
        };
        let Ok(mut found) = self.resolver.resolve(name).await else {
            return (Vec::new(), Err(SendError::Unreachable { sent: false }));
        };
        let vetted = resolve::vet(guard, (name, target.port()), &mut found)
            .map_err(|refused| denied(Stage::Resolve, refused.code(), refused.to_string()));
        (found, vetted)
    }

    /// Everything that can be said before a name service is asked. Gives what its answer is held
    /// to.
    fn judge(&self, sending: &Sending<'_>) -> Result<Arc<AddressGuard>, SendError> {
        let Sending { grants, rendered, verify_tls, .. } = *sending;
        self.check_tls(verify_tls)?;
        self.check_sizes(rendered)?;
        let origin = granted::origin_of(&rendered.target)?;
        self.check_policy(sending.limits, &origin)?;
        granted::check(grants, rendered, &origin, verify_tls)?;
        let guard = self.guard_for(grants, &rendered.target, &origin);
        check_host(&guard, &rendered.target)?;
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

    fn check_policy(&self, limits: &EgressLimits, origin: &OriginPattern) -> Result<(), SendError> {
        self.policy.judge_within(limits, origin).map_err(|refusal| {
            denied(Stage::Policy, refusal.code(), format!("{origin}: {refusal}"))
        })
    }
}

/// Addresses written out are checked here: the client never asks the resolver about them.
fn check_host(guard: &AddressGuard, target: &Target) -> Result<(), SendError> {
    match &target.host {
        Host::Address(address) => guard.check_port(*address, target.port()).map_err(|undialed| {
            let remedy = match undialed {
                Undialed::Class(_) if address::can_be_opened(*address) => {
                    "; the operator opens networks with development_networks in [egress]"
                }
                Undialed::Class(_) | Undialed::Own => "",
            };
            let detail = format!("the address is not dialed: {undialed}{remedy}");
            denied(Stage::Address, undialed.code(), detail)
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

fn denied(stage: Stage, code: &'static str, detail: impl Into<String>) -> SendError {
    SendError::Denied { stage, code, detail: detail.into() }
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
