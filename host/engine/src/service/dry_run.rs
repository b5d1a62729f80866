//! A dry run of a connection: which requests an action would send, without sending one.
//!
//! Works for any connection: disabled, in test mode, waiting for approval. Changes nothing; the
//! audit event counts and names no value. Called by `POST /v1/connections/{key}/dry-run`.

use std::collections::BTreeSet;

use cordon_model::commit::Commit;
use cordon_model::connection::Connection;
use cordon_model::input::Form;
use cordon_model::plan::EgressNeed;
use cordon_model::port::{ConnectorError, DryRunCall, DryRunEnd, Judgment, Refusal, UnsentRequest};
use cordon_model::subject::{DataSubject, IdentityKind};
use cordon_model::task::SkippedQuery;
use cordon_model::{Action, Failure, Problem, Timestamp};
use tokio_util::sync::CancellationToken;

use super::grants::not_granted;
use crate::start::{form_of, settings_json};
use crate::{Access, Error, Services};

/// What an action would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DryRun {
    /// Which action.
    pub action: Action,
    /// Whether every request that was reached would go out and nothing is wrong.
    pub ready: bool,
    /// The requests, in order, with placeholders in place of values.
    pub requests: Vec<UnsentRequest>,
    /// Queries that would be skipped.
    pub skipped: Vec<SkippedQuery>,
    /// What a request would fail over, whatever became of the others.
    pub problems: Vec<Failure>,
    /// What a person would be asked.
    pub asks: Option<Form>,
    /// What else it may send: requests that it makes of answers, and was or is to be granted.
    pub beyond_plan: Vec<EgressNeed>,
}

impl Services {
    /// Says what a connection would send for these identities; kinds and their values, in order.
    /// An identifiers run is shown for each kind that the connection can find. Dropping the
    /// future ends it.
    ///
    /// # Errors
    /// When there is no such connection, it cannot do the action, or an identity could not be
    /// submitted; when the host could not do its part.
    pub async fn dry_run(
        &self,
        access: &Access,
        name: &str,
        action: &str,
        identities: &[(String, Vec<String>)],
    ) -> Result<DryRun, Error> {
        let connection = self.connection(access, name).await?;
        let mut problems = Vec::new();
        let action = action_of(&connection, action, &mut problems);
        let subject = self.shown_subject(access, identities, &mut problems).await?;
        let Some(action) = action.filter(|_| problems.is_empty()) else {
            return Err(Error::Invalid(problems));
        };
        let mut end = DryRunEnd::default();
        for wanted in wanted(&connection, action) {
            add(&mut end, self.dry_run_of(&connection, action, wanted, &subject).await?);
        }
        if let Some(failure) = not_granted(&connection) {
            hold_back(&mut end, failure);
        }
        let event = self
            .event_about(access, "connection.dry_run", &connection)
            .with("action", action)
            .with("identities", subject.identities.len())
            .with("requests", end.requests.len())
            .with("problems", end.problems.len());
        self.store().commit(Commit { changes: Vec::new(), audit: vec![event] }).await?;
        let DryRunEnd { requests, skipped, problems, asks, beyond_plan } = end;
        let refused = |request: &UnsentRequest| matches!(request.judgment, Judgment::Refused(_));
        let ready = problems.is_empty() && !requests.iter().any(refused);
        Ok(DryRun { action, ready, requests, skipped, problems, asks, beyond_plan })
    }

    /// Nobody is named in a dry run that asks what is missing.
    async fn shown_subject(
        &self,
        access: &Access,
        identities: &[(String, Vec<String>)],
        problems: &mut Vec<Problem>,
    ) -> Result<DataSubject, Error> {
        if identities.iter().all(|(_, values)| values.is_empty()) {
            return Ok(DataSubject::default());
        }
        let connections = self.all_connections(&access.tenant).await?;
        let kinds = self.kinds_known_to(&access.tenant, &connections).await?;
        Ok(self.subject_of(identities, &kinds, problems))
    }

    async fn dry_run_of(
        &self,
        connection: &Connection,
        action: Action,
        wanted: Option<IdentityKind>,
        subject: &DataSubject,
    ) -> Result<DryRunEnd, Error> {
        let webhook = self.store().manual_webhook(&connection.tenant, &connection.key).await?;
        let deadline = self.now().checked_add(self.options.test_timeout);
        // Ends the run when this future is dropped, whatever the connector does with the token.
        let cancel = CancellationToken::new();
        let _guard = cancel.clone().drop_guard();
        let call = DryRunCall {
            connection: Connection {
                grants: connection.grants.limited_to(&connection.needs),
                ..connection.clone()
            },
            terms: self.terms_of(&connection.tenant).await?,
            action,
            wanted,
            subject: subject.clone(),
            policy_settings: webhook.map(|webhook| settings_json(&form_of(&webhook.fields))),
            deadline: deadline.unwrap_or(Timestamp::MAX),
            cancel,
        };
        self.ports.connectors.dry_run(call).await.map_err(|error| match error {
            ConnectorError::Host(reason) => Error::Unavailable(reason),
            failed @ ConnectorError::Failed(_) => Error::Unavailable(failed.to_string()),
        })
    }
}

/// The action, if the connection can do it.
fn action_of(connection: &Connection, word: &str, problems: &mut Vec<Problem>) -> Option<Action> {
    let action = word.parse().ok().filter(|action| connection.capabilities.contains(action));
    if action.is_none() {
        let able: Vec<&str> = connection.capabilities.iter().map(|a| a.as_str()).collect();
        let message = format!("the connection can do: {}", able.join(", "));
        problems.push(Problem::error("invalid_value", "/action", message));
    }
    action
}

/// The kinds that the connection can find; for any other action there is one run.
fn wanted(connection: &Connection, action: Action) -> Vec<Option<IdentityKind>> {
    if action != Action::Identifiers {
        return vec![None];
    }
    let queries = connection.queries.iter().filter(|query| query.action == Some(action));
    let kinds: BTreeSet<_> = queries.filter_map(|query| query.wanted.clone()).collect();
    kinds.into_iter().map(Some).collect()
}

/// One run after another; what is true of all of them is told once.
fn add(all: &mut DryRunEnd, one: DryRunEnd) {
    let DryRunEnd { requests, skipped, problems, asks, beyond_plan } = one;
    all.requests.extend(requests);
    all.skipped.extend(skipped);
    add_new(&mut all.problems, problems);
    add_new(&mut all.beyond_plan, beyond_plan);
    all.asks = all.asks.take().or(asks);
}

fn add_new<T: PartialEq>(all: &mut Vec<T>, more: Vec<T>) {
    for one in more {
        if !all.contains(&one) {
            all.push(one);
        }
    }
}

/// Nothing of a connection that waits for approval is sent, whatever is granted by now.
fn hold_back(end: &mut DryRunEnd, failure: Failure) {
    for request in &mut end.requests {
        if request.judgment == Judgment::Allowed {
            request.judgment = Judgment::Refused(Refusal {
                stage: "policy",
                code: "grant_missing",
                detail: "the connection waits for approval; until then nothing of it is sent"
                    .to_owned(),
            });
        }
    }
    end.problems.insert(0, failure);
}

#[cfg(test)]
mod tests {
    use cordon_model::FailureCode;

    use super::*;

    fn allowed() -> UnsentRequest {
        UnsentRequest {
            label: "access/0".to_owned(),
            occurrence: 0,
            method: "GET".to_owned(),
            url: "https://a.example/{email}".to_owned(),
            headers: Vec::new(),
            body: None,
            identities: Vec::new(),
            verify_tls: true,
            idempotent: true,
            judgment: Judgment::Allowed,
        }
    }

    fn end(problem: &str) -> DryRunEnd {
        DryRunEnd {
            requests: vec![allowed()],
            problems: vec![Failure::new(FailureCode::SecretsUnavailable, problem)],
            ..DryRunEnd::default()
        }
    }

    #[test]
    fn what_is_wrong_with_several_runs_is_told_once() {
        let mut all = end("locked");
        add(&mut all, end("locked"));
        add(&mut all, end("gone"));
        assert_eq!((all.requests.len(), all.problems.len()), (3, 2));
    }

    #[test]
    fn what_several_runs_may_also_send_is_told_once() {
        let need = |prefix: &str| EgressNeed {
            origin: "https://a.example".to_owned(),
            path_prefix: prefix.to_owned(),
            methods: vec!["GET".to_owned()],
            secrets: Vec::new(),
        };
        let run = |beyond_plan| DryRunEnd { beyond_plan, ..DryRunEnd::default() };
        let mut all = run(vec![need("/a")]);
        add(&mut all, run(vec![need("/a"), need("/b")]));
        assert_eq!(all.beyond_plan, [need("/a"), need("/b")]);
    }

    #[test]
    fn nothing_is_allowed_while_approval_is_missing() {
        let mut all = end("locked");
        hold_back(&mut all, Failure::new(FailureCode::NotGranted, "waits"));
        assert_eq!(all.problems[0].code, FailureCode::NotGranted);
        let Judgment::Refused(refusal) = &all.requests[0].judgment else { panic!("allowed") };
        assert_eq!(refusal.code, "grant_missing");
    }
}
