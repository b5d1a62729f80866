//! A run that is repeated does the same again.

use serde_json::json;

use super::bench::{EMAIL, World, page};
use crate::support::upstream::{Gate, Reply};

const CONTACTS: &str = "/v1/contacts";

/// Killed with SIGKILL in the middle of a listing and in the middle of two deletions. The host
/// compares each call with the journal: another one than before would be `nondeterministic`.
pub(super) async fn a_run_that_was_killed_is_repeated_as_it_was(mut world: World) {
    world.connect(json!({})).await;
    let gate = Gate::new();
    let pages = || [page(r#"[{"id": 1}]"#, r#""c2""#), page(r#"[{"id": 2}]"#, r#""c 3""#)];
    let last = || page(r#"[{"id": 3}]"#, "null");
    world.upstream.script("GET", CONTACTS, pages()).script(
        "GET",
        CONTACTS,
        [last().held_by(&gate)],
    );
    let id = world.submit("access", json!({ "email": EMAIL })).await;
    world.upstream.wait_for_calls(3).await;
    world.upstream.script("GET", CONTACTS, pages()).script("GET", CONTACTS, [last()]);
    world.kill_and_restart().await;
    world.tenant.wait_for_status(&id, "complete").await;
    let asked = world.asked();
    assert_eq!(asked[..3], asked[3..], "safe calls are sent again, and are the same");

    world.upstream.script(
        "DELETE",
        CONTACTS,
        [Reply::status(204), Reply::status(204).held_by(&gate), Reply::status(404)],
    );
    let emails = json!({ "email": [EMAIL, "p2@initech.example"] });
    let id = world.submit("delete", emails).await;
    world.upstream.wait_for_calls(8).await;
    world.kill_and_restart().await;
    let request = world.tenant.wait_for_status(&id, "complete").await;
    assert_eq!(request["tasks"][0]["finding"]["kind"], "done", "the first call is on record");
    let deletions = world.upstream.calls().split_off(6);
    assert_eq!(deletions.len(), 3, "the first is not sent again");
    assert_eq!(deletions[1].query, deletions[2].query);
    let key = |index: usize| deletions[index].header("idempotency-key").unwrap();
    assert_eq!(key(1), key(2), "an upstream can tell that it is the same call");
    assert_ne!(key(0), key(1));
    gate.open();
}
