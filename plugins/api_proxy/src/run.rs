//! Sending: the calls of a task, one after the other, and what came out of them (BEHAVIOUR C1,
//! D4–D9). The first failure ends a run; a test goes on to its last query.
//!
//! Nothing is read here but statuses: no identity, no secret, no body.

use cordon_connector_sdk::handles::{Records, Shape, ShapeError};
use cordon_connector_sdk::http::{self, HttpError, Response};
use cordon_connector_sdk::types::{
    Action, Failure, FailureCode, Finding, Outcome, Report, SkipReason, Skipped, Task, WhenMissing,
};
use cordon_connector_sdk::{failure, query_failure};

use crate::calls::{self, Call};
use crate::config;
use crate::query::{Purpose, Query};

/// Sends every test query.
pub(crate) fn test(config: &str) -> Result<(), Failure> {
    let queries = config::read_checked(config)?;
    let tests = queries.iter().filter(|query| query.purpose == Purpose::Test);
    let mut sent = 0_usize;
    let mut failures = Vec::new();
    for query in tests {
        sent += 1;
        if let Err(error) = http::send(&query.request) {
            failures.push(failure_of(query, &error));
        }
    }
    let failed = failures.len();
    match failures.into_iter().next() {
        Some(first) => {
            let detail =
                format!("{failed} of {sent} test queries failed; the first: {}", first.detail);
            Err(Failure { detail, ..first })
        }
        None if sent == 0 => {
            Err(failure(FailureCode::InvalidConfig, "the connection has no test query"))
        }
        None => Ok(()),
    }
}

/// Does a task.
pub(crate) fn run(task: &Task) -> Result<Outcome, Failure> {
    let queries = config::read_checked(&task.config)?;
    let calls = calls::of_task(&queries, task)?;
    let report = match task.action {
        Action::Access => access(calls)?,
        Action::Identifiers => identifiers(calls)?,
        Action::Delete | Action::Optout => erase(calls)?,
    };
    Ok(Outcome::Finished(report))
}

fn access(calls: Vec<Call<'_>>) -> Result<Report, Failure> {
    let mut found = Vec::new();
    let skipped = send(calls, |query, response| {
        found.extend(records(query, response)?.filter(|records| records.count() > 0));
        Ok(())
    })?;
    Ok(Report { finding: Finding::Records(found), skipped })
}

fn identifiers(calls: Vec<Call<'_>>) -> Result<Report, Failure> {
    let mut found = Vec::new();
    let skipped = send(calls, |query, response| {
        if let Some(records) = records(query, response)? {
            let identities = records.identities().map_err(|error| malformed(query, &error))?;
            found.extend(identities.into_iter().map(|identity| identity.id));
        }
        Ok(())
    })?;
    Ok(Report { finding: Finding::Identities(found), skipped })
}

fn erase(calls: Vec<Call<'_>>) -> Result<Report, Failure> {
    let mut found_someone = false;
    let skipped = send(calls, |_, response| {
        found_someone |= is_2xx(response.status());
        Ok(())
    })?;
    let finding = if found_someone { Finding::Done } else { Finding::NothingFound };
    Ok(Report { finding, skipped })
}

/// Sends calls in order and hands each response on. Answers which queries were skipped.
fn send(
    calls: Vec<Call<'_>>,
    mut take: impl FnMut(&Query, &Response) -> Result<(), Failure>,
) -> Result<Vec<Skipped>, Failure> {
    let mut skipped: Vec<Skipped> = Vec::new();
    for Call { query, request } in calls {
        match http::send(&request) {
            Ok(response) => take(query, &response)?,
            // A dry run shows every call: none depends on the answer to another.
            Err(HttpError::Unreachable) if http::not_sent() => {}
            Err(error) => {
                let skip = skip_of(query, error)?;
                if !skipped.contains(&skip) {
                    skipped.push(skip);
                }
            }
        }
    }
    Ok(skipped)
}

/// The records of a response. None: the status says that nothing was found, and the body does
/// not matter (BEHAVIOUR D5).
fn records(query: &Query, response: &Response) -> Result<Option<Records>, Failure> {
    if !may_hold_records(response.status()) {
        return Ok(None);
    }
    let records = response.records(&query.records_path);
    records.map(Some).map_err(|error| malformed(query, &error))
}

const fn is_2xx(status: u16) -> bool {
    matches!(status, 200..=299)
}

const fn may_hold_records(status: u16) -> bool {
    is_2xx(status) && status != 204
}

/// A query that may be skipped is, when an identity it names is missing; anything else fails.
fn skip_of(query: &Query, error: HttpError) -> Result<Skipped, Failure> {
    match error {
        HttpError::MissingPlaceholder(name) if query.when_missing == WhenMissing::Skip => {
            let reason = SkipReason::MissingPlaceholder(name);
            Ok(Skipped { label: query.request.label.clone(), reason })
        }
        error => Err(failure_of(query, &error)),
    }
}

fn failure_of(query: &Query, error: &HttpError) -> Failure {
    let code = match error {
        HttpError::MissingPlaceholder(_) => FailureCode::MissingPlaceholder,
        HttpError::AmbiguousPlaceholder(_)
        | HttpError::ValueRefused(_)
        | HttpError::UnexpectedStatus(_)
        | HttpError::Unreachable
        | HttpError::Timeout
        | HttpError::TooLarge
        | HttpError::Truncated => FailureCode::QueryFailed,
    };
    query_failure(code, &query.request.label, error.sentence())
}

fn malformed(query: &Query, error: &ShapeError) -> Failure {
    let mut detail = error.sentence();
    if error.found == Shape::Object && query.records_path.is_empty() {
        detail.push_str("; if the array stands inside it, say where with records_path");
    }
    query_failure(FailureCode::MalformedResponse, &query.request.label, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(when_missing: &str) -> Query {
        let config = format!(
            r#"{{"queries": {{"access": [{{"url": "https://a.example/{{email}}", "verb": "GET",
                "verify_ssl": "true", "when_missing": "{when_missing}"}}]}}}}"#
        );
        config::read_checked(&config).unwrap().remove(0)
    }

    #[test]
    fn a_status_outside_2xx_or_a_204_means_that_nothing_was_found() {
        assert!(may_hold_records(200) && may_hold_records(201) && may_hold_records(206));
        for status in [199, 204, 302, 404, 410, 500] {
            assert!(!may_hold_records(status), "{status}");
        }
        assert!(is_2xx(204), "a delete answered with 204 is done");
    }

    #[test]
    fn a_missing_identity_skips_a_query_that_says_so_and_fails_any_other() {
        let missing = || HttpError::MissingPlaceholder("email".to_owned());
        let skipped = skip_of(&query("skip"), missing()).unwrap();
        assert_eq!(skipped.label, "access/0");
        assert_eq!(skipped.reason, SkipReason::MissingPlaceholder("email".to_owned()));
        let failed = skip_of(&query("fail"), missing()).unwrap_err();
        assert_eq!(failed.code, FailureCode::MissingPlaceholder);
        assert_eq!(failed.detail, "nothing is known for the placeholder {email}");
    }

    #[test]
    fn a_failed_query_is_named_with_its_status() {
        let failed = skip_of(&query("skip"), HttpError::UnexpectedStatus(500)).unwrap_err();
        assert_eq!(failed.code, FailureCode::QueryFailed);
        assert_eq!(failed.label.as_deref(), Some("access/0"));
        assert_eq!(failed.detail, "unexpected status 500");
    }
}
