//! Access: pages, cursors, tombstones and everything that goes wrong with them.

use serde_json::{Value, json};

use super::bench::{API_KEY, EMAIL, EMAIL_ENCODED, World, page};
use crate::support::upstream::Reply;

const CONTACTS: &str = "/v1/contacts";

/// What is asked for the person, with what stands behind the address in the query.
fn asked(more: &str) -> String {
    format!("GET {CONTACTS}?email={EMAIL_ENCODED}&limit=50{more}")
}

/// Scripts pages, runs an access request, and gives it back.
async fn complete(world: &World, pages: impl IntoIterator<Item = Reply>) -> Value {
    world.connect(json!({})).await;
    world.upstream.script("GET", CONTACTS, pages);
    world.complete("access").await
}

/// How many records a request found.
fn count(request: &Value) -> u64 {
    let finding = &request["tasks"][0]["finding"];
    if finding["kind"] == "nothing_found" {
        return 0;
    }
    assert_eq!(finding["kind"], "records", "{request}");
    finding["count"].as_u64().unwrap()
}

pub(super) async fn an_unknown_person_has_no_records(world: World) {
    let request = complete(&world, [Reply::status(404)]).await;
    assert_eq!(count(&request), 0, "{request}");
    assert_eq!(world.asked(), [asked("")]);
}

pub(super) async fn an_empty_page_has_no_records(world: World) {
    // No `next_cursor` at all is the last page as well.
    let request = complete(&world, [Reply::json(r#"{"items": []}"#)]).await;
    assert_eq!(count(&request), 0, "{request}");
    assert_eq!(world.asked(), [asked("")]);
}

pub(super) async fn one_page_is_one_request_with_everything_in_its_place(world: World) {
    world.connect(json!({ "page_size": 7 })).await;
    world.upstream.script("GET", CONTACTS, [page(r#"[{"id": 1}, {"id": 2}]"#, "null")]);
    let request = world.complete("access").await;
    assert_eq!(count(&request), 2, "{request}");
    let calls = world.upstream.calls();
    assert_eq!(world.asked(), [format!("GET {CONTACTS}?email={EMAIL_ENCODED}&limit=7")]);
    assert_eq!(calls[0].header("authorization"), Some(format!("Bearer {API_KEY}").as_str()));
    assert!(calls[0].body.is_empty());
}

pub(super) async fn three_pages_are_followed_by_their_cursors(world: World) {
    let pages = [
        page(r#"[{"id": 1}]"#, r#""c2""#),
        page(r#"[{"id": 2}]"#, r#""c3""#),
        page(r#"[{"id": 3}]"#, "null"),
    ];
    let request = complete(&world, pages).await;
    assert_eq!(count(&request), 3, "{request}");
    assert_eq!(world.asked(), [asked(""), asked("&cursor=c2"), asked("&cursor=c3")]);
    for (file, line) in [("contacts/1.csv", "id,1\n"), ("contacts/3.csv", "id,3\n")] {
        let content = world.file(&request, file).await.unwrap();
        assert_eq!(content.replace("\r\n", "\n"), line, "in the order of the pages");
    }
}

pub(super) async fn a_cursor_of_odd_characters_goes_back_as_it_came(world: World) {
    // A cursor that tries to leave its place, as an attacker who can write contacts would.
    let pages = [
        page("[]", r#""a b&limit=1#?/..\\%2F+{email}\"\u00fc\ud83d\ude00@evil.example""#),
        page("[]", "null"),
    ];
    complete(&world, pages).await;
    let cursor =
        "a%20b%26limit%3D1%23%3F%2F..%5C%252F%2B%7Bemail%7D%22%C3%BC%F0%9F%98%80%40evil.example";
    assert_eq!(world.asked(), [asked(""), asked(&format!("&cursor={cursor}"))]);
}

pub(super) async fn a_cursor_may_be_a_number(world: World) {
    complete(&world, [page("[]", "12345678901234567890"), page("[]", "null")]).await;
    assert_eq!(world.asked(), [asked(""), asked("&cursor=12345678901234567890")]);
}

pub(super) async fn every_email_of_a_person_is_asked_for(world: World) {
    world.connect(json!({})).await;
    let pages = [page(r#"[{"id": 1}]"#, r#""c2""#), page("[]", "null"), Reply::status(404)];
    world.upstream.script("GET", CONTACTS, pages);
    let emails = json!({ "email": [EMAIL, "p2@initech.example"] });
    let id = world.submit("access", emails).await;
    let request = world.tenant.wait_for_status(&id, "complete").await;
    assert_eq!(count(&request), 1, "{request}");
    let second = asked("").replace(EMAIL_ENCODED, "p2%40initech.example");
    assert_eq!(world.asked(), [asked(""), asked("&cursor=c2"), second]);
}

pub(super) async fn tombstones_are_left_out_and_numbers_stay_as_they_are(world: World) {
    let pages = [
        page(
            r#"[{"id": 1, "deleted": true}, {"id": 12345678901234567890, "n": 1.10, "deleted": "true"}]"#,
            r#""c2""#,
        ),
        page(r#"[{"id": 3, "deleted": true, "deleted_at": "2026-01-01"}]"#, r#""c3""#),
        page(r#"[{"id": 4, "deleted": false}]"#, "null"),
    ];
    let request = complete(&world, pages).await;
    assert_eq!(count(&request), 2, "{request}");
    let first = world.file(&request, "contacts/1.csv").await.unwrap();
    assert!(first.contains("12345678901234567890") && first.contains("1.10"), "{first}");
    let second = world.file(&request, "contacts/2.csv").await.unwrap();
    assert!(second.contains("id,4"), "{second}");
}

/// Whoever does not grant reading has the tombstones in the package, or nothing at all: what the
/// connector asks to read is withheld from it before it runs.
pub(super) async fn what_may_not_be_read_is_not_read(world: World) {
    world.connect_as(&world.connection(json!({}))).await;
    let granted = world
        .grant(|body| {
            body.as_object_mut().unwrap().remove("responses").unwrap();
        })
        .await;
    assert_eq!(granted["approval"], "waiting", "{granted}");
    world.upstream.script("GET", CONTACTS, [page(r#"[{"id": 1, "deleted": true}]"#, "null")]);
    let failure = world.failure("access").await;
    assert_eq!(failure["code"], "not_granted", "{failure}");
    assert_eq!(world.upstream.calls().len(), 0);
}

const PROFILE: &str = "/v1/profile";

/// Answers one empty page, and this as the profile; runs an access request.
async fn profiled(world: &World, profile: Reply) -> String {
    world.upstream.script("GET", CONTACTS, [page("[]", "null")]);
    world.upstream.script("GET", PROFILE, [profile]);
    world.submit("access", json!({ "email": EMAIL })).await
}

pub(super) async fn a_profile_is_one_object_behind_the_pages(world: World) {
    world.connect(json!({ "profile": true })).await;
    world.upstream.script("GET", CONTACTS, [page(r#"[{"id": 1}]"#, "null"), Reply::status(404)]);
    let profile = r#"{"profile": {"id": 12345678901234567890, "deleted": true, "n": 1.10}}"#;
    world.upstream.script("GET", PROFILE, [Reply::json(profile), Reply::status(404)]);
    let emails = json!({ "email": [EMAIL, "p2@initech.example"] });
    let id = world.submit("access", emails).await;
    let request = world.tenant.wait_for_status(&id, "complete").await;
    assert_eq!(count(&request), 2, "{request}");
    let of = |line: String| line.replace(EMAIL_ENCODED, "p2%40initech.example");
    let first = format!("GET {PROFILE}?email={EMAIL_ENCODED}");
    assert_eq!(world.asked(), [asked(""), of(asked("")), first.clone(), of(first)]);
    let content = world.file(&request, "contacts/2.csv").await.unwrap();
    let lines = "id,12345678901234567890\ndeleted,true\nn,1.10\n";
    assert_eq!(content.replace("\r\n", "\n"), lines, "as it was, and no tombstone");
}

pub(super) async fn no_profile_is_no_record_and_no_failure(world: World) {
    world.connect(json!({ "profile": true })).await;
    for none in [r#"{"profile": null}"#, r#"{"telefon": {}}"#, "[]"] {
        let id = profiled(&world, Reply::json(none)).await;
        let request = world.tenant.wait_for_status(&id, "complete").await;
        assert_eq!(count(&request), 0, "{none}: {request}");
    }
}

pub(super) async fn what_is_no_profile_is_a_failure_that_quotes_nothing(world: World) {
    world.connect(json!({ "profile": true })).await;
    for malformed in [
        r#"{"profile": []}"#,
        r#"{"profile": [{"telefon": "123456"}]}"#,
        r#"{"profile": ["123456"]}"#,
        r#"{"profile": "123456"}"#,
        r#"{"profile": 123456}"#,
        r#"{"profile": false}"#,
        r#"{"profile": {"telefon": 1, "telefon": 2}}"#,
        r#"{"profile": {"telefon": "123456"}"#,
        "telefon 123456",
        "",
    ] {
        let id = profiled(&world, Reply::json(malformed)).await;
        let request = world.tenant.wait_for_status(&id, "error").await;
        let failure = &request["tasks"][0]["failure"];
        assert_eq!(failure["code"], "malformed_response", "{malformed}: {failure}");
        assert_eq!(failure["label"], "access/profile", "{malformed}: {failure}");
        let text = failure.to_string();
        assert!(!text.contains("telefon") && !text.contains("123456"), "{text}");
    }
}

pub(super) async fn the_limit_of_pages_ends_the_run(world: World) {
    world.connect(json!({ "max_pages": 2 })).await;
    world.upstream.on("GET", CONTACTS, |_| page(r#"[{"id": 1}]"#, r#""again""#));
    let failure = world.failure("access").await;
    assert_eq!(failure["code"], "query_failed", "{failure}");
    assert_eq!(failure["label"], "access/contacts/next", "{failure}");
    assert_eq!(world.asked(), [asked(""), asked("&cursor=again")]);
    // What fits the limit exactly is no failure.
    world.upstream.script("GET", CONTACTS, [page("[]", r#""again""#), page("[]", "null")]);
    world.complete("access").await;
}

pub(super) async fn a_malformed_page_is_a_failure_that_quotes_nothing(world: World) {
    world.connect(json!({})).await;
    for malformed in [
        r#"{"items": {"telefon": "123456"}}"#,
        r#"{"telefon": "123456"}"#,
        r#"[{"telefon": "123456"}]"#,
        r#"{"items": [7, "123456"]}"#,
        r#"{"items": [], "next_cursor": {"telefon": "123456"}}"#,
        r#"{"items": [{"telefon": 1, "telefon": 2}]}"#,
        r#"{"items": [{"telefon": "123456"}"#,
        "telefon 123456",
    ] {
        world.upstream.script("GET", CONTACTS, [Reply::json(malformed)]);
        let failure = world.failure("access").await;
        assert_eq!(failure["code"], "malformed_response", "{malformed}: {failure}");
        assert_eq!(failure["label"], "access/contacts", "{malformed}: {failure}");
        let text = failure.to_string();
        assert!(!text.contains("telefon") && !text.contains("123456"), "{text}");
    }
}

pub(super) async fn a_status_that_is_no_success_is_a_failure_of_its_query(world: World) {
    world.connect(json!({})).await;
    world.upstream.script("GET", CONTACTS, [Reply::status(500)]);
    let failure = world.failure("access").await;
    assert_eq!(
        (&failure["code"], &failure["label"]),
        (&json!("query_failed"), &json!("access/contacts"))
    );
    // The person is known by now: a page that is not there is another matter than the first.
    world.upstream.script("GET", CONTACTS, [page("[]", r#""c2""#), Reply::status(404)]);
    let failure = world.failure("access").await;
    let label = json!("access/contacts/next");
    assert_eq!((&failure["code"], &failure["label"]), (&json!("query_failed"), &label));
    assert_eq!(world.upstream.calls().len(), 3, "none is tried again");
}

pub(super) async fn what_comes_later_is_waited_for(world: World) {
    let later = |status| Reply::status(status).header("retry-after", "0");
    let replies = [later(429), page("[]", r#""c2""#), later(503), page(r#"[{"id": 2}]"#, "null")];
    let request = complete(&world, replies).await;
    assert_eq!(count(&request), 1, "{request}");
    let next = asked("&cursor=c2");
    assert_eq!(world.asked(), [asked(""), asked(""), next.clone(), next]);
}

pub(super) async fn without_an_email_nothing_is_sent(world: World) {
    world.connect(json!({})).await;
    let id = world.submit("access", json!({ "user_id": "17" })).await;
    let request = world.tenant.wait_for_status(&id, "error").await;
    let failure = &request["tasks"][0]["failure"];
    assert_eq!(failure["code"], "missing_placeholder", "{request}");
    assert_eq!(failure["label"], "access/contacts", "{request}");
    assert_eq!(world.upstream.calls().len(), 0);
}
