//! What a cassette may not say, and where.

use super::*;

const SOUND: &str = r#"{
    "connection": {"connector_type": "crm"},
    "action": "access",
    "segments": [{
        "exchanges": [{
            "request": {"method": "GET", "url": "https://crm.example/{email}"},
            "response": {"status": 200, "body": []}
        }],
        "expect": {"outcome": "nothing_found"}
    }]
}"#;

/// What is said about the sound cassette with one text in place of another.
fn refused(from: &str, to: &str) -> String {
    assert!(SOUND.contains(from), "{from}");
    let cassette = SOUND.replacen(from, to, 1);
    format!("{:#}", Cassette::parse(cassette.as_bytes()).unwrap_err())
}

#[test]
fn a_sound_cassette_is_read() {
    assert_eq!(Cassette::parse(SOUND.as_bytes()).unwrap().segments.len(), 1);
}

#[test]
fn every_mistake_is_named_by_its_place() {
    for (from, to, expected) in [
        ("\"action\": \"access\"", "\"action\": \"acess\"", "/action: unknown variant `acess`"),
        ("\"method\": \"GET\"", "\"metod\": \"GET\"", "/segments/0/exchanges/0/request"),
        ("\"status\": 200", "\"status\": \"200\"", "/segments/0/exchanges/0/response/status"),
        ("\"status\": 200", "\"status\": 101", "/segments/0/exchanges/0/response/status: must be"),
        ("\"status\": 200, ", "", "/segments/0/exchanges/0/response: has either a status"),
        ("\"body\": []", "\"body\": [], \"text\": \"\"", "has one of body, text and size"),
        ("\"nothing_found\"", "\"records\"", "/segments/0/expect/records: stands beside"),
        ("\"nothing_found\"", "\"failed\"", "/segments/0/expect/failure: stands beside"),
        ("\"expect\"", "\"input\": {}, \"expect\"", "/segments/0/input: nothing was asked"),
        ("\"action\"", "\"wanted\": \"user_id\", \"action\"", "/wanted: stands in a cassette of"),
        ("}]\n}", "}],\n\"extra\": 1}", "unknown field `extra`"),
    ] {
        let said = refused(from, to);
        assert!(said.contains(expected), "{to}: {said}");
    }
}

#[test]
fn nothing_follows_a_run_that_has_ended_and_a_form_is_answered() {
    let more = r#"}, {"expect": {"outcome": "done"}}]"#;
    let said = refused("}]\n", more);
    assert!(said.contains("/segments/1: the run before has ended"), "{said}");
    let asks = SOUND.replace("\"nothing_found\"", "\"requires_input\", \"form\": []");
    let cassette = asks.replacen("}]\n", more, 1);
    let said = format!("{:#}", Cassette::parse(cassette.as_bytes()).unwrap_err());
    assert!(said.contains("/segments/1/input: the run before asks for it"), "{said}");
}
