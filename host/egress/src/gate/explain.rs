//! What would become of a request, by the very checks of a send. Sends nothing.

use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;
use cordon_model::Problem;
use cordon_model::grant::{EgressPolicy, Grants, HttpGrant, OriginPattern, Paths, PrivateNetwork};
use cordon_model::http_request::{BodyUse, HttpRequest, Piece, ValueId};
use cordon_model::port::{Egress, EgressQuestion, EgressVerdict};
use tokio::time::timeout;

use super::{Gate, granted};
use crate::ca_bundle;
use crate::render::{Lookup, LookupError, RenderError, Rendered, Substitute, render};
use crate::send::{SendError, Sending, Stage};
use crate::target::Host;

/// A URL that is asked about names nothing that stands for a value.
pub(super) struct Nothing;

impl Lookup for Nothing {
    fn placeholder(&self, _: &str) -> Result<Substitute<'_>, LookupError> {
        Err(LookupError::Missing)
    }

    fn secret(&self, _: &str) -> Result<Substitute<'_>, LookupError> {
        Err(LookupError::Missing)
    }

    fn value(&self, _: ValueId) -> Result<Substitute<'_>, LookupError> {
        Err(LookupError::Missing)
    }
}

#[async_trait]
impl Egress for Gate {
    fn policy(&self) -> &EgressPolicy {
        &self.policy
    }

    fn check_ca_bundle(&self, pem: &str) -> Result<(), Problem> {
        ca_bundle::read(pem, &self.options).map(|_| ()).map_err(|invalid| {
            Problem::error("invalid_ca_bundle", "/ca_bundle", invalid.to_string())
        })
    }

    async fn explain(&self, question: EgressQuestion<'_>) -> EgressVerdict {
        let rendered = match render(&request(&question), &Nothing) {
            Ok(rendered) => rendered,
            Err(error) => return unreadable(&error),
        };
        let origin = match granted::origin_of(&rendered.target) {
            Ok(origin) => origin,
            Err(error) => return refused(&error, Grants::default()),
        };
        let guard = match self.judge(&sending(&question, &rendered)) {
            Ok(guard) => guard,
            Err(error) => {
                let missing = self.missing(&error, &origin, &rendered);
                return refused(&error, missing);
            }
        };
        let (method, path) = (rendered.method(), rendered.path());
        if !question.needs.allows(&origin, method, path, true, false) {
            return EgressVerdict {
                stage: Stage::Policy.as_str(),
                denied: Some("not_needed"),
                rule: "it is granted, and the connection's configuration does not ask for it"
                    .to_owned(),
                missing: Grants::default(),
                addresses: Vec::new(),
            };
        }
        let looked_up = self.look_up(&rendered.target, &guard);
        let Ok((addresses, vetted)) = timeout(self.options.connect_timeout, looked_up).await else {
            return refused(&SendError::Timeout { sent: false }, Grants::default());
        };
        if let Err(error) = vetted {
            let refused_ones = addresses.iter().filter(|address| guard.check(**address).is_err());
            let missing = self.networks_for(refused_ones.copied());
            return EgressVerdict { addresses, ..refused(&error, missing) };
        }
        let stage = match rendered.target.host {
            Host::Address(_) => Stage::Address,
            Host::Name(_) => Stage::Resolve,
        };
        EgressVerdict {
            stage: stage.as_str(),
            denied: None,
            rule: rule(question.grants, &origin, method, path),
            missing: Grants::default(),
            addresses,
        }
    }
}

impl Gate {
    /// The networks that open these addresses; nothing when one of them cannot be granted.
    fn networks_for(&self, addresses: impl IntoIterator<Item = IpAddr>) -> Grants {
        let own = |address| {
            let one = PrivateNetwork::of_address(address)?;
            self.policy.private.iter().any(|network| network.covers(&one)).then_some(one)
        };
        let private: Option<Vec<_>> = addresses.into_iter().map(own).collect();
        Grants { private: private.unwrap_or_default(), ..Grants::default() }
    }

    /// The least that would have to be granted, where a grant helps.
    fn missing(&self, error: &SendError, origin: &OriginPattern, rendered: &Rendered) -> Grants {
        match error {
            SendError::Denied { code: "address_denied", .. } => self.networks_for(origin.address()),
            SendError::Denied {
                code: "origin_not_granted" | "method_not_granted" | "path_not_granted",
                ..
            } => {
                let grant = HttpGrant {
                    origin: origin.clone(),
                    methods: [rendered.method().to_owned()].into(),
                    paths: Paths::least(rendered.path()),
                    unverified_tls: false,
                    raw: false,
                };
                Grants { http: vec![grant], ..Grants::default() }
            }
            _ => Grants::default(),
        }
    }
}

/// What is asked about, as if it were sent.
fn sending<'a>(question: &EgressQuestion<'a>, rendered: &'a Rendered) -> Sending<'a> {
    Sending {
        tenant: question.tenant,
        connection: question.connection,
        grants: question.grants,
        limits: question.limits,
        ca_bundle: None,
        rendered,
        verify_tls: true,
        idempotency_key: None,
        timeout: Duration::ZERO,
        body: BodyUse::Discard,
    }
}

fn request(question: &EgressQuestion<'_>) -> HttpRequest {
    HttpRequest {
        label: "explain".to_owned(),
        method: question.method.to_owned(),
        url: vec![Piece::Literal(question.url.to_owned())],
        headers: Vec::new(),
        body: None,
        bind: Vec::new(),
        verify_tls: true,
        idempotent: None,
        success: Vec::new(),
        retry_statuses: Vec::new(),
        max_attempts: None,
        response_body: BodyUse::Discard,
    }
}

fn unreadable(error: &RenderError) -> EgressVerdict {
    let (denied, rule) = match error {
        RenderError::Problems(problems) => {
            problems.first().map_or(("url_invalid", String::new()), |problem| {
                (problem.code, problem.message.clone())
            })
        }
        RenderError::Missing(_) | RenderError::Ambiguous(_) | RenderError::ValueRefused(_) => {
            ("url_invalid", error.to_string())
        }
    };
    let stage = Stage::Parse.as_str();
    EgressVerdict {
        stage,
        denied: Some(denied),
        rule,
        missing: Grants::default(),
        addresses: Vec::new(),
    }
}

fn refused(error: &SendError, missing: Grants) -> EgressVerdict {
    let (stage, code, rule) = match error {
        SendError::Denied { stage, code, detail } => (*stage, *code, detail.clone()),
        _ => (Stage::Resolve, "no_address", "the name service knows no address".to_owned()),
    };
    EgressVerdict {
        stage: stage.as_str(),
        denied: Some(code),
        rule,
        missing,
        addresses: Vec::new(),
    }
}

/// The grant that covers it.
fn rule(grants: &Grants, origin: &OriginPattern, method: &str, path: &str) -> String {
    let grant = grants.http.iter().find(|grant| {
        grant.origin.covers(origin) && grant.methods.contains(method) && grant.paths.covers(path)
    });
    grant.map_or_else(String::new, |grant| {
        format!("{method} is granted for {}, {}", grant.origin, grant.paths)
    })
}
