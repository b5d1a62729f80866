//! The words of the exported functions: what a connector is asked, and what it answers.
//!
//! Those that hold a resource are declared here, the others come from the contract as they are.

pub use crate::bindings::cordon::connector::types::{
    Action, Ask, Descriptor, Draft, EgressNeed, Failure, FailureCode, Field, FieldType, Form,
    Later, PlannedRequest, Problem, ReadGrant, Severity, SkipReason, Skipped, Verdict, WhenMissing,
};

use crate::handles::{Identity, Input, Records, ValueId};

/// What `run` is asked to do: one action for one data subject.
///
/// ```
/// # use cordon_connector_sdk::types::{Failure, Outcome, ReadGrant, Task};
/// fn run(task: Task) -> Result<Outcome, Failure> {
///     for email in task.identities_of("email") {
///         // One query each, bound to `email.id`.
///     }
///     # Ok(Outcome::nothing_found())
/// }
/// ```
#[derive(Debug)]
pub struct Task {
    /// The action.
    pub action: Action,
    /// The kind of identity to find, in an identifiers run.
    pub wanted: Option<String>,
    /// The whole connection object as it was written, as JSON; `validate` found no error in it.
    pub config: String,
    /// What the policy stores for this connection, as JSON.
    pub policy_settings: Option<String>,
    /// What may be read, until this run has an outcome.
    pub reads: Vec<ReadGrant>,
    /// The identities that are known, in the order in which they became known.
    pub identities: Vec<Identity>,
    /// What a person supplied. None: nobody was asked, or nobody answered.
    pub input: Option<Input>,
    /// What the run before returned with `requires-input` or `pending`, unchanged.
    pub state: Option<String>,
    /// The values it handed over, in their order, under the numbers of this run.
    pub values: Vec<ValueId>,
}

impl Task {
    /// The identities of one kind, in order.
    ///
    /// ```
    /// # use cordon_connector_sdk::types::Task;
    /// fn knows_an_email(task: &Task) -> bool {
    ///     task.identities_of("email").next().is_some()
    /// }
    /// ```
    pub fn identities_of(&self, kind: &str) -> impl Iterator<Item = &Identity> {
        self.identities.iter().filter(move |identity| identity.kind == kind)
    }

    /// Whether the operator granted this connection to read something.
    ///
    /// ```
    /// # use cordon_connector_sdk::types::{ReadGrant, Task};
    /// fn may_look_inside(task: &Task) -> bool {
    ///     task.may_read(ReadGrant::Responses)
    /// }
    /// ```
    pub fn may_read(&self, grant: ReadGrant) -> bool {
        self.reads.contains(&grant)
    }
}

/// What a finished run found or did. Must fit the action.
///
/// ```
/// # use cordon_connector_sdk::types::{Finding, Outcome};
/// fn nothing() -> Outcome {
///     Outcome::finished(Finding::Records(vec![]))
/// }
/// ```
#[derive(Debug)]
pub enum Finding {
    /// Access: what was found, in order. Empty: nothing.
    Records(Vec<Records>),
    /// Identifiers: what was found, of the wanted kind. Empty: nothing.
    Identities(Vec<ValueId>),
    /// Delete, optout. Said without one call on record it is reported as unverified.
    Done,
    /// Delete, optout: the upstream knows no such person.
    NothingFound,
}

/// How a run finished.
///
/// ```
/// # use cordon_connector_sdk::types::{Finding, Outcome, Report, Skipped};
/// fn done_without(skipped: Vec<Skipped>) -> Outcome {
///     Outcome::Finished(Report { finding: Finding::Done, skipped })
/// }
/// ```
#[derive(Debug)]
pub struct Report {
    /// What it found or did.
    pub finding: Finding,
    /// What it left out.
    pub skipped: Vec<Skipped>,
}

/// How a run ended, when it did not fail.
///
/// ```
/// # use cordon_connector_sdk::types::{Later, Outcome};
/// fn in_a_minute() -> Outcome {
///     Outcome::Pending(Later::after(60))
/// }
/// ```
#[derive(Debug)]
pub enum Outcome {
    /// The task is done.
    Finished(Report),
    /// The task waits for a person.
    RequiresInput(Ask),
    /// The task waits for a time.
    Pending(Later),
}

impl Outcome {
    /// Finished, with nothing left out.
    ///
    /// ```
    /// # use cordon_connector_sdk::handles::Records;
    /// # use cordon_connector_sdk::types::{Finding, Outcome};
    /// fn found(pages: Vec<Records>) -> Outcome {
    ///     Outcome::finished(Finding::Records(pages))
    /// }
    /// ```
    pub fn finished(finding: Finding) -> Self {
        Self::Finished(Report { finding, skipped: Vec::new() })
    }

    /// A deletion or an opt-out that was done.
    ///
    /// ```
    /// # use cordon_connector_sdk::types::Outcome;
    /// fn of(deleted: bool) -> Outcome {
    ///     if deleted { Outcome::done() } else { Outcome::nothing_found() }
    /// }
    /// ```
    pub fn done() -> Self {
        Self::finished(Finding::Done)
    }

    /// A deletion or an opt-out of somebody whom the upstream does not know; see
    /// [`Outcome::done`].
    ///
    /// ```
    /// # use cordon_connector_sdk::types::Outcome;
    /// # let _ =
    /// Outcome::nothing_found()
    /// # ;
    /// ```
    pub fn nothing_found() -> Self {
        Self::finished(Finding::NothingFound)
    }
}

#[cfg(target_arch = "wasm32")]
mod converted {
    //! From and to the generated types, which hold the host's resources.

    use super::{Finding, Outcome, Report, Task};
    use crate::bindings::cordon::connector::types as wire;
    use crate::handles::Input;

    impl From<wire::Task> for Task {
        fn from(task: wire::Task) -> Self {
            let wire::Task {
                action,
                wanted,
                config,
                policy_settings,
                reads,
                identities,
                input,
                state,
                values,
            } = task;
            let input = input.map(Input);
            Self {
                action,
                wanted,
                config,
                policy_settings,
                reads,
                identities,
                input,
                state,
                values,
            }
        }
    }

    impl From<Outcome> for wire::Outcome {
        fn from(outcome: Outcome) -> Self {
            match outcome {
                Outcome::Finished(Report { finding, skipped }) => {
                    Self::Finished(wire::Report { finding: finding.into(), skipped })
                }
                Outcome::RequiresInput(ask) => Self::RequiresInput(ask),
                Outcome::Pending(later) => Self::Pending(later),
            }
        }
    }

    impl From<Finding> for wire::Finding {
        fn from(finding: Finding) -> Self {
            match finding {
                Finding::Records(records) => {
                    Self::Records(records.into_iter().map(|records| records.0).collect())
                }
                Finding::Identities(ids) => Self::Identities(ids),
                Finding::Done => Self::Done,
                Finding::NothingFound => Self::NothingFound,
            }
        }
    }
}
