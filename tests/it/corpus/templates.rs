//! Templates through the connector that reads them, with an upstream on loopback in the place of
//! the corpus's `api.acme.com`; what arrives there is compared byte by byte.
//!
//! The needs of a built-in connector are granted when it is written, so an entry that is denied
//! for want of a grant says nothing here; the gate has judged it.

use std::sync::Arc;

use serde_json::{Value, json};

use super::bench::{Bench, Ran, Run, action};
use super::entries::{Entry, Outcome};
use crate::support::raw_upstream::{RawUpstream, json_answer};

const ORIGIN: &str = "https://api.acme.com";

/// Runs one template through `api_proxy`.
pub(super) async fn judge(bench: Arc<Bench>, entry: Entry) -> Outcome {
    let upstream = RawUpstream::answering(json_answer("[]")).await;
    let template = &entry.json["template"];
    let written = template["url"].as_str().unwrap();
    let own = written.strip_prefix(ORIGIN).filter(|rest| rest.starts_with('/'));
    let url = own.map_or_else(|| written.to_owned(), |path| upstream.url(path));
    let mut query = json!({ "url": url, "verb": template["method"], "verify_ssl": "true" });
    for part in ["headers", "body"] {
        if !template[part].is_null() {
            query[part] = template[part].clone();
        }
    }
    let run = Run {
        key: entry.id.clone(),
        query,
        identities: entry.json["identifiers"].clone(),
        timeout_seconds: 60,
    };
    if own.is_none() {
        // It would be sent to somebody else's server.
        return entry.judge(written_as(&bench, &run).await);
    }
    let found = match bench.run(&run).await {
        Ran::RefusedWhenWritten(why) | Ran::RefusedWhenSubmitted(why) => Err(why.to_string()),
        Ran::Rested(request) if request["status"] == "complete" => Ok(()),
        Ran::Rested(request) => Err(request["tasks"].to_string()),
    };
    let sent = upstream.requests();
    match (&found, sent.as_slice()) {
        (Ok(()), [request]) if entry.allowed => {
            match compare(request, template, &entry.json["wire"]) {
                differences if differences.is_empty() => Outcome::Holds,
                differences => Outcome::Differs(differences.join("; ")),
            }
        }
        (Err(_), []) | (Ok(()), [_]) => entry.judge(found),
        (_, sent) => Outcome::Differs(format!("{} requests arrived: {found:?}", sent.len())),
    }
}

async fn written_as(bench: &Bench, run: &Run) -> Result<(), String> {
    let written = bench.write(run, action(&run.query)).await;
    written.map_err(|refused| refused.to_string())
}

/// What arrived otherwise than it is written.
fn compare(request: &str, template: &Value, wire: &Value) -> Vec<String> {
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    let mut differences = Vec::new();
    let mut same = |what: &str, found: String, expected: String| {
        if found != expected {
            differences.push(format!("{what}: {found} instead of {expected}"));
        }
    };
    let first = lines.next().unwrap();
    if let Some(url) = wire["url"].as_str() {
        let target = url.strip_prefix(ORIGIN).unwrap();
        let method = template["method"].as_str().unwrap();
        same("request line", first.to_owned(), format!("{method} {target} HTTP/1.1"));
    }
    let headers: Vec<_> = lines.filter_map(|line| line.split_once(": ")).collect();
    for (name, value) in wire["headers"].as_object().into_iter().flatten() {
        let found: Vec<_> = headers.iter().filter(|(n, _)| n == name).map(|(_, v)| *v).collect();
        same(name, format!("{found:?}"), format!("{:?}", [value.as_str().unwrap()]));
    }
    if let Some(expected) = wire["body"].as_str() {
        same("body", body.to_owned(), expected.to_owned());
    }
    if !wire["json"].is_null() {
        let found: Value = serde_json::from_str(body).unwrap_or_default();
        same("json", found.to_string(), wire["json"].to_string());
    }
    differences
}
