//! Redirects and answers of every bad kind, through `api_proxy`, from a raw server on loopback.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::bench::{Bench, Ran, Run};
use super::entries::{Entry, Outcome};
use crate::support::hostile;
use crate::support::package::unzip;
use crate::support::raw_upstream::{RawUpstream, answer, json_answer};

/// A request with a secret, for whoever likes to repeat it.
fn query(upstream: &RawUpstream, entry: &Entry) -> Value {
    let method = entry.json["method"].as_str().or(entry.json["response"]["verb"].as_str());
    json!({
        "url": upstream.url("/v0/users"),
        "verb": method.unwrap_or("GET"),
        "verify_ssl": "true",
        "headers": { "Authorization": "Basic {credentials}" },
    })
}

fn run(entry: &Entry, query: Value) -> Run {
    let identities = json!({ "email": "peter@initech.example" });
    Run { key: entry.id.clone(), query, identities, timeout_seconds: 8 }
}

/// Runs one redirect: denied is what comes back as the status that it is, after one request.
pub(super) async fn judge_redirect(bench: Arc<Bench>, entry: Entry) -> Outcome {
    let response = &entry.json["response"];
    let (status, location) = (&response["status"], response["location"].as_str().unwrap());
    let headers = [("location", location), ("content-type", "application/json")];
    let upstream = RawUpstream::answering(answer(&format!("{status} X"), &headers, "[]")).await;
    let Ran::Rested(request) = bench.run(&run(&entry, query(&upstream, &entry))).await else {
        return Outcome::Differs("the connection was refused".to_owned());
    };
    if upstream.connections() != 1 {
        return Outcome::Differs(format!("{} connections were made", upstream.connections()));
    }
    let seen = &request["tasks"][0]["queries"][0]["status"];
    if seen != status {
        return Outcome::Differs(format!("the status came back as {seen}"));
    }
    let complete = request["status"] == "complete";
    entry.judge(if complete { Ok(()) } else { Err(request["tasks"].to_string()) })
}

/// Runs one answer.
pub(super) async fn judge_response(bench: Arc<Bench>, entry: Entry) -> Outcome {
    let response = &entry.json["response"];
    let Some(upstream) = upstream(response).await else {
        return Outcome::Unsupported("no server here answers like that");
    };
    let mut query = query(&upstream, &entry);
    if !response["retry_after"].is_null() {
        query["fail_retry_response_codes"] = json!([503]);
    }
    if !response["valid_response_codes"].is_null() {
        query["valid_response_codes"] = response["valid_response_codes"].clone();
    }
    let Ran::Rested(request) = bench.run(&run(&entry, query)).await else {
        return Outcome::Differs("the connection was refused".to_owned());
    };
    let task = &request["tasks"][0];
    // An answer that asks for a wait beyond the deadline is an answer nevertheless.
    let answered =
        !response["retry_after"].is_null() && task["queries"][0]["outcome"] == "unexpected_status";
    let allowed = request["status"] == "complete" || answered;
    let outcome = entry.judge(if allowed { Ok(()) } else { Err(task.to_string()) });
    match shows(&bench, response, &request).await {
        Some(shown) if outcome == Outcome::Holds => Outcome::Differs(shown),
        _ => outcome,
    }
}

/// A server that answers as the entry says.
async fn upstream(response: &Value) -> Option<RawUpstream> {
    let number = |name: &str| response[name].as_u64().map(|n| usize::try_from(n).unwrap());
    let upstream = if let Some(bytes) = number("body_bytes") {
        let length = number("content_length").unwrap_or(bytes);
        RawUpstream::answering(body_of(bytes, length)).await
    } else if let Some(bytes) = number("headers_bytes") {
        RawUpstream::answering(answer("200 OK", &[("x-large", &"x".repeat(bytes))], "[]")).await
    } else if !response["drip"].is_null() {
        RawUpstream::start(hostile::drip).await
    } else if !response["hang"].is_null() {
        RawUpstream::start(hostile::hang).await
    } else if !response["close"].is_null() {
        RawUpstream::start(hostile::reset_in_mid_body).await
    } else if !response["informational"].is_null() {
        let hints = "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n".repeat(1000);
        RawUpstream::answering(hints + &json_answer("[]")).await
    } else if !response["h2"].is_null() {
        RawUpstream::start(hostile::empty_h2_frames).await
    } else if !response["echo_secret"].is_null() {
        RawUpstream::start(hostile::repeat_secret_in_body).await
    } else if !response["echo_secret_header"].is_null() {
        RawUpstream::start(hostile::repeat_secret_in_header).await
    } else if let Some(depth) = number("json_depth") {
        RawUpstream::answering(json_answer(&hostile::deep_json(depth))).await
    } else if response["json"] == "duplicate keys" {
        RawUpstream::answering(json_answer(r#"[{"a": 1, "a": 2}]"#)).await
    } else if let Some(value) = ["html_in_value", "csv_in_value", "filename_in_value"]
        .iter()
        .find_map(|name| response[name].as_str())
    {
        let record = json!([{ value: value, "plain": value }]);
        RawUpstream::answering(json_answer(&record.to_string())).await
    } else if let Some(after) = response["retry_after"].as_str() {
        busy_once(after).await
    } else {
        let status = response["status"].as_u64()?;
        RawUpstream::answering(answer(&format!("{status} X"), &[], "")).await
    };
    Some(upstream)
}

/// A body of so many bytes behind a head that promises `length`. Whichever is the shorter is an
/// array of objects by itself, so that only its length can be wrong.
fn body_of(bytes: usize, length: usize) -> Vec<u8> {
    let whole = bytes.min(length);
    let mut answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n[").into_bytes();
    answer.resize(answer.len() + whole - 2, b' ');
    answer.push(b']');
    answer.resize(answer.len() + bytes - whole, b'x');
    answer
}

/// Asks for a wait once, and answers after that.
async fn busy_once(after: &str) -> RawUpstream {
    let busy = answer("503 Busy", &[("retry-after", after)], "");
    let asked = Arc::new(AtomicUsize::new(0));
    RawUpstream::start(move |_, stream| {
        let first = asked.fetch_add(1, Ordering::SeqCst) == 0;
        let text = if first { busy.clone() } else { json_answer("[]") };
        hostile::say(stream, text.into_bytes())
    })
    .await
}

/// What is shown or packaged that must not be.
async fn shows(bench: &Bench, response: &Value, request: &Value) -> Option<String> {
    let id = request["id"].as_str().unwrap();
    if response["content_length"] == 50 && response["body_bytes"] == 100 {
        let size = &request["tasks"][0]["queries"][0]["response_bytes"];
        return (size != 50).then(|| format!("{size} bytes were read"));
    }
    if !response["echo_secret"].is_null() || !response["echo_secret_header"].is_null() {
        let events =
            bench.client().get(&format!("/v1/privacy-requests/{id}/events")).await.json.to_string();
        let told = request.to_string() + &events;
        let reflected = request["tasks"][0]["failure"]["code"] == "secret_reflected";
        let secret = bench.secret("credentials");
        return (!reflected || told.contains(secret)).then(|| told.replace(secret, "•"));
    }
    if !["html_in_value", "csv_in_value", "filename_in_value"]
        .iter()
        .any(|name| !response[name].is_null())
    {
        return None;
    }
    let path = format!("/v1/privacy-requests/{id}/package");
    for (name, content) in unzip(bench.client().get_bytes(&path).await) {
        let text = String::from_utf8(content).unwrap();
        if name.contains("..") || name.starts_with('/') {
            return Some(format!("a file is called {name}"));
        }
        if name.ends_with(".html") && (text.contains("<img") || text.contains("onerror=alert(1)>"))
        {
            return Some(format!("{name} holds an active element"));
        }
        let cells = text.lines().flat_map(|line| line.split(','));
        let runs =
            |cell: &str| cell.trim_matches('"').starts_with(['=', '+', '-', '@', '\t', '\r']);
        if name.ends_with(".csv") && cells.into_iter().any(runs) {
            return Some(format!("{name} holds a cell that a spreadsheet would run"));
        }
    }
    None
}
