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
    let component = rust_component().await;
    let identity = format!("email={EMAIL}");
    let line =
        ["plugin", "test", component.to_str().unwrap(), "--record", "--cassette", "new.json"];
    let what = ["--connection", "connection.json", "--secrets-file", "secrets.json"];
    let run = ["--action", action, "--identity", &identity];
    let network = ["--development-network", "127.0.0.0/8"];
    author(&[&line[..], &what, &run, &network, more].concat(), place).await
}

async fn replays(place: &Path) {
    let component = rust_component().await;
    let component = component.to_str().unwrap();
    let line = ["plugin", "test", component, "--cassette", "new.json"];
    let network = ["--development-network", "127.0.0.0/8"];
    let ran = author(&[&line[..], &network].concat(), place).await;
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
    // Loopback is not open to it.
    let component = rust_component().await;
    let component = component.to_str().unwrap();
    let line = ["plugin", "test", component, "--record", "--cassette", "new.json"];
    let what = ["--connection", "connection.json", "--action", "access"];
    let whom = ["--identity", "email=a@b.example", "--secrets-file", "secrets.json"];
    let closed = author(&[&line[..], &what, &whom].concat(), place.path()).await;
    assert_eq!(closed.code, 1, "{}", closed.stdout);
    assert!(upstream.calls().is_empty());
    let keep = record(place.path(), "access", &["--keep", "items"]).await;
    assert!(keep.stderr.contains("a JSON pointer begins with '/'"), "{}", keep.stderr);
    assert!(!place.path().join("new.json").exists());
}
