//! `plugins/examples/paginated`, as its README says.

use serde_json::json;

use super::{Bench, EMAILS};
use crate::support::upstream::{Call, Reply};

const COMPONENT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/paginated.wasm"));

const ALL: [&str; 3] = ["privacy/access", "privacy/delete", "privacy/identifiers"];

async fn bench() -> Bench {
    let bench = Bench::of(COMPONENT, "contacts", &ALL, json!({ "page_size": 2 })).await;
    answer(&bench);
    bench
}

/// The first email has two pages, the second one nothing.
fn answer(bench: &Bench) {
    bench.upstream.on("GET", "/v1/contacts", |call: &Call| match call.query.as_str() {
        query if query.contains("home.example") => Reply::status(404),
        query if query.ends_with("&cursor=c%2F2%26x") => {
            Reply::json(r#"{"items": [{"id": 3, "deleted": true}, {"id": 12345678901234567890}]}"#)
        }
        query => {
            assert!(!query.contains("cursor"), "{query}");
            Reply::json(r#"{"items": [{"id": 1}, {"id": 2}], "next_cursor": "c/2&x"}"#)
        }
    });
}

#[tokio::test]
async fn a_listing_is_followed_over_its_pages_for_every_email() {
    let bench = bench().await;
    bench.test_passes().await;
    let request = bench.complete("access").await;
    let [first, second] = EMAILS.map(|email| format!("GET /v1/contacts?email={email}&limit=2"));
    assert_eq!(
        bench.calls(),
        ["GET /v1/ping".to_owned(), first.clone(), format!("{first}&cursor=c%2F2%26x"), second]
    );
    let package = bench.package(&request).await;
    let ids: Vec<String> =
        (1..=3).map(|n| package.text(&format!("people/{n}.csv")).trim().to_owned()).collect();
    assert_eq!(ids, ["id,1", "id,2", "id,12345678901234567890"], "the tombstone is left out");
}

#[tokio::test]
async fn nothing_is_sent_before_the_read_grant_is_given_too() {
    let bench = Bench::waiting(COMPONENT, "contacts", &ALL, json!({ "page_size": 2 })).await;
    answer(&bench);
    let path = "/v1/connections/people/grants";
    let needs = bench.operator.get(path).await.json["missing"].clone();
    let blind = json!({ "http": needs["http"], "secrets": needs["secrets"] });
    let put = bench.operator.put(path, &blind).await;
    assert_eq!(put.json["missing"]["responses"], "read", "{}", put.json);
    let id = bench.submit("access").await;
    let failed = bench.operator.wait_for_status(&id, "error").await;
    assert_eq!(failed["tasks"][0]["failure"]["code"], "not_granted", "{failed:#}");
    assert_eq!(bench.upstream.calls().len(), 0);
}

#[tokio::test]
async fn a_contact_is_deleted_by_each_email() {
    let bench = bench().await;
    bench.upstream.script("DELETE", "/v1/contacts", [Reply::status(404), Reply::status(204)]);
    let request = bench.complete("delete").await;
    assert_eq!(bench.calls(), EMAILS.map(|email| format!("DELETE /v1/contacts?email={email}")));
    assert_eq!(request["tasks"][0]["finding"]["kind"], "done", "{request:#}");
    bench.upstream.on("DELETE", "/v1/contacts", |_| Reply::status(404));
    let request = bench.complete("delete").await;
    assert_eq!(request["tasks"][0]["finding"]["kind"], "nothing_found");
}

#[tokio::test]
async fn contact_ids_are_found_by_each_email() {
    let bench = bench().await;
    bench.upstream.script(
        "GET",
        "/v1/contacts/ids",
        [Reply::json(r#"{"ids": [{"contact_id": 17}]}"#), Reply::status(404)],
    );
    let request = bench.complete("identifiers").await;
    let found = bench.package(&request).await.json("identities.json");
    assert_eq!((&found[0]["kind"], &found[0]["value"]), (&json!("contact_id"), &json!("17")));
}
