//! Which calls a run makes, in which order: every query of the action, each once for every
//! combination of the identities it names (BEHAVIOUR B6, C4, D8). Settled before the first call
//! goes out; no call depends on the answer to another.

use cordon_connector_sdk::handles::Identity;
use cordon_connector_sdk::http::HttpRequest;
use cordon_connector_sdk::query_failure;
use cordon_connector_sdk::types::{Action, Failure, FailureCode, Task};

use crate::combine::{self, COMBINATIONS_MAX, TooMany};
use crate::query::Query;

/// One request of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call<'q> {
    /// Its query.
    pub(crate) query: &'q Query,
    /// The query's request, bound to identities.
    pub(crate) request: HttpRequest,
}

/// The calls of a task.
///
/// # Errors
/// When the identities of a query combine in too many ways.
pub(crate) fn of_task<'q>(queries: &'q [Query], task: &Task) -> Result<Vec<Call<'q>>, Failure> {
    let mut calls = Vec::new();
    for query in queries.iter().filter(|query| serves(query, task)) {
        let kinds = kinds_named(&query.request, &task.identities);
        let combined = combine::combinations(&kinds, &task.identities);
        let combined = combined.map_err(|too_many| failure(query, too_many))?;
        for chosen in combined.iter().filter(|chosen| is_due(chosen, task)) {
            let bind = chosen.iter().map(|identity| identity.id).collect();
            calls.push(Call { query, request: query.request.bound_to(bind) });
        }
    }
    Ok(calls)
}

fn serves(query: &Query, task: &Task) -> bool {
    query.purpose.action() == Some(task.action) && query.purpose.wanted() == task.wanted.as_deref()
}

/// The kinds of identity that a request names, each once, in the order in which they stand. A
/// name that is no kind of a known identity is a credential, or missing, which the host tells.
fn kinds_named<'r>(request: &'r HttpRequest, identities: &[Identity]) -> Vec<&'r str> {
    let is_known = |name: &&str| identities.iter().any(|identity| identity.kind == **name);
    let mut kinds = Vec::new();
    for kind in request.placeholders().filter(is_known) {
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    kinds
}

/// Identifiers queries come in rounds; what an earlier round asked for is not asked again. In the
/// first round everything is new, a query that names no identity included.
fn is_due(chosen: &[&Identity], task: &Task) -> bool {
    task.action != Action::Identifiers
        || chosen.iter().any(|identity| identity.fresh)
        || task.identities.iter().all(|identity| identity.fresh)
}

fn failure(query: &Query, too_many: TooMany) -> Failure {
    let detail = format!(
        "the identities that this query names combine in {} ways; {COMBINATIONS_MAX} are allowed",
        too_many.count
    );
    query_failure(FailureCode::QueryFailed, &query.request.label, detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;
    use cordon_connector_sdk::types::Task;

    const CONFIG: &str = r#"{"queries": {
        "test": [{"url": "https://a.example/up", "verb": "GET", "verify_ssl": "true"}],
        "access": [
            {"url": "https://a.example/all", "verb": "GET", "verify_ssl": "true",
             "headers": {"Authorization": "Bearer {token}"}},
            {"url": "https://a.example/u?e={email}&u={user_id}&again={email}", "verb": "GET",
             "verify_ssl": "true"}
        ],
        "identifiers": {
            "user_id": [
                {"url": "https://a.example/id?e={email}", "verb": "GET", "verify_ssl": "true"},
                {"url": "https://a.example/id", "verb": "GET", "verify_ssl": "true"}
            ],
            "phone_number": [
                {"url": "https://a.example/p?e={email}", "verb": "GET", "verify_ssl": "true"}
            ]
        }
    }}"#;

    fn task(action: Action, wanted: Option<&str>, identities: &[(&str, bool)]) -> Task {
        let identity = |(id, (kind, fresh)): (usize, &(&str, bool))| Identity {
            id: u32::try_from(id).unwrap(),
            kind: (*kind).to_owned(),
            fresh: *fresh,
        };
        Task {
            action,
            wanted: wanted.map(str::to_owned),
            config: CONFIG.to_owned(),
            policy_settings: None,
            reads: vec![],
            identities: identities.iter().enumerate().map(identity).collect(),
            input: None,
            state: None,
            values: vec![],
        }
    }

    fn calls(task: &Task) -> Result<Vec<(String, Vec<u32>)>, Failure> {
        let queries = config::read_checked(CONFIG).unwrap();
        let calls = of_task(&queries, task)?;
        Ok(calls.into_iter().map(|call| (call.request.label, call.request.bind)).collect())
    }

    fn call(label: &str, bind: &[u32]) -> (String, Vec<u32>) {
        (label.to_owned(), bind.to_vec())
    }

    #[test]
    fn queries_run_in_order_each_once_for_every_combination() {
        let known = [("email", true), ("user_id", true), ("email", true), ("phone_number", true)];
        assert_eq!(
            calls(&task(Action::Access, None, &known)).unwrap(),
            [call("access/0", &[]), call("access/1", &[0, 1]), call("access/1", &[2, 1]),]
        );
    }

    #[test]
    fn a_missing_identity_is_left_to_the_host_to_name() {
        assert_eq!(
            calls(&task(Action::Access, None, &[("email", true)])).unwrap(),
            [call("access/0", &[]), call("access/1", &[0]),]
        );
    }

    #[test]
    fn an_identifiers_run_asks_for_the_wanted_kind_only() {
        let task = task(Action::Identifiers, Some("phone_number"), &[("email", true)]);
        assert_eq!(calls(&task).unwrap(), [call("identifiers/phone_number/0", &[0])]);
    }

    #[test]
    fn a_later_round_asks_only_about_what_is_new() {
        let first = task(Action::Identifiers, Some("user_id"), &[("email", true)]);
        assert_eq!(
            calls(&first).unwrap(),
            [call("identifiers/user_id/0", &[0]), call("identifiers/user_id/1", &[]),]
        );
        let known = [("email", false), ("email", true), ("phone_number", true)];
        let second = task(Action::Identifiers, Some("user_id"), &known);
        assert_eq!(calls(&second).unwrap(), [call("identifiers/user_id/0", &[1])]);
    }

    #[test]
    fn too_many_combinations_fail_before_anything_is_sent() {
        let mut known = vec![("email", true); 11];
        known.extend([("user_id", true); 10]);
        let failure = calls(&task(Action::Access, None, &known)).unwrap_err();
        assert_eq!(failure.label.as_deref(), Some("access/1"));
        assert!(failure.detail.contains("110 ways"), "{}", failure.detail);
    }

    #[test]
    fn a_call_is_its_planned_request_but_for_the_bindings() {
        let queries = config::read_checked(CONFIG).unwrap();
        let known = [("email", true), ("user_id", true)];
        for call in of_task(&queries, &task(Action::Access, None, &known)).unwrap() {
            let unbound = call.request.bound_to(vec![]);
            assert_eq!(unbound, call.query.request);
        }
    }
}
