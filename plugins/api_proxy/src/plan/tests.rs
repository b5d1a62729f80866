//! What is refused, warned about and planned.

use cordon_connector_sdk::handles::Piece;
use cordon_connector_sdk::http::{BodyUse, Escape};
use cordon_connector_sdk::types::{Severity, WhenMissing};
use serde_json::{Value, json};

use super::*;

const ALL: [Action; 4] = [Action::Access, Action::Delete, Action::Optout, Action::Identifiers];

/// The example of the source document.
fn example() -> Value {
    serde_json::from_str(include_str!("../../../../tests/data/seed_connection.json")).unwrap()
}

fn validate_for(config: &Value, actions: &[Action]) -> Verdict {
    let draft =
        Draft { config: config.to_string(), actions: actions.to_vec(), policy_settings: None };
    validate(&draft)
}

/// Severity, code and pointer of every problem of the example with one change.
fn problems_with(change: impl FnOnce(&mut Value)) -> Vec<(Severity, String, String)> {
    let mut config = example();
    change(&mut config);
    let problems = validate_for(&config, &ALL).problems;
    problems.into_iter().map(|p| (p.severity, p.code, p.pointer)).collect()
}

fn error(code: &str, pointer: &str) -> (Severity, String, String) {
    (Severity::Error, code.to_owned(), pointer.to_owned())
}

fn warning(code: &str, pointer: &str) -> (Severity, String, String) {
    (Severity::Warning, code.to_owned(), pointer.to_owned())
}

/// The problems of the example's access query with one field set.
fn problems_of_access(field: &str, value: Value) -> Vec<(Severity, String, String)> {
    problems_with(|config| config["queries"]["access"][0][field] = value)
}

fn literal(text: &str) -> Piece {
    Piece::Literal(text.to_owned())
}

fn name(text: &str) -> Piece {
    Piece::Placeholder(text.to_owned())
}

#[test]
fn the_example_is_planned_without_a_problem() {
    let verdict = validate_for(&example(), &ALL);
    assert_eq!(verdict.problems, []);
    assert_eq!(verdict.egress, []);
    let planned: Vec<_> = verdict
        .plan
        .iter()
        .map(|p| (p.request.label.as_str(), p.pointer.as_str(), p.action, p.wanted.as_deref()))
        .collect();
    let phone = "primary_phone_number";
    assert_eq!(
        planned,
        [
            ("test/0", "/queries/test/0", None, None),
            ("access/0", "/queries/access/0", Some(Action::Access), None),
            ("delete/0", "/queries/delete/0", Some(Action::Delete), None),
            ("optout/0", "/queries/optout/0", Some(Action::Optout), None),
            (
                "identifiers/primary_phone_number/0",
                "/queries/identifiers/primary_phone_number/0",
                Some(Action::Identifiers),
                Some(phone)
            ),
        ]
    );
    assert!(verdict.plan.iter().all(|p| p.request.bind.is_empty()));
}

#[test]
fn a_planned_request_carries_all_that_its_query_says() {
    let plan = validate_for(&example(), &ALL).plan;
    let delete = &plan[2].request;
    assert_eq!(delete.method, "DELETE");
    assert_eq!(delete.url, [literal("https://api.acme.com/v0/users")]);
    assert_eq!(delete.headers[0].0, "Authorization");
    assert_eq!(delete.headers[0].1, [literal("Basic "), name("credentials")]);
    assert_eq!(delete.headers[1].1, [literal("application/json")]);
    let body = delete.body.as_ref().unwrap();
    assert_eq!(body.content, [literal("{\"email\": \""), name("email"), literal("\"}")]);
    assert_eq!(body.escape, Escape::ByMediaType);
    assert_eq!(delete.success, [200, 404]);
    assert_eq!(delete.retry_statuses, [0_u16; 0]);
    assert!(delete.verify_tls && delete.idempotent.is_none() && delete.max_attempts.is_none());
    let body_uses: Vec<_> = plan.iter().map(|p| p.request.response_body).collect();
    let (discard, records) = (BodyUse::Discard, BodyUse::Records);
    assert_eq!(body_uses, [discard, records, discard, discard, records]);
}

#[test]
fn the_optional_fields_of_a_query_reach_its_request() {
    let mut config = example();
    let query = &mut config["queries"]["access"][0];
    query["verify_ssl"] = json!(false);
    query["idempotent"] = json!(false);
    query["when_missing"] = json!("skip");
    query["body"] = json!("{email}");
    query["escape"] = json!("raw");
    query["fail_retry_response_codes"] = json!([503]);
    query["records_path"] = json!("/data/items");
    let verdict = validate_for(&config, &ALL);
    assert_eq!(verdict.problems, []);
    let planned = &verdict.plan[1];
    assert_eq!(planned.when_missing, WhenMissing::Skip);
    assert!(!planned.request.verify_tls);
    assert_eq!(planned.request.idempotent, Some(false));
    assert_eq!(planned.request.body.as_ref().unwrap().escape, Escape::Raw);
    assert_eq!(planned.request.retry_statuses, [503]);
}

#[test]
fn url_verb_and_verify_ssl_are_required() {
    for field in ["url", "verb", "verify_ssl"] {
        let problems = problems_with(|config| {
            config["queries"]["access"][0].as_object_mut().unwrap().remove(field);
        });
        assert_eq!(problems, [error("missing_field", &format!("/queries/access/0/{field}"))]);
    }
}

#[test]
fn verify_ssl_is_true_or_false_as_text_or_boolean_and_nothing_else() {
    for value in [json!("true"), json!("false"), json!(true), json!(false)] {
        assert_eq!(problems_of_access("verify_ssl", value), []);
    }
    let pointer = "/queries/access/0/verify_ssl";
    assert_eq!(problems_of_access("verify_ssl", json!("True")), [error("invalid_value", pointer)]);
    assert_eq!(problems_of_access("verify_ssl", json!(1)), [error("wrong_type", pointer)]);
    assert_eq!(problems_of_access("verify_ssl", json!(null)), [error("wrong_type", pointer)]);
}

#[test]
fn a_test_query_is_needed_whatever_the_capabilities() {
    let missing = [error("missing_queries", "/queries/test")];
    let removed = problems_with(|config| {
        config["queries"].as_object_mut().unwrap().remove("test");
    });
    assert_eq!(removed, missing);
    assert_eq!(problems_with(|config| config["queries"]["test"] = json!([])), missing);
}

#[test]
fn a_capability_without_queries_is_an_error() {
    let problems = problems_with(|config| {
        config["queries"].as_object_mut().unwrap().remove("access");
        config["queries"]["delete"] = json!([]);
        config["queries"]["identifiers"] = json!({"user_id": []});
    });
    assert_eq!(
        problems,
        [
            error("missing_queries", "/queries/access"),
            error("missing_queries", "/queries/delete"),
            error("missing_queries", "/queries/identifiers/user_id"),
        ]
    );
    let problems = problems_with(|config| config["queries"]["identifiers"] = json!({}));
    assert_eq!(problems, [error("missing_queries", "/queries/identifiers")]);
}

#[test]
fn queries_without_their_capability_are_a_warning_and_are_not_planned() {
    let verdict = validate_for(&example(), &[Action::Access]);
    let problems: Vec<_> =
        verdict.problems.into_iter().map(|p| (p.severity, p.code, p.pointer)).collect();
    assert_eq!(
        problems,
        [
            warning("unused_queries", "/queries/identifiers"),
            warning("unused_queries", "/queries/delete"),
            warning("unused_queries", "/queries/optout"),
        ]
    );
    let labels: Vec<_> = verdict.plan.iter().map(|p| p.request.label.as_str()).collect();
    assert_eq!(labels, ["test/0", "access/0"]);
}

#[test]
fn statuses_are_from_100_to_599_and_stand_in_one_list() {
    let codes = "valid_response_codes";
    let problems = problems_of_access(codes, json!([200, 99, 600, 200.5, "200"]));
    let pointers: Vec<_> = problems.iter().map(|(_, _, pointer)| pointer.as_str()).collect();
    let at = |index: usize| format!("/queries/access/0/{codes}/{index}");
    assert_eq!(pointers, [at(1), at(2), at(3), at(4)]);
    assert_eq!(problems_of_access(codes, json!(200)).len(), 1);
    assert_eq!(
        problems_of_access(codes, json!([])),
        [error("invalid_value", "/queries/access/0/valid_response_codes")]
    );
    assert_eq!(
        problems_of_access("fail_retry_response_codes", json!([503, 200])),
        [error("conflicting_codes", "/queries/access/0/fail_retry_response_codes/1")]
    );
}

#[test]
fn a_retried_200_conflicts_with_the_default_as_well() {
    let problems = problems_with(|config| {
        config["queries"]["test"][0]["fail_retry_response_codes"] = json!([200]);
    });
    let pointer = "/queries/test/0/fail_retry_response_codes/0";
    assert_eq!(problems, [error("conflicting_codes", pointer)]);
}

#[test]
fn all_problems_are_reported_together_each_with_its_pointer() {
    let problems = problems_with(|config| {
        config["quieries"] = json!({});
        config["queries"]["access"][0]["url"] = json!(7);
        config["queries"]["access"][0]["verb"] = json!("GE T");
        config["queries"]["delete"] = json!({});
        config["queries"]["identifiers"]["User ID"] = json!([7]);
        config["queries"]["optout"][0]["headers"] = json!({"X/Y": "{", "Z": null});
    });
    assert_eq!(
        problems,
        [
            error("unknown_field", "/quieries"),
            error("missing_queries", "/queries/delete"),
            error("wrong_type", "/queries/access/0/url"),
            error("invalid_verb", "/queries/access/0/verb"),
            error("wrong_type", "/queries/delete"),
            error("invalid_template", "/queries/optout/0/headers/X~1Y"),
            error("wrong_type", "/queries/optout/0/headers/Z"),
            error("invalid_identity_kind", "/queries/identifiers/User ID"),
            error("wrong_type", "/queries/identifiers/User ID/0"),
        ]
    );
}

#[test]
fn an_unknown_field_is_an_error_that_names_the_nearest_known_one() {
    let mut config = example();
    config["credential_location"] = json!("x");
    config["queries"]["optouts"] = json!([]);
    config["queries"]["access"][0]["valid_response_code"] = json!([200]);
    let problems = validate_for(&config, &ALL).problems;
    let told: Vec<_> = problems.iter().map(|p| (p.pointer.as_str(), p.message.as_str())).collect();
    assert_eq!(
        told,
        [
            (
                "/credential_location",
                "This field is not known; did you mean \"credentials_location\"?"
            ),
            ("/queries/optouts", "This field is not known; did you mean \"optout\"?"),
            (
                "/queries/access/0/valid_response_code",
                "This field is not known; did you mean \"valid_response_codes\"?"
            ),
        ]
    );
}

#[test]
fn every_field_that_the_host_checks_is_known() {
    let problems = problems_with(|config| {
        config["key"] = json!("users");
        config["description"] = json!("");
        config["enabled"] = json!(true);
        config["ca_bundle"] = json!("");
        config["job_timeout_seconds"] = json!(60);
        config["grants"] = json!({});
    });
    assert_eq!(problems, []);
}

#[test]
fn a_malformed_template_is_refused_with_its_column() {
    for (template, column) in
        [("{a!r}", 3), ("{a:>9}", 3), ("{a[0]}", 3), ("x{}", 2), ("é{", 2), ("a}", 2), ("{0}", 2)]
    {
        for field in ["url", "body"] {
            let mut config = example();
            config["queries"]["access"][0][field] = json!(template);
            let problems = validate_for(&config, &ALL).problems;
            assert_eq!(problems.len(), 1, "{template}");
            assert_eq!(problems[0].code, "invalid_template");
            assert_eq!(problems[0].pointer, format!("/queries/access/0/{field}"));
            assert_eq!(problems[0].column, Some(column), "{template}");
        }
    }
}

#[test]
fn a_query_with_an_error_is_left_out_of_the_plan() {
    let mut config = example();
    config["queries"]["access"][0]["url"] = json!("{");
    let labels: Vec<_> =
        validate_for(&config, &ALL).plan.into_iter().map(|p| p.request.label).collect();
    assert!(!labels.contains(&"access/0".to_owned()) && labels.len() == 4);
}

#[test]
fn any_verb_token_is_accepted_but_for_trace_connect_and_reading_with_delete() {
    for verb in ["PATCH", "PURGE", "get", "M-SEARCH"] {
        assert_eq!(problems_of_access("verb", json!(verb)), [], "{verb}");
    }
    for verb in ["TRACE", "connect", "", "GET ", "G\u{e9}T", "DELETE", "Delete"] {
        let refused = [error("invalid_verb", "/queries/access/0/verb")];
        assert_eq!(problems_of_access("verb", json!(verb)), refused, "{verb}");
    }
    let problems = problems_with(|config| {
        config["queries"]["identifiers"]["primary_phone_number"][0]["verb"] = json!("DELETE");
    });
    let pointer = "/queries/identifiers/primary_phone_number/0/verb";
    assert_eq!(problems, [error("invalid_verb", pointer)]);
}

#[test]
fn optional_fields_take_only_what_they_mean() {
    for (field, value) in [
        ("when_missing", json!("ignore")),
        ("records_path", json!("data")),
        ("records_path", json!("/a~2")),
    ] {
        let pointer = format!("/queries/access/0/{field}");
        assert_eq!(problems_of_access(field, value), [error("invalid_value", &pointer)]);
    }
    let problems = problems_with(|config| {
        config["queries"]["optout"][0]["escape"] = json!("none");
        config["queries"]["optout"][0]["idempotent"] = json!("true");
    });
    assert_eq!(
        problems,
        [
            error("invalid_value", "/queries/optout/0/escape"),
            error("wrong_type", "/queries/optout/0/idempotent"),
        ]
    );
}

#[test]
fn a_field_without_effect_is_a_warning() {
    let problems = problems_with(|config| {
        config["queries"]["test"][0]["when_missing"] = json!("skip");
        config["queries"]["access"][0]["escape"] = json!("raw");
        config["queries"]["delete"][0]["records_path"] = json!("/data");
    });
    assert_eq!(
        problems,
        [
            warning("unused_field", "/queries/test/0/when_missing"),
            warning("unused_field", "/queries/access/0/escape"),
            warning("unused_field", "/queries/delete/0/records_path"),
        ]
    );
}

#[test]
fn a_configuration_that_is_no_object_is_one_problem() {
    for config in [json!([]), json!("x"), json!(null)] {
        let problems = validate_for(&config, &ALL).problems;
        assert_eq!((problems.len(), problems[0].code.as_str()), (1, "wrong_type"));
    }
    assert_eq!(
        problems_with(|config| config["queries"] = json!(1)),
        [error("wrong_type", "/queries")]
    );
}

#[test]
fn no_message_repeats_what_was_written() {
    let secret = "hunter2hunter2";
    let mut config = example();
    config["queries"]["access"][0]["url"] = json!(format!("https://a.example/{{{secret}!}}"));
    config["queries"]["access"][0]["verb"] = json!(format!("{secret} "));
    config["queries"]["access"][0]["verify_ssl"] = json!(secret);
    config["queries"]["access"][0]["when_missing"] = json!(secret);
    config["queries"]["access"][0]["valid_response_codes"] = json!([secret]);
    let problems = validate_for(&config, &ALL).problems;
    assert_eq!(problems.len(), 5);
    assert!(problems.iter().all(|problem| !problem.message.contains(secret)));
}
