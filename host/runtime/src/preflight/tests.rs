//! What is found wrong before the first query goes out.

use cordon_model::Secret;
use cordon_model::http_request::{Body, BodyUse, Escape, HttpRequest, Piece};

use super::*;
use crate::call::Value;

fn planned(label: &str, names: &[&str], when_missing: WhenMissing) -> PlannedRequest {
    let pieces = names.iter().map(|name| match name.strip_prefix('$') {
        Some(secret) => Piece::Secret(secret.to_owned()),
        None => Piece::Placeholder((*name).to_owned()),
    });
    PlannedRequest {
        pointer: "/queries/access/0".to_owned(),
        action: Some(Action::Access),
        wanted: None,
        when_missing,
        request: HttpRequest {
            label: label.to_owned(),
            method: "POST".to_owned(),
            url: vec![Piece::Literal("https://api.acme.com/".to_owned())],
            headers: vec![],
            body: Some(Body { content: pieces.collect(), escape: Escape::ByMediaType }),
            bind: vec![],
            verify_tls: true,
            idempotent: None,
            success: vec![200],
            retry_statuses: vec![],
            max_attempts: None,
            response_body: BodyUse::Records,
        },
    }
}

fn values(kinds: &[&str]) -> Values {
    let mut values = Values::new(100);
    for kind in kinds {
        let (kind, value) = (kind.parse().unwrap(), "p@x.com".to_owned());
        values.add(Value::Identity { kind, value, found: false }).unwrap();
    }
    values
}

fn credentials(names: &[&str]) -> Credentials {
    names.iter().map(|name| ((*name).to_owned(), Secret::new("s".to_owned()))).collect()
}

fn checked(
    request: PlannedRequest,
    kinds: &[&str],
    secrets: &[&str],
) -> Result<(), (FailureCode, String)> {
    let (plan, values) = (Plan::of(vec![], vec![request], vec![]), values(kinds));
    let run = For { plan: &plan, action: Some(Action::Access), wanted: None, values: &values };
    failures(run, &credentials(secrets), 100).next().map_or(Ok(()), Err).map_err(|failure| {
        assert_eq!(failure.label.as_deref(), Some("q"));
        assert!(!failure.detail.contains("p@x.com"), "a detail holds no value");
        (failure.code, failure.detail)
    })
}

#[test]
fn a_missing_identity_fails_with_its_name_before_anything_is_sent() {
    let request = planned("q", &["email", "user_id"], WhenMissing::Fail);
    let (code, detail) = checked(request, &["email"], &[]).unwrap_err();
    assert_eq!(code, FailureCode::MissingPlaceholder);
    assert_eq!(detail, "nothing is known for the placeholder {user_id}");
}

#[test]
fn a_query_that_may_be_skipped_does_not_fail_the_task() {
    let request = planned("q", &["user_id"], WhenMissing::Skip);
    assert_eq!(checked(request, &["email"], &[]), Ok(()));
}

#[test]
fn a_placeholder_may_be_a_credential() {
    let request = planned("q", &["email", "token"], WhenMissing::Fail);
    assert_eq!(checked(request, &["email"], &["token"]), Ok(()));
}

#[test]
fn a_name_that_is_both_a_credential_and_an_identity_is_refused() {
    for when_missing in [WhenMissing::Fail, WhenMissing::Skip] {
        let request = planned("q", &["email"], when_missing);
        let (code, _) = checked(request, &["email"], &["email"]).unwrap_err();
        assert_eq!(code, FailureCode::InvalidConfig);
    }
}

#[test]
fn a_secret_that_the_credentials_lack_fails_even_where_identities_may_be_skipped() {
    let request = planned("q", &["$token"], WhenMissing::Skip);
    let (code, _) = checked(request, &["token"], &[]).unwrap_err();
    assert_eq!(code, FailureCode::SecretsUnavailable);
}

#[test]
fn identities_combine_in_at_most_a_hundred_ways() {
    let kinds = |emails: usize, ids: usize| [vec!["email"; emails], vec!["user_id"; ids]].concat();
    let request = || planned("q", &["email", "user_id", "email"], WhenMissing::Fail);
    assert_eq!(checked(request(), &kinds(10, 10), &[]), Ok(()));
    let (code, _) = checked(request(), &kinds(11, 10), &[]).unwrap_err();
    assert_eq!(code, FailureCode::TooManyCombinations);
}

#[test]
fn queries_of_other_runs_do_not_count() {
    let mut request = planned("q", &["user_id"], WhenMissing::Fail);
    request.action = Some(Action::Delete);
    assert_eq!(checked(request.clone(), &[], &[]), Ok(()));
    request.action = None;
    assert_eq!(checked(request, &[], &[]), Ok(()), "a test query");
}

#[test]
fn credentials_are_asked_for_only_when_something_names_what_is_no_identity() {
    let needs = |names: &[&str]| {
        let plan = Plan::of(vec![], vec![planned("q", names, WhenMissing::Fail)], vec![]);
        let values = values(&["email"]);
        let action = Some(Action::Access);
        needs_credentials(For { plan: &plan, action, wanted: None, values: &values })
    };
    assert!(!needs(&[]));
    assert!(!needs(&["email"]));
    assert!(needs(&["email", "token"]));
    assert!(needs(&["$email"]));
}
