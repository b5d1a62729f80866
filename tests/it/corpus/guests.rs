//! Requests that a component composes as it likes, and grants that cannot be enforced.

use std::sync::Arc;

use serde_json::{Value, json};

use super::bench::{Bench, Ran, Run};
use super::entries::{Entry, Outcome, texts};
use crate::support::raw_upstream::{RawUpstream, json_answer};

/// Runs one request of a component, through `api_proxy` and, where the method is the point,
/// through a connector that plans whatever it is told.
pub(super) async fn judge_request(bench: Arc<Bench>, entry: Entry) -> Outcome {
    let upstream = RawUpstream::answering(json_answer("[]")).await;
    let request = &entry.json["guest_request"];
    let method = request["method"].as_str().unwrap_or("GET");
    let scripted = scripted(&bench, &entry, method, &upstream).await;
    let mut query =
        json!({ "url": upstream.url("/v0/users"), "verb": method, "verify_ssl": "true" });
    if !request["headers"].is_null() {
        query["headers"] = request["headers"].clone();
    }
    let capabilities = texts(&entry.json["capabilities"]);
    let run = Run {
        key: entry.id.clone(),
        query,
        identities: json!({ "email": "peter@initech.example" }),
        timeout_seconds: 60,
    };
    let run = if capabilities.is_empty() { bench.run(&run).await } else { bench.read(&run).await };
    let found = match run {
        Ran::RefusedWhenWritten(why) | Ran::RefusedWhenSubmitted(why) => Err(why.to_string()),
        Ran::Rested(request) if request["status"] == "complete" => Ok(()),
        Ran::Rested(request) => Err(request["tasks"].to_string()),
    };
    if found.is_err() && !upstream.requests().is_empty() {
        return Outcome::Differs(format!("it was sent: {found:?}"));
    }
    match entry.judge(found) {
        Outcome::Holds => entry.judge(scripted),
        differs => differs,
    }
}

/// The same method, planned by a connector without scruples.
async fn scripted(
    bench: &Bench,
    entry: &Entry,
    method: &str,
    upstream: &RawUpstream,
) -> Result<(), String> {
    if method == "GET" {
        return Err("there is nothing to try".to_owned());
    }
    let key = format!("{}-scripted", entry.id);
    let connection = json!({
        "key": key,
        "name": key,
        "connector_type": "scripted",
        "capabilities": ["privacy/access"],
        "mode": "live",
        "config": { "behave": "well", "origin": upstream.url(""), "method": method },
    });
    let created = bench.client().post("/v1/connections", &connection).await;
    if created.status != 201 {
        assert_eq!(created.status, 422, "{}", created.json);
        return Err(created.json.to_string());
    }
    let identities = json!({ "email": "peter@initech.example" });
    let run = Run { key, query: Value::Null, identities, timeout_seconds: 60 };
    match bench.submit(&run, "access").await {
        Ran::Rested(request) if request["status"] == "complete" => Ok(()),
        Ran::Rested(request) => Err(request["tasks"].to_string()),
        Ran::RefusedWhenWritten(why) | Ran::RefusedWhenSubmitted(why) => Err(why.to_string()),
    }
}

/// Writes one grant for a connection that needs nothing of the kind.
pub(super) async fn judge_grant(bench: Arc<Bench>, entry: Entry) -> Outcome {
    let query = json!({ "url": "https://api.acme.com/", "verb": "GET", "verify_ssl": "true" });
    let identities = json!({});
    let run = Run { key: entry.id.clone(), query, identities, timeout_seconds: 60 };
    if let Err(refused) = bench.write(&run, "access").await {
        return Outcome::Differs(format!("the connection was refused: {refused}"));
    }
    // Otherwise a refusal would prove nothing.
    let good = json!({ "allow": ["https://*.acme.com"], "private": ["10.20.0.0/16"] });
    if let Err(refused) = put_grant(&bench, &entry.id, &good).await {
        return Outcome::Differs(format!("a good grant was refused: {refused}"));
    }
    entry.judge(put_grant(&bench, &entry.id, &entry.json["grant"]).await)
}

async fn put_grant(bench: &Bench, key: &str, grant: &Value) -> Result<(), String> {
    let unverified_tls = grant["verify_ssl"] == false;
    let http = texts(&grant["allow"]).into_iter().map(
        |origin| json!({ "origin": origin, "methods": ["GET"], "unverified_tls": unverified_tls }),
    );
    let body = json!({ "http": http.collect::<Vec<_>>(), "private": texts(&grant["private"]) });
    let put = bench.client().put(&format!("/v1/connections/{key}/grants"), &body).await;
    match put.status {
        200 => Ok(()),
        422 => Err(put.json.to_string()),
        status => panic!("{status}: {}", put.json),
    }
}
