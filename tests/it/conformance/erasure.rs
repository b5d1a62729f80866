//! Deletion.

use serde_json::json;

use super::bench::{API_KEY, EMAIL, EMAIL_ENCODED, World};
use crate::support::upstream::Reply;

const CONTACTS: &str = "/v1/contacts";

pub(super) async fn who_is_deleted_is_deleted(world: World) {
    world.connect(json!({})).await;
    world.upstream.script("DELETE", CONTACTS, [Reply::status(204)]);
    let request = world.complete("delete").await;
    let finding = &request["tasks"][0]["finding"];
    assert_eq!((&finding["kind"], &finding["verified"]), (&json!("done"), &json!(true)));
    let calls = world.upstream.calls();
    assert_eq!(world.asked(), [format!("DELETE {CONTACTS}?email={EMAIL_ENCODED}")]);
    assert_eq!(calls[0].header("authorization"), Some(format!("Bearer {API_KEY}").as_str()));
    assert!(calls[0].header("idempotency-key").is_some());
}

pub(super) async fn who_is_unknown_is_not_found(world: World) {
    world.connect(json!({})).await;
    world.upstream.script("DELETE", CONTACTS, [Reply::status(404)]);
    let request = world.complete("delete").await;
    assert_eq!(request["tasks"][0]["finding"]["kind"], "nothing_found", "{request}");
}

pub(super) async fn one_deleted_of_two_is_deleted(world: World) {
    world.connect(json!({})).await;
    world.upstream.script("DELETE", CONTACTS, [Reply::status(204), Reply::status(404)]);
    let id = world.submit("delete", json!({ "email": [EMAIL, "p2@initech.example"] })).await;
    let request = world.tenant.wait_for_status(&id, "complete").await;
    assert_eq!(request["tasks"][0]["finding"]["kind"], "done", "{request}");
    assert_eq!(world.upstream.calls().len(), 2);
}

pub(super) async fn a_deletion_that_fails_is_a_failure(world: World) {
    world.connect(json!({})).await;
    world.upstream.script("DELETE", CONTACTS, [Reply::status(403)]);
    let failure = world.failure("delete").await;
    let label = json!("delete/contact");
    assert_eq!((&failure["code"], &failure["label"]), (&json!("query_failed"), &label));
}
