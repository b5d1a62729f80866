//! The double against a connector that does what its configuration says, the forbidden included.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use super::*;
use crate::http::{self, BodyUse, HttpError, HttpRequest};
use crate::query::Query;
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
            "member" => {
                let query = Query::new("planned", "GET", planned().url);
                let found = query.header("Authorization", text!("Bearer {}", secret("key")));
                let found = found.records().send(&[0])?.map(|answer| answer.object("/member"));
                let found = found.transpose()?.flatten().into_iter().collect();
                Ok(Outcome::finished(Finding::Records(found)))
            }
            "forgetful" => {
                let unasked =
                    Query::new("planned/unasked", "GET", text!("{}", PLANNED)).send(&[])?;
                unasked.map_or(Ok(None), |answer| answer.object("/member"))?;
                Ok(Outcome::finished(Finding::Records(vec![])))
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
            "descend" => first(send(&other("below", text!("{}/7", PLANNED)))?.records("").unwrap()),
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
fn a_failure_of_the_connector_comes_out_as_it_is_whatever_is_left_unanswered() {
    let mut host = host("well")
        .answer("planned", Reply::json(r#"{"items": {"id": 7}}"#))
        .answer("planned", Reply::json(r#"{"items": [{"id": 7}]}"#));
    let ran = host.run::<Wayward>(Action::Access);
    assert_eq!(ran.failure().code, FailureCode::MalformedResponse);
    assert_eq!(
        ran.failure().detail,
        "expected an array of objects, found an object at byte 0 of 20"
    );
    assert_eq!(host.run::<Wayward>(Action::Access).records(), json!([{"id": 7}]), "the retry");
}

#[test]
#[should_panic(expected = "records were expected, and the run failed with malformed_response in \
                           `planned`: expected an object, found a text at byte 0 of 15")]
fn whoever_expected_records_is_told_what_the_run_failed_over() {
    run(host("member").answer("planned", Reply::json(r#"{"member": "x"}"#))).records();
}

#[test]
fn one_object_is_records_of_one_and_no_data_is_none() {
    let member = |body: &str| run(host("member").answer("planned", Reply::json(body)));
    let one = member(r#"{"member": {"id": 12345678901234567890}}"#);
    assert_eq!(one.records().to_string(), r#"[{"id":12345678901234567890}]"#);
    for nothing in [r#"{"member": null}"#, "{}", "[]"] {
        assert_eq!(member(nothing).records(), json!([]), "{nothing}");
    }
    for (body, found) in [
        (r#"{"member": []}"#, "an array of objects"),
        (r#"{"member": [{}, 1]}"#, "an array"),
        (r#"{"member": 0}"#, "a number"),
        (r#"{"member": false}"#, "a boolean"),
        (r#"{"member": {}"#, "no JSON"),
        ("", "no JSON"),
    ] {
        let ran = member(body);
        let expected = format!("expected an object, found {found} at byte 0 of {}", body.len());
        assert_eq!(ran.failure().detail, expected, "{body}");
    }
}

#[test]
fn a_body_that_nobody_asked_for_is_a_mistake_and_no_answer() {
    let ran = run(host("forgetful").answer("planned/unasked", Reply::json(r#"{"member": {}}"#)));
    assert_eq!(ran.failure().code, FailureCode::MalformedResponse);
    assert_eq!(ran.failure().detail, "expected an object, found nothing at byte 0 of 0");
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
    let mut host = host("wait").answer("planned", Reply::json(r#"{"next": 17}"#));
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
    a_planned_path_is_itself_and_nothing_below_it: host("descend"), "covers GET https://api.";
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
    an_answer_for_the_run_behind_a_wait_says_where_it_belongs: {
        let answered = host("wait").answer("planned", Reply::json(r#"{"next": 17}"#));
        answered.answer("pages", Reply::json("[{}]"))
    }, "given after this one, with `host.then`";
    a_key_that_the_credentials_lack_is_named: {
        Host::new(json!({"behave": "well"})).identity("email", "a@b.example")
    }, "no key `key`";
}

#[test]
#[should_panic(expected = "call the connector through")]
fn an_imported_function_without_a_host_says_what_to_do() {
    http::not_sent();
}
