//! URLs and templates before the gate itself, with the grants of the entry's policy.
//!
//! The answers of the name service are the entry's; where it has none the name is a public one, so
//! that something else must be the reason.

use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cordon_egress::{
    Gate, Lookup, LookupError, Options, Received, Rendered, Resolve, SendError, Sending, Stage,
    Substitute, render,
};
use cordon_model::grant::{EgressLimits, Grants, HttpGrant, Paths, SecretGrant};
use cordon_model::http_request::{Body, BodyUse, Escape, HttpRequest, Piece, Text, ValueId};
use cordon_model::plan::Place;
use cordon_model::{ConnectionKey, Secret, TenantId};
use serde_json::Value;

use super::entries::{Corpus, Entry, texts};

/// What every name leads to unless an entry says otherwise.
const PUBLIC: &str = "93.184.215.14";

/// An entry that passed the renderer, ready for the gate.
pub(super) struct Prepared {
    gate: Gate,
    grants: Grants,
    limits: EgressLimits,
    rendered: Rendered,
    verify_tls: bool,
}

/// Why an entry is denied.
pub(super) struct Denied {
    pub(super) why: String,
    /// Because the policy of the corpus grants less than the request needs.
    pub(super) by_grants: bool,
}

impl Denied {
    fn when_read(why: impl Into<String>) -> Self {
        Self { why: why.into(), by_grants: false }
    }
}

impl From<SendError> for Denied {
    fn from(error: SendError) -> Self {
        let code = match &error {
            SendError::Denied { stage: Stage::Policy, code, .. } => *code,
            _ => "",
        };
        Self { why: error.to_string(), by_grants: code.ends_with("_not_granted") }
    }
}

/// Judges an entry without a packet.
pub(super) async fn vet(corpus: &Corpus, entry: &Entry) -> Result<(), Denied> {
    prepare(corpus, entry)?.vet().await
}

/// Reads, renders and grants an entry.
pub(super) fn prepare(corpus: &Corpus, entry: &Entry) -> Result<Prepared, Denied> {
    let request = match entry.kind.as_str() {
        "url" | "redirect" => {
            let url = entry.json["url"].as_str().unwrap();
            let method = entry.json["method"].as_str().unwrap_or("GET");
            request(method, vec![Piece::Literal(url.to_owned())])
        }
        _ => templated(&entry.json["template"])
            .ok_or_else(|| Denied::when_read("the template cannot be read"))?,
    };
    let known = Known::of(corpus, entry)?;
    let rendered =
        render(&request, &known).map_err(|error| Denied::when_read(format!("{error:?}")))?;
    let policy = corpus.policy(entry);
    let grants = grants(policy, &corpus.secrets, rendered.method());
    // The operator allows what the policy grants, and so names the inner hosts among it.
    let mut options = Options { private_networks: grants.private.clone(), ..Options::default() };
    options.allow.extend(grants.http.iter().map(|grant| grant.origin.clone()));
    options.connect_timeout = Duration::from_secs(2);
    let gate = Gate::with_resolver(options, Arc::new(Answers::of(entry))).unwrap();
    Ok(Prepared { gate, grants, limits: EgressLimits::default(), rendered, verify_tls: true })
}

impl Prepared {
    /// Everything that is checked before a connection is made.
    pub(super) async fn vet(&self) -> Result<(), Denied> {
        let (tenant, connection) = owner();
        self.gate.vet(&self.sending(&tenant, &connection)).await?;
        Ok(())
    }

    /// The same, but for who vouches for the certificate.
    pub(super) fn trusting_anybody(mut self) -> Self {
        self.verify_tls = false;
        for grant in &mut self.grants.http {
            grant.unverified_tls = true;
        }
        self
    }

    /// The whole way: dials where it may.
    pub(super) async fn send(&self) -> Result<Received, SendError> {
        let (tenant, connection) = owner();
        self.gate.send(self.sending(&tenant, &connection)).await
    }

    fn sending<'a>(&'a self, tenant: &'a TenantId, connection: &'a ConnectionKey) -> Sending<'a> {
        Sending {
            tenant,
            connection,
            grants: &self.grants,
            limits: &self.limits,
            ca_bundle: None,
            rendered: &self.rendered,
            verify_tls: self.verify_tls,
            idempotency_key: None,
            timeout: Duration::from_secs(5),
            body: BodyUse::Bytes,
        }
    }
}

fn owner() -> (TenantId, ConnectionKey) {
    (TenantId::default_tenant(), "crm".parse().unwrap())
}

/// Answers every question as the entry says.
struct Answers(Vec<IpAddr>);

impl Answers {
    fn of(entry: &Entry) -> Self {
        let given = &entry.json["dns"];
        let answers = if given.is_null() { vec![PUBLIC] } else { texts(given) };
        Self(answers.into_iter().map(|address| address.parse().unwrap()).collect())
    }
}

#[async_trait]
impl Resolve for Answers {
    async fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        Ok(self.0.clone())
    }
}

/// The identities of the entry and the secrets of the corpus.
struct Known {
    identities: Vec<(String, String)>,
    secrets: Vec<(String, Secret)>,
}

impl Known {
    fn of(corpus: &Corpus, entry: &Entry) -> Result<Self, Denied> {
        let mut identities = Vec::new();
        for (kind, value) in entry.json["identifiers"].as_object().into_iter().flatten() {
            let value = value.as_str();
            let value = value.ok_or_else(|| Denied::when_read("an identity is a string"))?;
            identities.push((kind.clone(), value.to_owned()));
        }
        let secrets = corpus.secret_values().into_iter();
        let secrets = secrets.map(|(name, value)| (name, Secret::new(value))).collect();
        Ok(Self { identities, secrets })
    }
}

impl Lookup for Known {
    fn placeholder(&self, name: &str) -> Result<Substitute<'_>, LookupError> {
        let identity = self.identities.iter().find(|(kind, _)| kind == name);
        match identity {
            Some((_, value)) => Ok(Substitute::Identity(value)),
            None => self.secret(name),
        }
    }

    fn secret(&self, name: &str) -> Result<Substitute<'_>, LookupError> {
        let secret = self.secrets.iter().find(|(known, _)| known == name);
        secret.map(|(_, value)| Substitute::Secret(value)).ok_or(LookupError::Missing)
    }

    fn value(&self, _: ValueId) -> Result<Substitute<'_>, LookupError> {
        Err(LookupError::Missing)
    }
}

fn request(method: &str, url: Text) -> HttpRequest {
    HttpRequest {
        label: "q".to_owned(),
        method: method.to_owned(),
        url,
        headers: Vec::new(),
        body: None,
        bind: Vec::new(),
        verify_tls: true,
        idempotent: None,
        success: vec![200],
        retry_statuses: Vec::new(),
        max_attempts: None,
        response_body: BodyUse::Bytes,
    }
}

fn templated(template: &Value) -> Option<HttpRequest> {
    let url = pieces(template["url"].as_str().unwrap())?;
    let mut request = request(template["method"].as_str().unwrap(), url);
    for (name, value) in template["headers"].as_object().into_iter().flatten() {
        request.headers.push((name.clone(), pieces(value.as_str().unwrap())?));
    }
    if let Some(body) = template["body"].as_str() {
        request.body = Some(Body { content: pieces(body)?, escape: Escape::ByMediaType });
    }
    Some(request)
}

/// `{name}` and doubled braces. The connector reads the same templates for itself when the entry
/// is run through it.
fn pieces(template: &str) -> Option<Text> {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut chars = template.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '{' | '}' if chars.next_if_eq(&c).is_some() => literal.push(c),
            '{' => {
                let plain = |c: &char| c.is_ascii_alphanumeric() || "_-".contains(*c);
                let name: String = std::iter::from_fn(|| chars.next_if(plain)).collect();
                let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
                if chars.next() != Some('}') || !begins {
                    return None;
                }
                pieces.push(Piece::Literal(std::mem::take(&mut literal)));
                pieces.push(Piece::Placeholder(name));
            }
            '}' => return None,
            c => literal.push(c),
        }
    }
    pieces.push(Piece::Literal(literal));
    Some(pieces)
}

/// The grants of a policy of the corpus: patterns, some with a path prefix behind them.
fn grants(policy: &Value, secrets: &Value, method: &str) -> Grants {
    let http = texts(&policy["allow"]).into_iter().map(|allow| {
        let path = allow.match_indices('/').nth(2).map_or(allow.len(), |(at, _)| at);
        let (origin, path) = allow.split_at(path);
        HttpGrant {
            origin: origin.parse().unwrap(),
            methods: BTreeSet::from([method.to_owned()]),
            paths: Paths::read(None, (!path.is_empty()).then_some(path)).unwrap(),
            unverified_tls: false,
            raw: false,
        }
    });
    let secrets = secrets.as_object().into_iter().flatten().flat_map(|(name, secret)| {
        texts(&secret["hosts"]).into_iter().map(move |host| SecretGrant {
            name: name.clone(),
            origin: format!("https://{host}").parse().unwrap(),
            places: BTreeSet::from([Place::Header]),
        })
    });
    let private = texts(&policy["private"]).into_iter().map(|network| network.parse().unwrap());
    Grants {
        http: http.collect(),
        private: private.collect(),
        secrets: secrets.collect(),
        reads: BTreeSet::new(),
    }
}
