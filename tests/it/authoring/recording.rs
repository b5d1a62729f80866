//! Recording against a live server: nothing of a person and no secret is left, and what was
//! recorded passes.

use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::project::{Ran, author, rust_component};
use crate::support::needles::Needles;
use crate::support::upstream::{Reply, Upstream};

const EMAIL: &str = "ada.king+1815@lovelace-family.example";
const API_KEY: &str = "key-9f8e7d6c5b4a3210";

/// What the upstream says about the person.
const PERSONAL: [&str; 6] = [
    "Augusta \"Ada\" King, Countess of Lovelace",
    "+442071234567",
    "Cursor-Of-Ada-King==",
    "18151210274319",
    "Ockham Park/Surrey, 50% of it",
    "https://files.lovelace-family.example/ada-portrait?version=1843",
];

/// An API that says much about a person, in two pages.
async fn upstream() -> Upstream {
    let upstream = Upstream::start().await;
    upstream.on("GET", "/v1/contacts", |call| {
        let [name, phone, cursor, id, address, portrait] = PERSONAL;
        let id: Value = id.parse().unwrap();
        if call.query.contains("cursor=") {
            assert!(call.query.ends_with("&cursor=Cursor-Of-Ada-King%3D%3D"), "{}", call.query);
            return Reply::json(json!({ "items": [{ "id": 2, "parent": id }] }).to_string());
        }
        let item = json!({
            "id": id, "name": name, "email": EMAIL, "phones": [phone], "address": address,
            "portrait": portrait, "active": true, "state": "archived", "note": null,
        });
        let body = json!({ "items": [item], "next_cursor": cursor });
        let link = format!("<https://api.example/{cursor}>; rel=\"next\"");
        Reply::json(body.to_string()).header("link", &link).header("set-cookie", "session=ada-king")
    });
    upstream.script("DELETE", "/v1/contacts", [Reply::status(503), Reply::status(204)]);
    upstream
}

/// A place with what a recording is made of.
fn place(upstream: &Upstream) -> TempDir {
    let place = tempfile::tempdir().unwrap();
    let connection = json!({
        "name": "Users", "connector_type": "user_service", "mode": "live",
        "capabilities": ["privacy/access", "privacy/delete"],
        "config": { "origin": upstream.url("") },
    });
    std::fs::write(place.path().join("connection.json"), connection.to_string()).unwrap();
    let secrets = json!({ "api_key": API_KEY });
    std::fs::write(place.path().join("secrets.json"), secrets.to_string()).unwrap();
    place
}

async fn record(place: &Path, action: &str, more: &[&str]) -> Ran {
    let network = ["--development-network", "127.0.0.0/8"];
    record_publicly(place, action, &[&network[..], more].concat()).await
}

/// The same where no network is opened.
async fn record_publicly(place: &Path, action: &str, more: &[&str]) -> Ran {
    let component = rust_component().await;
    let identity = format!("email={EMAIL}");
    let line =
        ["plugin", "test", component.to_str().unwrap(), "--record", "--cassette", "new.json"];
    let what = ["--connection", "connection.json", "--secrets-file", "secrets.json"];
    let run = ["--action", action, "--identity", &identity];
    author(&[&line[..], &what, &run, more].concat(), place).await
}

/// Fails unless the recording passes as it is: it needs nothing opened.
async fn replays(place: &Path) {
    let component = rust_component().await;
    let component = component.to_str().unwrap();
    let ran = author(&["plugin", "test", component, "--cassette", "new.json"], place).await;
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
}

fn written(place: &Path) -> String {
    std::fs::read_to_string(place.join("new.json")).unwrap()
}

#[tokio::test]
async fn nothing_of_a_person_and_no_secret_is_left_in_a_recording_and_it_passes() {
    let upstream = upstream().await;
    let place = place(&upstream);
    let recorded = record(place.path(), "access", &["--keep", "/items/*/state"]).await;
    assert_eq!(recorded.code, 0, "{}{}", recorded.stdout, recorded.stderr);
    let calls = upstream.calls();
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[0].header("authorization"), Some(format!("Bearer {API_KEY}").as_str()));
    let text = written(place.path());
    let of_person = PERSONAL.map(str::to_owned).into_iter();
    let secrets = [EMAIL, API_KEY, "session=ada-king"].map(str::to_owned);
    let needles = Needles::new(of_person.chain(secrets));
    assert!(needles.found_in(text.as_bytes()).is_empty(), "{text}");
    assert!(needles.found_in(recorded.stdout.as_bytes()).is_empty());
    let cassette: Value = serde_json::from_str(&text).unwrap();
    let segment = &cassette["segments"][0];
    let [first, second] = [0, 1].map(|n| &segment["exchanges"][n]);
    assert_eq!(first["request"]["headers"]["authorization"], "Bearer {api_key}");
    let body = &first["response"]["body"];
    assert_eq!(body["items"][0]["email"], "{email}");
    assert_eq!(body["items"][0]["state"], "archived", "it was named to be kept");
    assert_eq!(body["items"][0]["id"], second["response"]["body"]["items"][0]["parent"]);
    let cursor = body["next_cursor"].as_str().unwrap();
    assert!(second["request"]["url"].as_str().unwrap().ends_with(&format!("&cursor={cursor}")));
    assert_eq!(segment["expect"]["records"][0][0]["email"], "{email}");
    drop(upstream);
    replays(place.path()).await;
}

#[tokio::test]
async fn every_try_of_a_request_is_recorded_and_played_without_waiting() {
    let upstream = upstream().await;
    let place = place(&upstream);
    let recorded = record(place.path(), "delete", &[]).await;
    assert_eq!(recorded.code, 0, "{}{}", recorded.stdout, recorded.stderr);
    let cassette: Value = serde_json::from_str(&written(place.path())).unwrap();
    let segment = &cassette["segments"][0];
    let statuses: Vec<_> =
        segment["exchanges"].as_array().unwrap().iter().map(|e| &e["response"]["status"]).collect();
    assert_eq!(statuses, [503, 204]);
    assert_eq!(segment["expect"], json!({ "outcome": "done" }));
    replays(place.path()).await;
}

#[tokio::test]
async fn what_cannot_be_recorded_leaves_no_file() {
    let upstream = upstream().await;
    let place = place(&upstream);
    let closed = record_publicly(place.path(), "access", &[]).await;
    assert_eq!(closed.code, 1, "{}", closed.stdout);
    let once = "error: connection.json: /config/origin: the address is not public; open its \
                network with --development-network 127.0.0.0/8\n";
    assert_eq!(closed.stderr, once);
    let keep = record(place.path(), "access", &["--keep", "items"]).await;
    assert!(keep.stderr.contains("a JSON pointer begins with '/'"), "{}", keep.stderr);
    assert!(upstream.calls().is_empty(), "whoever is asked is asked for something");
    assert!(!place.path().join("new.json").exists());
}

#[tokio::test]
async fn a_run_that_fails_is_recorded_only_where_that_is_what_was_wanted() {
    let upstream = upstream().await;
    upstream.on("GET", "/v1/contacts", |_| Reply::status(401).body(format!("no key of {EMAIL}")));
    let place = place(&upstream);
    let failed = record(place.path(), "access", &[]).await;
    assert_eq!(failed.code, 1, "{}", failed.stdout);
    let said = "error: the run failed, and nothing was written: query_failed at access/contacts: \
                unexpected status 401
  the last request, GET for access/contacts, was answered with 401
  --expect-failure records the failure as what must come of it
";
    assert_eq!(failed.stderr, said);
    assert!(!place.path().join("new.json").exists());
    let wanted = record(place.path(), "access", &["--expect-failure"]).await;
    assert_eq!(wanted.code, 0, "{}", wanted.stderr);
    let cassette: Value = serde_json::from_str(&written(place.path())).unwrap();
    let failure = json!({ "code": "query_failed", "label": "access/contacts" });
    assert_eq!(cassette["segments"][0]["expect"]["failure"], failure);
    replays(place.path()).await;
    let passed = record(place.path(), "delete", &["--expect-failure", "--force"]).await;
    assert_eq!(passed.code, 1, "{}", passed.stdout);
    assert!(passed.stderr.contains("the run did not fail"), "{}", passed.stderr);
    assert_eq!(written(place.path()), serde_json::to_string_pretty(&cassette).unwrap() + "\n");
}

#[tokio::test]
async fn a_file_that_is_there_is_replaced_only_by_force_and_before_that_nobody_is_asked() {
    let upstream = upstream().await;
    let place = place(&upstream);
    std::fs::write(place.path().join("new.json"), "mine").unwrap();
    let refused = record(place.path(), "delete", &[]).await;
    assert_eq!(refused.code, 1, "{}", refused.stdout);
    let said = "error: new.json is there already; record into a new file, or replace it with \
                --force\n";
    assert_eq!(refused.stderr, said);
    assert!(upstream.calls().is_empty());
    assert_eq!(written(place.path()), "mine");
    let replaced = record(place.path(), "delete", &["--force"]).await;
    assert_eq!(replaced.code, 0, "{}", replaced.stderr);
    replays(place.path()).await;
}
