//! Identifiers.

use serde_json::{Value, json};

use super::bench::{EMAIL_ENCODED, World};
use crate::support::upstream::Reply;

const IDS: &str = "/v1/contacts/ids";

pub(super) async fn what_is_found_is_in_the_package(world: World) {
    world.connect(json!({})).await;
    let body = r#"{"ids": [{"contact_id": 17}, {"contact_id": "x-18", "more": []}]}"#;
    world.upstream.on("GET", IDS, move |_| Reply::json(body));
    let request = world.complete("identifiers").await;
    let found = world.file(&request, "identities.json").await.unwrap();
    let found: Value = serde_json::from_str(&found).unwrap();
    let values: Vec<_> = found.as_array().unwrap().iter().map(|one| &one["value"]).collect();
    assert_eq!(values, [&json!("17"), &json!("x-18")]);
    assert!(found.as_array().unwrap().iter().all(|one| one["kind"] == "contact_id"), "{found}");
    assert_eq!(world.asked(), [format!("GET {IDS}?email={EMAIL_ENCODED}")]);
}

pub(super) async fn nobody_is_found_where_nobody_is(world: World) {
    world.connect(json!({})).await;
    world.upstream.on("GET", IDS, |_| Reply::status(404));
    world.complete("identifiers").await;
    assert_eq!(world.upstream.calls().len(), 1);
}

pub(super) async fn an_object_without_the_identifier_is_malformed(world: World) {
    world.connect(json!({})).await;
    world.upstream.on("GET", IDS, |_| Reply::json(r#"{"ids": [{"telefon": 17}]}"#));
    let failure = world.failure("identifiers").await;
    assert_eq!(failure["code"], "malformed_response", "{failure}");
    assert_eq!(failure["label"], "identifiers/contact_id", "{failure}");
    assert!(!failure.to_string().contains("telefon"), "{failure}");
}
