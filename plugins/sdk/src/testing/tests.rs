//! The double against a connector that does what its configuration says, the forbidden included.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use super::*;
use crate::http::{self, BodyUse, HttpError, HttpRequest};
use crate::text::{placeholder, secret};
use crate::types::{
    Ask, Descriptor, EgressNeed, Failure, FailureCode, Field, Finding, Later, Outcome,
};
use crate::{failure, failure_of, handles, log, text};

const PLANNED: &str = "https://api.acme.example/people";

struct Wayward;

fn planned() -> HttpRequest {
    HttpRequest::new("planned", "GET", text!("{}?email={}", PLANNED, placeholder("email")))
        .header("Authorization", text!("Bearer {}", secret("key")))
        .response_body(BodyUse::Records)
}

fn behavior(config: &str) -> String {
    let config: Value = serde_json::from_str(config).unwrap();
    config["behave"].as_str().unwrap().to_owned()
}

impl Connector for Wayward {
    fn describe() -> Descriptor {
        Descriptor {
            connector_type: "wayward".to_owned(),
            category: "tests".to_owned(),
            display_name: "Wayward".to_owned(),
            actions: vec![Action::Access],
            config_schema: "{}".to_owned(),
            policy_schema: None,
            reads: vec![ReadGrant::Responses],
        }
    }

    fn validate(_: Draft) -> Verdict {
        let egress = EgressNeed::new("https://api.acme.example", "/pages", &["GET"]);
        let plan = vec![planned().planned("/behave", Some(Action::Access))];
        Verdict { problems: vec![], plan, egress: vec![egress] }
    }

    fn test(_: String) -> Result<(), Failure> {
        Ok(())
    }

    fn run(task: Task) -> Result<Outcome, Failure> {
        let other = |label: &str, url| HttpRequest::new(label, "GET", url);
        let bound = planned().bound_to(vec![0]);
        let send = |request: &HttpRequest| {
            http::send(request).map_err(|error| failure_of(&request.label, &error))
        };
        let first = |records| Ok(Outcome::finished(Finding::Records(vec![records])));
        match behavior(&task.config).as_str() {
            "well" => {
                log::write(log::Level::Info, "once");
                first(
                    send(&bound)?.records("/items").map_err(|error| {
                        failure(FailureCode::MalformedResponse, error.sentence())
                    })?,
                )
            }
            "deviate" => {
                let deviating = bound.header("X-More", text!("1"));
                first(send(&deviating)?.records("").unwrap())
            }
            "wander" => first(
                send(&other("on", text!("{}/x", PLANNED.replace("api", "www"))))?
                    .records("")
                    .unwrap(),
            ),
            "smuggle" => {
                let url = text!("https://api.acme.example/pages?key={}", secret("key"));
                first(send(&other("smuggle", url))?.records("").unwrap())
            }
            "carry-off" => {
                let id = send(&bound)?.value("/next").unwrap().unwrap();
                let url = text!("http://api.acme.example/pages?from={}", text::Value::from(id));
                first(send(&other("carry-off", url))?.records("").unwrap())
            }
            "peek" => Err(failure(FailureCode::Internal, handles::read_identity(0))),
            "undecided" => {
                static RUNS: AtomicU64 = AtomicU64::new(0);
                let at = RUNS.fetch_add(1, Ordering::Relaxed);
                let url = text!("https://api.acme.example/pages?at={}", at);
                send(&other("undecided", url)).map(|_| Outcome::finished(Finding::Records(vec![])))
            }
            "ask" => match task.input {
                Some(input) => first(input.records()),
                None => {
                    let form = Form::of([Field::text("a", "A").required(), Field::text("b", "B")]);
                    Ok(Outcome::RequiresInput(Ask::new(form)))
                }
            },
            "wait" => match (task.state_as::<u32>()?, task.value(0)) {
                (Some(7), Some(from)) => {
                    let url = text!("https://api.acme.example/pages?from={}", from);
                    let request = other("pages", url).response_body(BodyUse::Records);
                    first(send(&request)?.records("").unwrap())
                }
                _ => {
                    let job = send(&bound)?.value("/next").unwrap().unwrap();
                    let later = Later::after(30).with_state(&7)?;
                    Ok(Outcome::Pending(later.keeping(job.into())))
                }
            },
            other => Err(failure(FailureCode::InvalidConfig, other)),
        }
    }
}

fn host(behave: &str) -> Host {
    Host::new(json!({ "behave": behave })).identity("email", "ada@initech.example").secret("key")
}

fn run(mut host: Host) -> Ran {
    host.run::<Wayward>(Action::Access)
}

#[test]
fn it_answers_by_label_and_shows_names_in_the_place_of_values() {
    let ran = run(host("well").answer("planned", Reply::json(r#"{"items": [{"n": 1.00}]}"#)));
    assert_eq!(ran.sent(), [format!("GET {PLANNED}?email={{email}}")]);
    let authorization = ("Authorization".to_owned(), "Bearer {key}".to_owned());
    assert_eq!(ran.requests()[0].headers, [authorization]);
    assert_eq!(ran.records().to_string(), r#"[{"n":1.00}]"#, "numbers keep their text");
    assert_eq!(ran.log(), ["info: once"]);
}

#[test]
fn a_status_that_is_retried_takes_the_next_answer() {
    let mut host = host("well");
    host.then("planned", Reply::status(500));
    assert_eq!(run(host).failure().detail, "unexpected status 500");
    let late = self::host("well").answer("planned", Reply::error(HttpError::Timeout));
    assert_eq!(run(late).failure().label.as_deref(), Some("planned"));
}

#[test]
fn a_missing_identity_is_found_before_the_connector_is_called() {
    let ran = run(Host::new(json!({"behave": "none"})).secret("key"));
    assert_eq!(ran.failure().code, FailureCode::MissingPlaceholder);
    assert!(ran.sent().is_empty());
}

#[test]
fn a_dry_run_shows_and_sends_nothing() {
    let ran = run(host("well").dry_run());
    assert_eq!(ran.sent().len(), 1);
    assert_eq!(ran.failure().code, FailureCode::QueryFailed, "it does not look at not-sent");
}

#[test]
fn what_is_kept_comes_back_under_the_numbers_of_the_next_run() {
    let mut host = host("wait")
        .answer("planned", Reply::json(r#"{"next": 17}"#))
        .answer("pages", Reply::json("[{}]"));
    // The second answer is for the second run.
    host.replies.remove("pages");
    assert_eq!(*host.run::<Wayward>(Action::Access).ended(), Ended::Waits(Some(30)));
    host.then("pages", Reply::json("[{}]"));
    let ran = host.run::<Wayward>(Action::Access);
    assert_eq!(ran.sent(), ["GET https://api.acme.example/pages?from={17}"]);
    assert_eq!(ran.records(), json!([{}]));
}

#[test]
fn what_a_person_gives_is_an_object_in_the_order_of_the_form() {
    let mut host = host("ask");
    assert!(matches!(host.run::<Wayward>(Action::Access).ended(), Ended::Asked(_)));
    host.supply(&[("a", "1")]);
    assert_eq!(host.run::<Wayward>(Action::Access).records(), json!([{"a": "1", "b": null}]));
}

macro_rules! ends {
    ($($name:ident: $host:expr, $why:literal;)*) => {$(
        #[test]
        #[should_panic(expected = $why)]
        fn $name() {
            run($host);
        }
    )*};
}

ends! {
    a_planned_label_is_sent_as_planned: host("deviate"), "differs from the planned request";
    what_is_neither_planned_nor_needed_does_not_go_out: host("wander"), "covers GET https://www.";
    a_secret_goes_where_it_was_planned: host("smuggle"), "sends `key` there";
    a_scalar_goes_back_to_where_it_came_from: {
        host("carry-off").answer("planned", Reply::json(r#"{"next": "c"}"#))
    }, "neither the plan nor an egress need covers GET http://";
    nothing_is_read_without_a_grant: host("peek"), "the read grant `identities` is missing";
    a_run_that_does_not_repeat_is_noticed: {
        host("undecided").answer("undecided", Reply::json("[]"))
    }, "sends something else";
    a_request_without_an_answer_is_named: host("well"), "nothing answers `planned`: GET https";
    an_answer_without_a_request_is_named: {
        host("ask").answer("planned", Reply::status(200))
    }, "was never asked for";
    a_key_that_the_credentials_lack_is_named: {
        Host::new(json!({"behave": "well"})).identity("email", "a@b.example")
    }, "no key `key`";
}

#[test]
#[should_panic(expected = "call the connector through")]
fn an_imported_function_without_a_host_says_what_to_do() {
    http::not_sent();
}
