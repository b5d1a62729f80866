//! What a call of a connector came to.

use std::fmt;

use serde_json::Value;

use super::state::{self, Held, Scalar, State};
use super::{Carry, Purpose};
use crate::handles::ValueId;
use crate::types::{
    Action, Ask, Failure, FailureCode, Finding, Form, Later, Outcome, Report, SkipReason, Skipped,
};

/// A request as it went out, with `{name}` in the place of each value: `{email}`, `{email 2}` for
/// the second one, `{api_key}`, and `{"c2"}` for a scalar of a response.
///
/// ```
/// # use cordon_connector_sdk::testing::Sent;
/// fn is_signed(sent: &Sent) -> bool {
///     sent.headers.iter().any(|(_, value)| value == "Bearer {api_key}")
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// Its label.
    pub label: String,
    /// Its verb.
    pub method: String,
    /// Its URL.
    pub url: String,
    /// Its headers, in order.
    pub headers: Vec<(String, String)>,
    /// Its body, if there is one.
    pub body: Option<String>,
}

impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.url)
    }
}

/// How a call ended.
///
/// ```
/// # use cordon_connector_sdk::testing::{Ended, Ran};
/// fn waits(ran: &Ran) -> bool {
///     matches!(ran.ended(), Ended::Waits(_) | Ended::Asked(_))
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// Access: an array of everything that was found.
    Records(Value),
    /// Identifiers: the values that were found.
    Identities(Vec<String>),
    /// Delete, optout: it is done.
    Done,
    /// Delete, optout: the upstream knows no such person.
    NothingFound,
    /// The test passed.
    Passed,
    /// A person is asked.
    Asked(Form),
    /// It comes back, after so many seconds or when the upstream or the host says.
    Waits(Option<u32>),
    /// It failed.
    Failed(Failure),
}

/// How it ended, in words: what a test says that expected something else.
impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Failed(Failure { code, label, detail }) = self else {
            return write!(f, "the run ended so: {self:?}");
        };
        write!(f, "the run failed with {}", word(*code))?;
        if let Some(label) = label {
            write!(f, " in `{label}`")?;
        }
        write!(f, ": {detail}")
    }
}

/// As the host's reports write it.
const fn word(code: FailureCode) -> &'static str {
    match code {
        FailureCode::QueryFailed => "query_failed",
        FailureCode::MalformedResponse => "malformed_response",
        FailureCode::MissingPlaceholder => "missing_placeholder",
        FailureCode::InvalidConfig => "invalid_config",
        FailureCode::Unsupported => "unsupported",
        FailureCode::Internal => "plugin_internal",
    }
}

/// What a call of a connector came to, and what it sent.
///
/// ```
/// # use cordon_connector_sdk::{Connector, testing::{Ended, Host, Ran}, types::Action};
/// fn is_deleted<C: Connector>(host: &mut Host) -> bool {
///     *host.run::<C>(Action::Delete).ended() == Ended::Done
/// }
/// ```
#[derive(Debug)]
pub struct Ran {
    pub(super) ended: (Ended, Vec<Skipped>),
    pub(super) sent: Vec<Sent>,
    pub(super) log: Vec<String>,
}

impl Ran {
    /// How it ended.
    ///
    /// ```
    /// # use cordon_connector_sdk::testing::{Ended, Ran};
    /// fn check(ran: &Ran) {
    ///     assert_eq!(*ran.ended(), Ended::NothingFound);
    /// }
    /// ```
    pub const fn ended(&self) -> &Ended {
        &self.ended.0
    }

    /// Everything that access found, as one array.
    ///
    /// # Panics
    /// When it ended otherwise.
    ///
    /// ```
    /// # use cordon_connector_sdk::testing::Ran;
    /// fn check(ran: &Ran) {
    ///     assert_eq!(ran.records(), serde_json::json!([{"id": 7}]));
    /// }
    /// ```
    pub fn records(&self) -> Value {
        match self.ended() {
            Ended::Records(found) => found.clone(),
            other => state::unmet(format!("records were expected, and {other}")),
        }
    }

    /// What an identifiers run found.
    ///
    /// # Panics
    /// When it ended otherwise.
    ///
    /// ```
    /// # use cordon_connector_sdk::testing::Ran;
    /// fn check(ran: &Ran) {
    ///     assert_eq!(ran.identities(), ["17", "18"]);
    /// }
    /// ```
    pub fn identities(&self) -> Vec<String> {
        match self.ended() {
            Ended::Identities(found) => found.clone(),
            other => state::unmet(format!("identities were expected, and {other}")),
        }
    }

    /// Why it failed.
    ///
    /// # Panics
    /// When it did not.
    ///
    /// ```
    /// # use cordon_connector_sdk::{testing::Ran, types::FailureCode};
    /// fn check(ran: &Ran) {
    ///     assert_eq!(ran.failure().code, FailureCode::MalformedResponse);
    /// }
    /// ```
    pub fn failure(&self) -> &Failure {
        match self.ended() {
            Ended::Failed(failure) => failure,
            other => state::unmet(format!("a failure was expected, and {other}")),
        }
    }

    /// The queries that its report says were left out, by label, with the kind of identity that
    /// was missing; none: the query did not apply.
    ///
    /// ```
    /// # use cordon_connector_sdk::testing::Ran;
    /// fn check(ran: &Ran) {
    ///     assert_eq!(ran.skipped(), [("access/calls", Some("phone_number"))]);
    /// }
    /// ```
    pub fn skipped(&self) -> Vec<(&str, Option<&str>)> {
        fn shown(skipped: &Skipped) -> (&str, Option<&str>) {
            let missing = match &skipped.reason {
                SkipReason::MissingPlaceholder(name) => Some(name.as_str()),
                SkipReason::NotApplicable => None,
            };
            (skipped.label.as_str(), missing)
        }
        self.ended.1.iter().map(shown).collect()
    }

    /// What went out, in order, as `METHOD URL`.
    ///
    /// ```
    /// # use cordon_connector_sdk::testing::Ran;
    /// fn check(ran: &Ran) {
    ///     assert_eq!(ran.sent(), ["GET https://api.acme.example/people?email={email}"]);
    /// }
    /// ```
    pub fn sent(&self) -> Vec<String> {
        self.sent.iter().map(ToString::to_string).collect()
    }

    /// What went out, in order, with everything in it.
    ///
    /// ```
    /// # use cordon_connector_sdk::testing::Ran;
    /// fn check(ran: &Ran) {
    ///     assert_eq!(ran.requests()[0].body.as_deref(), Some(r#"{"email": "{email}"}"#));
    /// }
    /// ```
    pub fn requests(&self) -> &[Sent] {
        &self.sent
    }

    /// The lines that it wrote to the log, each with its level before it.
    ///
    /// ```
    /// # use cordon_connector_sdk::testing::Ran;
    /// fn check(ran: &Ran) {
    ///     assert_eq!(ran.log(), ["warn: an empty page"]);
    /// }
    /// ```
    pub fn log(&self) -> &[String] {
        &self.log
    }

    pub(super) fn failed_before(failure: Failure) -> Self {
        Self { ended: (Ended::Failed(failure), Vec::new()), sent: Vec::new(), log: Vec::new() }
    }
}

/// What a run came to, and what it hands over.
pub(super) fn read(
    state: &State,
    purpose: &Purpose,
    input: Option<Vec<(String, Option<String>)>>,
    outcome: Result<Outcome, Failure>,
) -> (Ended, Vec<Skipped>, Carry) {
    match outcome {
        Err(failure) => (Ended::Failed(failure), Vec::new(), Carry::default()),
        Ok(Outcome::Finished(Report { finding, skipped })) => {
            (found(state, purpose, finding), skipped, Carry::default())
        }
        Ok(Outcome::RequiresInput(Ask { form, state: kept, values })) => {
            let ended = Ended::Asked(form.clone());
            let carry = Carry {
                state: kept,
                values: scalars(state, &values),
                form: Some(form),
                input: None,
            };
            (ended, Vec::new(), carry)
        }
        Ok(Outcome::Pending(Later { after_seconds, state: kept, values })) => {
            let values = scalars(state, &values);
            let carry = Carry { state: kept, values, form: None, input };
            (Ended::Waits(after_seconds), Vec::new(), carry)
        }
    }
}

fn found(state: &State, purpose: &Purpose, finding: Finding) -> Ended {
    let action = match purpose {
        Purpose::Test => None,
        Purpose::Action(action) => Some(*action),
        Purpose::Find(_) => Some(Action::Identifiers),
    };
    match (action, finding) {
        (Some(Action::Access), Finding::Records(records)) => {
            let objects = records.into_iter().flat_map(|records| records.0.objects);
            Ended::Records(Value::Array(objects.collect()))
        }
        (Some(Action::Identifiers), Finding::Identities(ids)) => {
            Ended::Identities(ids.iter().filter_map(|id| identity(state, *id)).collect())
        }
        (Some(Action::Delete | Action::Optout), Finding::Done) => Ended::Done,
        (Some(Action::Delete | Action::Optout), Finding::NothingFound) => Ended::NothingFound,
        (_, finding) => state::end(format!("this fits no run of its action: {finding:?}")),
    }
}

/// The value of an identity that this run found; one that was given is left out.
fn identity(state: &State, id: ValueId) -> Option<String> {
    match state.get(id) {
        Some(Held::Identity { value, found, .. }) => found.then(|| value.clone()),
        Some(Held::Scalar(_)) | None => {
            state::end("the outcome names a value that is no identity of this run")
        }
    }
}

fn scalars(state: &State, ids: &[ValueId]) -> Vec<Scalar> {
    let scalar = |id: &ValueId| match state.get(*id) {
        Some(Held::Scalar(scalar)) => scalar.clone(),
        Some(Held::Identity { .. }) | None => {
            state::end("a value that is kept for the next run is no scalar of a response")
        }
    };
    ids.iter().map(scalar).collect()
}
