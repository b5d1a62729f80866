//! What is left of a recording of somebody's answers, and what is not.

use cordon_runtime::{TapedPiece, TapedRequest};
use serde_json::json;

use super::super::leaks;
use super::*;

fn names() -> Names {
    let emails = ["ada@lovelace.example".to_owned()];
    Names::new([("email", emails.as_slice())], [("api_key", "k-1843-secret")])
}

fn scrub(keep: &[&str], reads: bool) -> Scrub {
    let keep: Vec<String> = keep.iter().map(|pointer| (*pointer).to_owned()).collect();
    let authored = ["{\"origin\":\"https://crm.example/v1/people\",\"size\":50}".to_owned()];
    Scrub::new(names(), &keep, &authored, reads).unwrap()
}

fn heard(url: Vec<TapedPiece>, body: Value) -> Heard {
    let request = TapedRequest {
        label: "access/people".to_owned(),
        method: "GET".to_owned(),
        url,
        headers: vec![("Authorization".to_owned(), vec![TapedPiece::Name("api_key".to_owned())])],
        body: None,
        reads_body: true,
    };
    let link = "<https://crm.example/v1/people?cursor=tok77&size=50>; rel=\"next\"".to_owned();
    let headers = vec![("link".to_owned(), link)];
    let body = Some(body.to_string().into_bytes().into());
    Heard { request, answer: HeardAnswer::Response { status: 200, headers, body } }
}

fn literal(text: &str) -> TapedPiece {
    TapedPiece::Literal(text.to_owned())
}

#[test]
fn equal_values_have_equal_stand_ins_wherever_they_stand() {
    let mut scrub = scrub(&[], false);
    let url = vec![literal("https://crm.example/v1/people")];
    let body = json!({
        "items": [{"id": 4711, "name": "Ada", "email": "ada@lovelace.example", "ok": true}],
        "owner": "4711", "next": "tok77", "other": "grace@hopper.example",
    });
    let first = scrub.exchange(&heard(url.clone(), body)).unwrap();
    let body = first.response.body.unwrap();
    assert_eq!(body["items"][0]["email"], "{email}");
    assert_eq!(body["items"][0]["ok"], true);
    assert_eq!(body["items"][0]["id"].to_string(), body["owner"].as_str().unwrap());
    assert!(body["other"].as_str().unwrap().ends_with("@cassette.example"));
    let next = body["next"].as_str().unwrap();
    let link = first.response.headers["link"].as_str().unwrap();
    let expected = format!("<https://crm.example/v1/people?cursor={next}&size=50>; rel=\"next\"");
    assert_eq!(link, expected);
    let url = [url, vec![literal("?cursor="), TapedPiece::Held("tok77".to_owned())]].concat();
    let second = scrub.exchange(&heard(url, json!([]))).unwrap();
    assert_eq!(second.request.url, format!("https://crm.example/v1/people?cursor={next}"));
    assert_eq!(second.request.headers["authorization"], "{api_key}");
}

#[test]
fn what_is_named_is_kept_and_a_person_in_it_is_not() {
    let mut scrub = scrub(&["/items/*/state", "/note"], false);
    let body = json!({
        "items": [{"state": "active", "name": "Ada"}, {"state": "gone", "name": "active"}],
        "note": "asked by ada@lovelace.example",
    });
    let exchange = scrub.exchange(&heard(vec![literal("https://crm.example")], body)).unwrap();
    let body = exchange.response.body.unwrap();
    assert_eq!(
        (&body["items"][0]["state"], &body["items"][1]["state"]),
        (&json!("active"), &json!("gone"))
    );
    assert_ne!(body["items"][0]["name"], "Ada");
    assert_eq!(body["note"], "asked by {email}");
}

#[test]
fn a_connector_that_reads_may_have_written_what_it_read() {
    let mut scrub = scrub(&[], true);
    let body = json!({"next": "https://crm.example/v1/people?after=Ada%20L"});
    scrub.exchange(&heard(vec![literal("https://crm.example/v1/people")], body)).unwrap();
    let next = literal("https://crm.example/v1/people?after=Ada%20L&for=ada%40lovelace.example");
    let exchange = scrub.exchange(&heard(vec![next], json!([]))).unwrap();
    let url = exchange.request.url;
    assert!(!url.contains("Ada") && url.ends_with("&for={email}"), "{url}");
}

#[test]
fn what_was_missed_is_found_in_every_encoding() {
    let mut scrub = scrub(&[], false);
    let body = json!({"name": "Ada \"Countess\" Lovelace"});
    scrub.exchange(&heard(vec![literal("https://crm.example")], body)).unwrap();
    leaks::refuse("{\"url\": \"https://crm.example/{email}\"}", &scrub).unwrap();
    for leak in [
        "Ada \\\"Countess\\\" Lovelace",
        "Ada%20%22Countess%22%20Lovelace",
        // Base64 of it, with other text before it.
        "eHggQWRhICJDb3VudGVzcyIgTG92ZWxhY2U=",
        "ada%40lovelace.example",
        "ay0xODQzLXNlY3JldA==",
    ] {
        let error = leaks::refuse(&format!("{{\"x\": \"{leak}\"}}"), &scrub).unwrap_err();
        let said = format!("{error:#}");
        assert!(said.contains("nothing was written") && !said.contains("Ada"), "{leak}: {said}");
    }
}

#[test]
fn a_place_that_was_to_be_kept_and_that_no_answer_has_is_told() {
    let mut scrub = scrub(&["/guests/*/ref", "/guets/*/ref"], false);
    scrub.exchange(&heard(Vec::new(), json!({ "guests": [{ "ref": "R-1" }] }))).unwrap();
    assert_eq!(scrub.kept_nowhere().collect::<Vec<_>>(), ["/guets/*/ref"]);
}
