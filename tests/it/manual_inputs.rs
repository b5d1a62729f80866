//! What a person supplies: texts and files, by whom, once or again, and for any connector.

use serde_json::{Value, json};

use crate::support::manual::{
    ARCHIVE, POLICY, Part, connection, created, events, forms, give, give_form, host_with_archive,
    input_of, link, problems, resume, waiting_request,
};
use crate::support::package::Bundle;
use crate::support::seed;
use crate::support::test_host::TestHost;

/// A host whose form takes a text, a file, and either.
async fn host_with_files(auto_resume: bool) -> TestHost {
    let host = host_with_archive(auto_resume).await;
    let fields = json!([
        { "pii_field": "Phone" },
        { "pii_field": "Scan", "types": ["file"] },
        { "pii_field": "Note", "types": ["string", "file"] },
    ]);
    link(&host.operator(), POLICY, ARCHIVE, &json!({ "fields": fields })).await;
    host
}

fn problem(code: &str, pointer: &str) -> Vec<(String, String)> {
    vec![(code.to_owned(), pointer.to_owned())]
}

#[tokio::test]
async fn files_reach_the_package_as_they_are_beside_the_texts() {
    let mut host = host_with_files(false).await;
    let id = waiting_request(&host).await;
    // Larger than what is kept in a row, and anything but text.
    let scan: Vec<u8> = (0..200_000_u32).map(|n| (n % 251) as u8).collect();
    let parts: [Part<'_>; 3] = [
        ("phone", None, "+1 512 555 0142".as_bytes()),
        ("scan", Some(("Ausweis Kopie.pdf", "application/pdf")), &scan),
        ("note", Some(("note.txt", "text/plain")), b""),
    ];
    let given = give_form(&host.operator(), &input_of(&id, ARCHIVE), &parts).await;
    assert_eq!(given.status, 200, "{}", given.json);
    host.restart().await;
    assert_eq!(resume(&host, &id).await.status, 200);
    host.wait_for_status(&id, "complete").await;

    let bundle = Bundle::of(&host, &id).await;
    let record = bundle.json("paper-archive/1.json");
    assert_eq!(record["phone"], "+1 512 555 0142");
    let path = record["scan"].as_str().unwrap();
    let manifest = bundle.json("manifest.json");
    let files = manifest["files"].as_array().unwrap();
    let entry = files.iter().find(|file| file["path"] == path).unwrap();
    assert_eq!(bundle.sha256(path), entry["sha256"].as_str().unwrap());
    assert_eq!(bundle.bytes(path), scan);
    assert!(path.ends_with(".pdf"), "{path}");
    assert!(bundle.bytes(record["note"].as_str().unwrap()).is_empty());
}

#[tokio::test]
async fn a_file_and_its_name_are_sealed() {
    let host = host_with_files(false).await;
    let id = waiting_request(&host).await;
    let content = b"needle-in-a-file ".repeat(10_000);
    let parts: [Part<'_>; 1] = [("scan", Some(("needle-in-a-name.pdf", "image/png")), &content)];
    let given = give_form(&host.operator(), &input_of(&id, ARCHIVE), &parts).await;
    assert_eq!(given.status, 200, "{}", given.json);
    let holds = |bytes: &[u8], needle: &[u8]| bytes.windows(needle.len()).any(|w| w == needle);
    for (path, bytes) in host.stored_files() {
        assert!(!holds(&bytes, b"needle-in-a"), "{}", path.display());
    }
    let told = format!("{:?} {:?}", forms(&host, &id).await, events(&host, &id).await);
    assert!(!told.contains("needle-in-a"), "{told}");
}

#[tokio::test]
async fn a_label_that_takes_either_is_a_file_when_its_part_has_a_filename() {
    let host = host_with_files(true).await;
    let id = waiting_request(&host).await;
    let parts: [Part<'_>; 1] = [("note", None, b"only a text")];
    let given = give_form(&host.operator(), &input_of(&id, ARCHIVE), &parts).await;
    assert_eq!(given.status, 200, "{}", given.json);
    host.wait_for_status(&id, "complete").await;
    let bundle = Bundle::of(&host, &id).await;
    assert_eq!(bundle.json("paper-archive/1.json")["note"], "only a text");
    assert_eq!(bundle.json("paper-archive/1.json")["scan"], Value::Null);
}

#[tokio::test]
async fn a_file_is_refused_for_its_name_its_label_or_its_size_and_nothing_is_stored() {
    let host = TestHost::start_configured(|config| {
        config.engine.input_file_bytes_max = 1000;
        config.engine.input_files_bytes_max = 1500;
    })
    .await;
    crate::support::manual::ask_by(&host.operator(), &[ARCHIVE], false).await;
    let fields = json!([
        { "pii_field": "a", "types": ["file"] },
        { "pii_field": "b", "types": ["file"] },
        { "pii_field": "c" },
    ]);
    link(&host.operator(), POLICY, ARCHIVE, &json!({ "fields": fields })).await;
    let id = waiting_request(&host).await;
    let operator = host.operator();
    let path = input_of(&id, ARCHIVE);
    let put = async |parts: &[Part<'_>]| give_form(&operator, &path, parts).await;
    let file = Some(("f.pdf", "application/pdf"));

    for name in ["../../etc/passwd", "a\\b", "", "a\u{202e}fdp.exe", &"x".repeat(201)] {
        let refused = put(&[("a", Some((name, "application/pdf")), b"1")]).await;
        assert_eq!(problems(&refused), problem("invalid_file_name", "/a"), "{name:?}");
    }
    assert_eq!(problems(&put(&[("c", file, b"1")]).await), problem("wrong_type", "/c"));
    assert_eq!(problems(&put(&[("a", None, b"1")]).await), problem("wrong_type", "/a"));
    assert_eq!(problems(&put(&[("d", file, b"1")]).await), problem("unknown_label", "/d"));
    let twice = put(&[("a", file, b"1"), ("a", file, b"2")]).await;
    assert_eq!(problems(&twice), problem("duplicate_label", "/a"));
    let no_text = put(&[("c", None, b"\xff")]).await;
    assert_eq!(problems(&no_text), problem("not_text", "/c"));
    let as_json = operator.put(&path, &json!({ "a": "base64?" })).await;
    assert_eq!(problems(&as_json), problem("wrong_type", "/a"));
    for parts in [
        vec![("a", file, vec![b'x'; 1001])],
        vec![("a", file, vec![b'x'; 1000]), ("b", file, vec![b'x'; 501])],
        // Far over it: the caller hears so although it is still sending.
        vec![("a", file, vec![b'x'; 4_000_000])],
    ] {
        let parts: Vec<Part<'_>> = parts.iter().map(|(l, f, c)| (*l, *f, c.as_slice())).collect();
        let refused = put(&parts).await;
        assert_eq!((refused.status, &refused.json["code"]), (413, &json!("body_too_large")));
    }
    let form = &forms(&host, &id).await[0];
    assert_eq!((&form["provided"], &form["given"]), (&json!(false), &json!([])));
    let largest = put(&[("a", file, &[b'x'; 1000]), ("b", file, &[b'x'; 500])]).await;
    assert_eq!(largest.status, 200, "{}", largest.json);
}

#[tokio::test]
async fn a_body_that_is_neither_json_nor_a_form_is_refused() {
    let host = host_with_files(false).await;
    let id = waiting_request(&host).await;
    let put = async |media_type: &str, body: &'static str| {
        let body = Some((media_type, body.into()));
        let refused = host.operator().call("PUT", &input_of(&id, ARCHIVE), &[], body).await;
        (refused.status, refused.json["code"].as_str().unwrap().to_owned())
    };
    let is = |status: u16, code: &str| (status, code.to_owned());
    assert_eq!(put("text/plain", "x").await, is(415, "unsupported_media_type"));
    assert_eq!(put("multipart/form-data", "x").await, is(400, "invalid_header"));
    assert_eq!(put("multipart/form-data; boundary=b", "x").await, is(400, "malformed_form"));
}

#[tokio::test]
async fn a_form_shows_which_labels_were_given_by_whom_and_when_and_never_a_value() {
    let host = host_with_archive(false).await;
    let id = waiting_request(&host).await;
    let form = &forms(&host, &id).await[0];
    assert_eq!((&form["waits"], &form["provided"]), (&json!(true), &json!(false)));
    assert_eq!(form["given"], json!([]));
    let given = give(&host, &id, ARCHIVE, &json!({ "badge": "B-17-secret" })).await;
    assert_eq!(given["status"], "requires_input");
    let form = &forms(&host, &id).await[0];
    assert_eq!(form["provided"], true);
    let badge = json!([{ "label": "badge", "type": "string", "matches": true }]);
    assert_eq!(form["given"], badge);
    assert_eq!(form["given_by"], "operator");
    assert!(form["given_at"].as_str().unwrap().ends_with('Z'));
    assert!(!format!("{form}").contains("B-17-secret"));
}

#[tokio::test]
async fn an_input_replaces_the_one_before_as_a_whole_and_both_stay_on_record() {
    let host = host_with_archive(false).await;
    let id = waiting_request(&host).await;
    give(&host, &id, ARCHIVE, &json!({ "badge": "1", "phone_number": "2" })).await;
    give(&host, &id, ARCHIVE, &json!({ "badge": "3" })).await;
    assert_eq!(resume(&host, &id).await.status, 200);
    host.wait_for_status(&id, "complete").await;
    let bundle = Bundle::of(&host, &id).await;
    let record = bundle.json("paper-archive/1.json");
    assert_eq!(record, json!({ "phone_number": null, "badge": "3" }));
    let given = events(&host, &id).await;
    let given = given.iter().filter(|event| event["event"] == "request.input_given");
    let facts = given.map(|e| (e["facts"]["values"].clone(), e["facts"]["replaced"].clone()));
    let facts: Vec<_> = facts.collect();
    let text = |text: &str| json!(text);
    assert_eq!(facts, [(text("2"), text("false")), (text("1"), text("true"))]);
}

#[tokio::test]
async fn two_people_who_answer_at_once_leave_one_answer_and_two_entries_in_the_ledger() {
    let host = host_with_archive(false).await;
    let id = waiting_request(&host).await;
    let (operator, path) = (host.operator(), input_of(&id, ARCHIVE));
    let (one, two) = (json!({ "badge": "1" }), json!({ "badge": "2" }));
    let (a, b) = tokio::join!(operator.put(&path, &one), operator.put(&path, &two));
    assert_eq!((a.status, b.status), (200, 200), "{} {}", a.json, b.json);
    let given = events(&host, &id).await;
    let replaced: Vec<_> = given
        .iter()
        .filter(|event| event["event"] == "request.input_given")
        .map(|event| event["facts"]["replaced"].clone())
        .collect();
    assert_eq!(replaced, ["false", "true"]);
    assert_eq!(resume(&host, &id).await.status, 200);
    host.wait_for_status(&id, "complete").await;
}

#[tokio::test]
async fn an_input_is_accepted_before_the_request_goes_on_or_not_at_all() {
    let host = host_with_archive(false).await;
    let operator = host.operator();
    for _ in 0..20 {
        let id = waiting_request(&host).await;
        give(&host, &id, ARCHIVE, &json!({ "badge": "first" })).await;
        let (path, second) = (input_of(&id, ARCHIVE), json!({ "badge": "second" }));
        let (put, resumed) = tokio::join!(operator.put(&path, &second), resume(&host, &id));
        assert_eq!(resumed.status, 200, "{}", resumed.json);
        host.wait_for_status(&id, "complete").await;
        let expected = match put.status {
            200 => "second",
            409 => "first",
            other => panic!("{other}: {}", put.json),
        };
        let record = Bundle::of(&host, &id).await.json("paper-archive/1.json");
        assert_eq!(record["badge"], expected, "what was acknowledged is what is used");
    }
}

#[tokio::test]
async fn a_request_that_is_canceled_while_it_is_answered_stays_canceled() {
    let host = host_with_archive(true).await;
    let operator = host.operator();
    for _ in 0..10 {
        let id = waiting_request(&host).await;
        let (path, values) = (input_of(&id, ARCHIVE), json!({ "badge": "1" }));
        let (cancel, nothing) = (format!("/v1/privacy-requests/{id}/cancel"), json!({}));
        let both = tokio::join!(operator.put(&path, &values), operator.post(&cancel, &nothing));
        assert!(matches!(both.0.status, 200 | 409), "{}", both.0.json);
        let request = operator.wait_until_it_rests(&id).await;
        let expected = if both.1.status == 200 { "canceled" } else { "complete" };
        assert_eq!(request["status"], expected, "{}", both.1.json);
    }
}

/// A host with the scripted connector, which asks the same twice.
async fn host_that_asks_twice() -> TestHost {
    let host = TestHost::start().await;
    let connection = json!({
        "key": "scripted", "name": "Scripted", "connector_type": "scripted",
        "capabilities": ["privacy/access"], "mode": "live",
        "config": { "behave": "ask-twice", "origin": "https://example.com" },
    });
    created(host.operator().post("/v1/connections", &connection).await);
    host
}

#[tokio::test]
async fn any_connector_may_ask_again_and_an_earlier_answer_is_no_answer_to_that() {
    let mut host = host_that_asks_twice().await;
    let id = seed::submit(&host, "access").await;
    let waiting = host.wait_for_status(&id, "requires_input").await;
    let task = waiting["tasks"][0]["id"].as_str().unwrap();
    let path = format!("/v1/privacy-requests/{id}/tasks/{task}/input");

    let form = host.operator().get(&path).await.json;
    assert_eq!(form["form"]["fields"][0]["label"], "either");
    let refused = host.operator().put(&path, &json!({ "other": 1 })).await;
    assert_eq!(problems(&refused)[0], ("unknown_label".to_owned(), "/other".to_owned()));
    assert_eq!(host.operator().put(&path, &json!({ "either": "one" })).await.status, 200);
    assert_eq!(resume(&host, &id).await.status, 200);
    let asked = async |host: &TestHost| {
        let events = events(host, &id).await;
        events.iter().filter(|e| e["event"] == "request.task_requires_input").count()
    };
    while asked(&host).await < 2 {
        tokio::task::yield_now().await;
    }
    host.wait_for_status(&id, "requires_input").await;
    host.restart().await;

    let form = host.operator().get(&path).await.json;
    assert_eq!((&form["waits"], &form["provided"]), (&json!(true), &json!(false)), "{form}");
    let early = resume(&host, &id).await;
    assert_eq!((early.status, &early.json["code"]), (409, &json!("inputs_missing")));
    let parts: [Part<'_>; 1] = [("either", Some(("two.txt", "text/plain")), b"two")];
    assert_eq!(give_form(&host.operator(), &path, &parts).await.status, 200);
    assert_eq!(resume(&host, &id).await.status, 200);
    host.wait_for_status(&id, "complete").await;
    let bundle = Bundle::of(&host, &id).await;
    let file = bundle.json("scripted/1.json")["either"].as_str().unwrap().to_owned();
    assert_eq!(bundle.text(&file), "two");
    let late = host.operator().put(&path, &json!({})).await;
    assert_eq!((late.status, &late.json["code"]), (409, &json!("not_waiting_for_input")));
}

#[tokio::test]
async fn a_task_that_never_asked_has_no_form_and_nobody_else_may_see_one() {
    let host = host_with_archive(false).await;
    let upstream = seed::upstream().await;
    seed::connect(&host, &seed::connection(&upstream)).await;
    let id = waiting_request(&host).await;
    let request = host.operator().get(&format!("/v1/privacy-requests/{id}")).await.json;
    let tasks = request["tasks"].as_array().unwrap();
    let path = |connection: &str| {
        let task = tasks.iter().find(|task| task["connection"] == connection).unwrap();
        format!("/v1/privacy-requests/{id}/tasks/{}/input", task["id"].as_str().unwrap())
    };
    assert_eq!(host.operator().get(&path("user-service")).await.status, 404);
    assert_eq!(host.operator().get(&path(ARCHIVE)).await.status, 200);
    let other = host.tenant("other").await;
    assert_eq!(other.get(&path(ARCHIVE)).await.status, 404);
    assert_eq!(other.put(&path(ARCHIVE), &json!({})).await.status, 404);
    assert_eq!(other.put(&input_of(&id, ARCHIVE), &json!({})).await.status, 404);
    let listed = other.get(&format!("/v1/privacy-requests/{id}/manual-inputs")).await;
    assert_eq!(listed.status, 404);
    created(other.post("/v1/connections", &connection(ARCHIVE)).await);
    assert_eq!(other.put(&input_of(&id, ARCHIVE), &json!({})).await.status, 404);
}
