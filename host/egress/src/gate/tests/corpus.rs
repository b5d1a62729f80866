//! The verdict corpus, as far as it can be judged without a packet: URLs and templates.
//!
//! The wildcard grants of the corpus stand for the exact grants an operator would write for the
//! URL at hand; its private networks stand for development networks.

use std::collections::BTreeMap;
use std::net::IpAddr;

use cordon_model::http_request::{Body, Escape, Piece, Text};
use serde_json::Value;

use super::*;
use crate::address::AddressGuard;
use crate::render::RenderError;
use crate::resolve::vet;

fn corpus() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/egress_corpus.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn strings(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().map(|v| v.as_str().unwrap()).collect()
}

/// `{name}` and doubled braces, as authors write them.
fn lex(template: &str) -> Option<Text> {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut chars = template.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '{' | '}' if chars.next_if_eq(&c).is_some() => literal.push(c),
            '{' => {
                let mut name = String::new();
                while let Some(c) =
                    chars.next_if(|c| c.is_ascii_alphanumeric() || "_-".contains(*c))
                {
                    name.push(c);
                }
                if chars.next() != Some('}')
                    || !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                {
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

fn template_request(template: &Value) -> Option<HttpRequest> {
    let mut request = request(template["method"].as_str().unwrap(), "", &[], None);
    request.url = lex(template["url"].as_str().unwrap())?;
    for (name, value) in template["headers"].as_object().into_iter().flatten() {
        request.headers.push((name.clone(), lex(value.as_str().unwrap())?));
    }
    if let Some(body) = template["body"].as_str() {
        request.body = Some(Body { content: lex(body)?, escape: Escape::ByMediaType });
    }
    Some(request)
}

/// The exact grants that a policy of the corpus comes to for one origin.
fn grants(policy: &Value, secrets: &Value, origin: &str, method: &str) -> Grants {
    let covers = |pattern: &str| -> Option<String> {
        let (scheme, rest) = pattern.split_once("://")?;
        let (authority, path) = rest.split_once('/').map_or((rest, ""), |(a, p)| (a, p));
        let (host, port) = authority
            .rsplit_once(':')
            .filter(|_| !authority.ends_with(']'))
            .map_or((authority, None), |(h, p)| (h, Some(p)));
        let (own_scheme, own) = origin.split_once("://")?;
        let (own_host, own_port) = own
            .rsplit_once(':')
            .filter(|_| !own.ends_with(']'))
            .map_or((own, None), |(h, p)| (h, Some(p)));
        let host_fits = match host.strip_prefix('*') {
            Some(suffix) => own_host.ends_with(suffix) && own_host.len() > suffix.len(),
            None => host == own_host,
        };
        let port_fits = port == Some("*") || port == own_port;
        (scheme == own_scheme && host_fits && port_fits).then(|| format!("/{path}"))
    };
    let http =
        strings(&policy["allow"]).into_iter().filter_map(covers).map(|path_prefix| HttpGrant {
            origin: origin.to_owned(),
            methods: [method.to_owned()].into(),
            path_prefix,
            unverified_tls: false,
            raw: false,
        });
    let secrets = secrets.as_object().into_iter().flatten().flat_map(|(name, secret)| {
        strings(&secret["hosts"]).into_iter().map(move |host| SecretGrant {
            name: name.clone(),
            origin: format!("https://{host}"),
            places: [Place::Header].into(),
        })
    });
    Grants { http: http.collect(), secrets: secrets.collect() }
}

/// What becomes of one entry, up to the answer of the name service.
fn judge(entry: &Value, corpus: &Value) -> Result<crate::Rendered, String> {
    let request = match entry["kind"].as_str() {
        Some("url") => {
            let mut request = request("GET", "", &[], None);
            request.url = vec![Piece::Literal(entry["url"].as_str().unwrap().to_owned())];
            request
        }
        _ => template_request(&entry["template"]).ok_or("lexer")?,
    };
    let mut known = Known::default();
    for (name, value) in entry["identifiers"].as_object().into_iter().flatten() {
        let value = value.as_str().ok_or("an identity is a string")?;
        known.identities.insert(name.clone(), value.to_owned());
    }
    for (name, secret) in corpus["secrets"].as_object().into_iter().flatten() {
        let value = secret["value"].as_str().unwrap().to_owned();
        known.secrets.insert(name.clone(), Secret::new(value));
    }
    let rendered = render(&request, &known).map_err(|error: RenderError| format!("{error:?}"))?;
    let policy = &corpus["policies"][entry["policy"].as_str().unwrap()];
    let open: Vec<ipnet::IpNet> =
        strings(&policy["private"]).iter().map(|n| n.parse().unwrap()).collect();
    let grants = grants(policy, &corpus["secrets"], rendered.origin(), rendered.method());
    let gate =
        Gate::new(Options { development_networks: open.clone(), ..Options::default() }).unwrap();
    let sending = Sending {
        tenant: &TenantId::default_tenant(),
        connection: &"crm".parse().unwrap(),
        grants: &grants,
        rendered: &rendered,
        verify_tls: true,
        idempotency_key: None,
        timeout: Duration::from_secs(1),
        body: BodyUse::Bytes,
    };
    gate.judge(&sending).map_err(|error| error.to_string())?;
    if let Host::Name(name) = &rendered.target.host {
        let mut answer: Vec<IpAddr> =
            strings(&entry["dns"]).iter().map(|a| a.parse().unwrap()).collect();
        let guard = AddressGuard::new(open).unwrap();
        vet(&guard, name, &mut answer).map_err(|error| error.to_string())?;
    }
    Ok(rendered)
}

fn check_wire(rendered: &crate::Rendered, wire: &Value) -> Result<(), String> {
    let mut differences = Vec::new();
    let mut same = |what: &str, found: String, expected: String| {
        if found != expected {
            differences.push(format!("{what}: {found} instead of {expected}"));
        }
    };
    if let Some(url) = wire["url"].as_str() {
        same("url", rendered.target.url.to_string(), url.to_owned());
    }
    let headers: BTreeMap<&str, &str> = rendered
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
        .collect();
    for (name, value) in wire["headers"].as_object().into_iter().flatten() {
        same(name, format!("{:?}", headers.get(name.as_str())), format!("{:?}", value.as_str()));
    }
    let body = rendered.body.clone().unwrap_or_default();
    if let Some(expected) = wire["body"].as_str() {
        same("body", String::from_utf8_lossy(&body).into_owned(), expected.to_owned());
    }
    if !wire["json"].is_null() {
        let found: Value = serde_json::from_slice(&body).unwrap();
        same("json", found.to_string(), wire["json"].to_string());
    }
    if differences.is_empty() { Ok(()) } else { Err(differences.join("; ")) }
}

#[test]
fn every_url_and_template_of_the_corpus_is_judged_as_it_says() {
    let corpus = corpus();
    let mut judged = 0;
    let mut differing = Vec::new();
    for entry in corpus["entries"].as_array().unwrap() {
        if !matches!(entry["kind"].as_str(), Some("url" | "template")) {
            continue;
        }
        judged += 1;
        let verdict = match (judge(entry, &corpus), entry["expect"] == "allow") {
            (Ok(rendered), true) => check_wire(&rendered, &entry["wire"]),
            (Err(_), false) => Ok(()),
            (Ok(_), false) => Err("allowed".to_owned()),
            (Err(why), true) => Err(format!("denied: {why}")),
        };
        if let Err(why) = verdict {
            differing.push(format!("{} ({}): {why}", entry["id"], entry["why"]));
        }
    }
    assert_eq!((judged, differing), (285, Vec::new()));
}
