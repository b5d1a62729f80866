//! Coming back: what a run hands to the next one, when it waits for a time or for a person.
//!
//! No instance waits. The next run begins afresh and learns where it stands from its state and
//! from the values that it was handed; a connector with several steps makes its state an enum and
//! matches on it first.
//!
//! The host bounds one wait ([`Later`]) and no number of them: count them in the state, and fail
//! when there are too many. Each run has the connection's `job_timeout_seconds` for itself; the
//! time between two runs does not count. A deadline of the policy counts on.
//!
//! How far a job is must show in the status, as `202` and `200` here. A word in a JSON body, as in
//! `{"state": "running"}`, is a number to a connector: only one with the read grant `responses` can
//! compare it, in the text of `answer.required_object("")?.read(0)`.
//!
//! A connector that starts an export for each email, polls, and fetches what is ready:
//!
//! ```
//! use cordon_connector_sdk::plan::verdict;
//! use cordon_connector_sdk::query::Query;
//! use cordon_connector_sdk::reading::Problems;
//! use cordon_connector_sdk::text::{Value, placeholder};
//! use cordon_connector_sdk::types::{
//!     Action, Descriptor, Draft, EgressNeed, Failure, FailureCode, Finding, Later, Outcome, Task,
//!     Verdict,
//! };
//! use cordon_connector_sdk::{Connector, failure, query_failure, text};
//!
//! const ORIGIN: &str = "https://api.acme.example";
//! const POLLS_MAX: u32 = 100;
//!
//! /// 202 with `{"job": …}`: begun; 404: no such person.
//! fn start() -> Query {
//!     Query::new("access/start", "POST", text!("{}/jobs", ORIGIN))
//!         .serving(Action::Access)
//!         .json(text!(r#"{{"email": "{}"}}"#, placeholder("email")))
//!         .success(&[202, 404])
//!         .records()
//! }
//!
//! /// 202: not yet; 200: ready.
//! fn poll(job: Value) -> Query {
//!     Query::new("access/poll", "GET", text!("{}/jobs/{}", ORIGIN, job)).success(&[200, 202])
//! }
//!
//! fn fetch(job: Value) -> Query {
//!     Query::new("access/fetch", "GET", text!("{}/jobs/{}/records", ORIGIN, job)).records()
//! }
//!
//! struct Exports;
//!
//! impl Connector for Exports {
//! #   fn describe() -> Descriptor {
//! #       Descriptor {
//! #           connector_type: "exports".to_owned(), category: "examples".to_owned(),
//! #           display_name: "Exports".to_owned(), actions: vec![Action::Access],
//! #           config_schema: "{}".to_owned(), policy_schema: None, reads: vec![],
//! #       }
//! #   }
//! #   fn test(_: String) -> Result<(), Failure> { Ok(()) }
//!     // … describe, test
//!
//!     fn validate(draft: Draft) -> Verdict {
//!         // The job stands in the URLs of polls and fetches: they cannot be planned.
//!         let jobs = EgressNeed::new(ORIGIN, "/jobs", &["GET"]);
//!         verdict(&draft, Problems::default(), [start()], [jobs])
//!     }
//!
//!     fn run(task: Task) -> Result<Outcome, Failure> {
//!         if task.action != Action::Access {
//!             return Err(failure(FailureCode::Unsupported, "exports serve access only"));
//!         }
//!         let jobs: Vec<Value> = task.values.iter().copied().map(Value::from).collect();
//!         match task.state_as()? {
//!             None => begin(&task),
//!             Some(polls) => go_on(&jobs, polls),
//!         }
//!     }
//! }
//!
//! /// The first run.
//! fn begin(task: &Task) -> Result<Outcome, Failure> {
//!     let mut jobs = Vec::new();
//!     for email in task.identities_of("email") {
//!         if let Some(answer) = start().send(&[email.id])?.filter(|answer| answer.status() == 202) {
//!             jobs.push(answer.required_value("/job")?);
//!         }
//!     }
//!     if jobs.is_empty() {
//!         return Ok(Outcome::finished(Finding::Records(vec![]))); // nobody, or a dry run
//!     }
//!     wait(&jobs, 0)
//! }
//!
//! /// Every further one.
//! fn go_on(jobs: &[Value], polls: u32) -> Result<Outcome, Failure> {
//!     for job in jobs {
//!         if poll(*job).send(&[])?.is_some_and(|answer| answer.status() == 202) {
//!             return wait(jobs, polls + 1);
//!         }
//!     }
//!     let mut found = Vec::new();
//!     for job in jobs {
//!         if let Some(answer) = fetch(*job).send(&[])? {
//!             found.push(answer.records("")?);
//!         }
//!     }
//!     Ok(Outcome::finished(Finding::Records(found)))
//! }
//!
//! /// The state is the number of polls; the jobs stand in `task.values` of the next run.
//! fn wait(jobs: &[Value], polls: u32) -> Result<Outcome, Failure> {
//!     if polls >= POLLS_MAX {
//!         let detail = format!("the export is not ready after {POLLS_MAX} polls");
//!         return Err(query_failure(FailureCode::QueryFailed, "access/poll", detail));
//!     }
//!     let later = Later::as_told().with_state(&polls)?;
//!     Ok(Outcome::Pending(jobs.iter().fold(later, |later, job| later.keeping(*job))))
//! }
//!
//! // Its unit test:
//! use cordon_connector_sdk::testing::{Ended, Host, Reply};
//!
//! let mut host = Host::new("{}")
//!     .identity("email", "ada@initech.example")
//!     .answer("access/start", Reply::json(r#"{"job": 7}"#).with_status(202));
//! assert_eq!(*host.run::<Exports>(Action::Access).ended(), Ended::Waits(None));
//!
//! host.then("access/poll", Reply::status(202));
//! assert_eq!(*host.run::<Exports>(Action::Access).ended(), Ended::Waits(None));
//!
//! host.then("access/poll", Reply::status(200));
//! host.then("access/fetch", Reply::json(r#"[{"id": 1}]"#));
//! let ran = host.run::<Exports>(Action::Access);
//! assert_eq!(ran.sent().len(), 2);
//! assert_eq!(ran.records().to_string(), r#"[{"id":1}]"#);
//! ```
//!
//! A number, a text or a list of them is a state as it is. A type of your own derives `Serialize`
//! and `Deserialize`: `cargo add serde --features derive`.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::failure;
use crate::text::Value;
use crate::types::{Ask, Failure, FailureCode, Field, FieldType, Form, Later, Task};

/// Most bytes of a state that the host keeps.
pub const STATE_BYTES_MAX: usize = 64 * 1024;

impl Task {
    /// The state that the run before handed over, as the type that it was. None: this is the first
    /// run of the task.
    ///
    /// # Errors
    /// `internal`, when it is no such state.
    ///
    /// ```
    /// # use cordon_connector_sdk::types::{Failure, Task};
    /// #[derive(serde::Serialize, serde::Deserialize)]
    /// enum Step {
    ///     Exporting { polls: u32 },
    ///     Erasing,
    /// }
    ///
    /// fn polls(task: &Task) -> Result<u32, Failure> {
    ///     Ok(match task.state_as()? {
    ///         Some(Step::Exporting { polls }) => polls,
    ///         Some(Step::Erasing) | None => 0,
    ///     })
    /// }
    /// ```
    pub fn state_as<S: DeserializeOwned>(&self) -> Result<Option<S>, Failure> {
        let read = |state: &String| serde_json::from_str(state).ok();
        match self.state.as_ref().map(read) {
            None => Ok(None),
            Some(Some(state)) => Ok(Some(state)),
            // What serde says may hold a part of the state.
            Some(None) => {
                Err(failure(FailureCode::Internal, "the state handed over is unreadable"))
            }
        }
    }

    /// A value that the run before kept, by its place among them.
    ///
    /// ```
    /// # use cordon_connector_sdk::text::Value;
    /// # use cordon_connector_sdk::types::Task;
    /// fn job(task: &Task) -> Option<Value> {
    ///     task.value(0)
    /// }
    /// ```
    pub fn value(&self, index: usize) -> Option<Value> {
        self.values.get(index).copied().map(Value::from)
    }
}

impl Later {
    /// So many seconds from now; seven days at most, and more counts for seven days.
    ///
    /// ```
    /// # use cordon_connector_sdk::types::Later;
    /// assert_eq!(Later::after(60).after_seconds, Some(60));
    /// ```
    pub const fn after(seconds: u32) -> Self {
        Self { after_seconds: Some(seconds), state: None, values: Vec::new() }
    }

    /// As the `Retry-After` of the last response says that the run was given, by seconds or by
    /// date; in a minute when that response has none. Seven days at most.
    ///
    /// ```
    /// # use cordon_connector_sdk::types::Later;
    /// assert_eq!(Later::as_told().after_seconds, None);
    /// ```
    pub const fn as_told() -> Self {
        Self { after_seconds: None, state: None, values: Vec::new() }
    }

    /// Hands a state to the next run; see [`Task::state_as`].
    ///
    /// # Errors
    /// `internal`, when it is no JSON or larger than [`STATE_BYTES_MAX`].
    ///
    /// ```
    /// # use cordon_connector_sdk::types::{Failure, Later};
    /// fn once_more(polls: u32) -> Result<Later, Failure> {
    ///     Later::after(60).with_state(&(polls + 1))
    /// }
    /// # assert_eq!(once_more(2).unwrap().state.as_deref(), Some("3"));
    /// ```
    pub fn with_state<S: Serialize>(mut self, state: &S) -> Result<Self, Failure> {
        self.state = Some(written(state)?);
        Ok(self)
    }

    /// Keeps a scalar of a response for the next run; see [`Task::value`].
    ///
    /// ```
    /// # use cordon_connector_sdk::{text::Value, types::Later};
    /// let later = Later::as_told().keeping(Value::from(3));
    /// # assert_eq!(later.values, [3]);
    /// ```
    #[must_use]
    pub fn keeping(mut self, value: Value) -> Self {
        self.values.push(value.id());
        self
    }
}

impl Ask {
    /// Asks for a form; the next run has what a person gave as its `input`.
    ///
    /// ```
    /// use cordon_connector_sdk::types::{Ask, Field, Form, Outcome};
    ///
    /// let form = Form::of([Field::text("ticket", "Ticket of the approval").required()]);
    /// let outcome = Outcome::RequiresInput(Ask::new(form));
    /// ```
    pub const fn new(form: Form) -> Self {
        Self { form, state: None, values: Vec::new() }
    }

    /// Hands a state to the next run; see [`Task::state_as`].
    ///
    /// # Errors
    /// `internal`, when it is no JSON or larger than [`STATE_BYTES_MAX`].
    ///
    /// ```
    /// # use cordon_connector_sdk::types::{Ask, Failure, Field, Form};
    /// fn ask() -> Result<Ask, Failure> {
    ///     Ask::new(Form::of([Field::text("notes", "What was found")])).with_state(&"asked")
    /// }
    /// # assert_eq!(ask().unwrap().state.as_deref(), Some("\"asked\""));
    /// ```
    pub fn with_state<S: Serialize>(mut self, state: &S) -> Result<Self, Failure> {
        self.state = Some(written(state)?);
        Ok(self)
    }

    /// Keeps a scalar of a response for the next run; see [`Task::value`].
    ///
    /// ```
    /// # use cordon_connector_sdk::{text::Value, types::{Ask, Field, Form}};
    /// # let form = Form::of([Field::text("notes", "What was found")]);
    /// let ask = Ask::new(form).keeping(Value::from(3));
    /// # assert_eq!(ask.values, [3]);
    /// ```
    #[must_use]
    pub fn keeping(mut self, value: Value) -> Self {
        self.values.push(value.id());
        self
    }
}

impl Form {
    /// A form of these fields, in the order in which they are asked; at least one.
    ///
    /// ```
    /// # use cordon_connector_sdk::types::{Field, Form};
    /// let form = Form::of([Field::text("notes", "What was found"), Field::file("scan", "A scan")]);
    /// # assert_eq!(form.fields.len(), 2);
    /// ```
    pub fn of(fields: impl IntoIterator<Item = Field>) -> Self {
        Self { fields: fields.into_iter().collect() }
    }
}

impl Field {
    /// A field that takes a text and may be left empty. `label` is the key of the value in the
    /// input, `name` the words for the person.
    ///
    /// ```
    /// # use cordon_connector_sdk::types::Field;
    /// let notes = Field::text("notes", "What was found");
    /// # assert!(!notes.required);
    /// ```
    pub fn text(label: &str, name: &str) -> Self {
        Self::taking(FieldType::Text, label, name)
    }

    /// A field that takes a file and may be left empty.
    ///
    /// ```
    /// # use cordon_connector_sdk::types::Field;
    /// let scan = Field::file("scan", "A scan of the paper file");
    /// # assert_eq!(scan.label, "scan");
    /// ```
    pub fn file(label: &str, name: &str) -> Self {
        Self::taking(FieldType::File, label, name)
    }

    /// The same, to be filled in whenever anything is.
    ///
    /// ```
    /// # use cordon_connector_sdk::types::Field;
    /// let ticket = Field::text("ticket", "Ticket of the approval").required();
    /// # assert!(ticket.required);
    /// ```
    #[must_use]
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    fn taking(field_type: FieldType, label: &str, name: &str) -> Self {
        let (label, name) = (label.to_owned(), name.to_owned());
        Self { name, label, types: vec![field_type], required: false }
    }
}

fn written<S: Serialize>(state: &S) -> Result<String, Failure> {
    let text = serde_json::to_string(state).ok().filter(|text| text.len() <= STATE_BYTES_MAX);
    let refusal = || format!("the state is no JSON of at most {STATE_BYTES_MAX} bytes");
    text.ok_or_else(|| failure(FailureCode::Internal, refusal()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_within_the_limit_is_written_and_a_larger_one_is_a_failure() {
        // Two quotes around it.
        let largest = "x".repeat(STATE_BYTES_MAX - 2);
        assert!(Later::as_told().with_state(&largest).is_ok());
        let failure = Later::as_told().with_state(&format!("{largest}x")).unwrap_err();
        assert_eq!(failure.code, FailureCode::Internal);
        assert!(failure.detail.contains("65536"), "{}", failure.detail);
    }
}
