//! Against the SDK's double of a host: no wasm, no network. The cassettes say more.

use cordon_connector_sdk::testing::{Ended, Host, Reply};
use cordon_connector_sdk::types::Action;

use super::Contacts;

const CONNECTION: &str = r#"{"config": {"origin": "https://contacts.example"}}"#;

#[test]
fn a_listing_is_followed_to_its_end() {
    let mut host = Host::new(CONNECTION)
        .identity("email", "ada@cassette.example")
        .secret("api_key")
        .answer("access/contacts", Reply::json(r#"{"items": [{"id": 1}], "next_cursor": "c2"}"#))
        .answer("access/contacts/next", Reply::json(r#"{"items": [{"id": 2}]}"#));
    let ran = host.run::<Contacts>(Action::Access);
    assert_eq!(ran.sent().len(), 2);
    assert_eq!(ran.records().to_string(), r#"[{"id":1},{"id":2}]"#);
}

#[test]
fn a_person_whom_the_api_does_not_know_is_not_found() {
    let mut host = Host::new(CONNECTION)
        .identity("email", "ada@cassette.example")
        .secret("api_key")
        .answer("delete/contact", Reply::status(404));
    let ran = host.run::<Contacts>(Action::Delete);
    assert_eq!(*ran.ended(), Ended::NothingFound);
}

#[test]
fn every_problem_of_a_configuration_has_its_place() {
    let host = Host::new(r#"{"config": {"orign": "", "page_size": 0}}"#);
    let problems = host.validate::<Contacts>(&[Action::Access]).problems;
    let places: Vec<&str> = problems.iter().map(|problem| problem.pointer.as_str()).collect();
    assert_eq!(places, ["/config/orign", "/config/origin", "/config/page_size"]);
}
