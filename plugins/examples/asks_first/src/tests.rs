//! Unit tests against a double of the host.

use cordon_connector_sdk::testing::{Ended, Host, Reply};
use serde_json::json;

use super::*;

const API: &str = "https://accounts.example/v1/accounts";

fn host() -> Host {
    let connection = json!({ "key": "x", "config": { "origin": "https://accounts.example" } });
    Host::new(connection).identity("email", "ada@initech.example").secret("api_key")
}

/// A host whose connector has found an account and asked.
fn asked() -> Host {
    let mut host = host().answer("delete/find", Reply::json(r#"{"id": "a-7"}"#));
    let ran = host.run::<Accounts>(Action::Delete);
    let Ended::Asked(form) = ran.ended() else { panic!("{:?}", ran.ended()) };
    assert_eq!(form.fields.iter().map(|f| f.label.as_str()).collect::<Vec<_>>(), [TICKET, "notes"]);
    assert_eq!(ran.sent(), [format!("GET {API}?email={{email}}")]);
    host
}

#[test]
fn it_asks_before_it_deletes() {
    let mut host = asked();
    host.supply(&[(TICKET, "LEGAL-1")]);
    host.then("delete/account", Reply::status(204));
    let ran = host.run::<Accounts>(Action::Delete);
    assert_eq!(*ran.ended(), Ended::Done);
    assert_eq!(ran.sent(), [format!("DELETE {API}/{{\"a-7\"}}")]);
}

#[test]
fn without_a_ticket_nothing_is_deleted_and_nobody_is_told_that_it_was() {
    for given in [&[][..], &[("notes", "legal hold")][..]] {
        let mut host = asked();
        host.supply(given);
        let ran = host.run::<Accounts>(Action::Delete);
        assert_eq!(ran.failure().code, FailureCode::Unsupported);
        assert!(ran.sent().is_empty());
    }
}

#[test]
fn nobody_is_asked_about_somebody_who_is_not_known() {
    let ran = host().answer("delete/find", Reply::status(404)).run::<Accounts>(Action::Delete);
    assert_eq!(*ran.ended(), Ended::NothingFound);
    let dry = host().dry_run().run::<Accounts>(Action::Delete);
    assert_eq!((dry.sent().len(), dry.ended()), (1, &Ended::NothingFound));
}

#[test]
fn an_account_that_is_gone_already_is_nothing_found() {
    let mut host = asked();
    host.supply(&[(TICKET, "LEGAL-1")]);
    host.then("delete/account", Reply::status(404));
    assert_eq!(*host.run::<Accounts>(Action::Delete).ended(), Ended::NothingFound);
}

#[test]
fn the_test_sends_a_ping() {
    let mut host = host().answer("test/ping", Reply::status(200));
    assert_eq!(*host.test::<Accounts>().ended(), Ended::Passed);
}
