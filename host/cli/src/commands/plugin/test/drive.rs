//! Runs a cassette's segments one after the other, each in an instance of its own, and says what
//! came of each in the cassette's words.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, bail};
use async_trait::async_trait;
use cordon_model::commit::StoreError;
use cordon_model::input::{Form, InputValue, ManualInput};
use cordon_model::journal::JournalEntry;
use cordon_model::port::{
    Clock as _, ConnectorCall, ConnectorError, Finding, JournalSink, RunOutcome, TestEnd,
};
use cordon_model::task::{Carry, Segment as TaskSegment, SkippedQuery};
use cordon_model::{Failure, Records, RequestId, Revision, TaskId, Timestamp};
use cordon_runtime::Tape;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::cassette::{Asked, Cassette, Ended, Expected, Failed, Field, Skipped};
use super::setting::Setting;
use crate::clock::SystemClock;
use crate::commands::plugin::sandbox::Sandbox;

/// A cassette that is being run.
pub(super) struct Drive<'a> {
    sandbox: &'a Sandbox,
    asked: Asked,
    wanted: Option<String>,
    setting: &'a Setting,
    journal: Arc<Kept>,
    number: u32,
    form: Option<Form>,
    carry: Option<Carry>,
}

/// What a run came to.
pub(super) struct Came {
    /// As a cassette says it.
    pub(super) to: Expected,
    /// Why it failed, in the words of the connector or of the host.
    pub(super) failure: Option<String>,
    /// What the connector logged, where that is kept.
    pub(super) log: Vec<String>,
}

/// The journal of the run, for as long as it is run.
#[derive(Default)]
struct Kept(Mutex<Vec<JournalEntry>>);

#[async_trait]
impl JournalSink for Kept {
    async fn append(&self, entries: Vec<JournalEntry>) -> Result<(), StoreError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(entries);
        Ok(())
    }
}

impl<'a> Drive<'a> {
    pub(super) fn new(sandbox: &'a Sandbox, cassette: &Cassette, setting: &'a Setting) -> Self {
        sandbox.hand(setting.credentials.clone());
        Self {
            sandbox,
            asked: cassette.action,
            wanted: cassette.wanted.clone(),
            setting,
            journal: Arc::default(),
            number: 0,
            form: None,
            carry: None,
        }
    }

    /// Runs the next segment.
    ///
    /// # Errors
    /// When the host could not do its part: the tape has no answer, mostly.
    pub(super) async fn next(
        &mut self,
        input: Option<&Map<String, Value>>,
        tape: Tape,
    ) -> anyhow::Result<Came> {
        let Some(action) = self.asked.action() else { return self.test(tape).await };
        let live = matches!(tape, Tape::Recorder(_));
        let wanted = self.wanted.as_deref().map(str::parse).transpose();
        let wanted = wanted.context("/wanted")?;
        let everybody = 0..self.setting.subject.identities.len();
        let segment = TaskSegment {
            number: self.number,
            attempt: 0,
            deadline: deadline(),
            connection_revision: Revision::FIRST,
            identities: everybody.clone().collect(),
            fresh: everybody.collect(),
            policy_settings: self.setting.policy_settings.clone(),
            reads: self.setting.reads.clone(),
            with_input: input.is_some(),
        };
        let journal = self.journal.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let call = ConnectorCall {
            terms: Sandbox::terms(),
            request: RequestId::new(Uuid::nil()),
            task: TaskId::new(Uuid::nil()),
            plugin: self.sandbox.admission.plugin.reference.digest,
            connection: self.setting.connection.clone(),
            action,
            wanted,
            segment,
            subject: self.setting.subject.clone(),
            input: input.map(|input| self.given(input)).transpose()?,
            form: self.form.clone(),
            carry: self.carry.take(),
            journal,
            sink: Arc::clone(&self.journal) as _,
            cancel: CancellationToken::new(),
        };
        let end = self.sandbox.runtime.run_on_tape(call, tape).await;
        self.number += 1;
        match end.result {
            Ok(outcome) => self.came_to(outcome).map(Came::without_failure),
            Err(ConnectorError::Failed(failure)) => Ok(self.failed(&failure, live)),
            Err(ConnectorError::Host(what)) => bail!(what),
        }
    }

    async fn test(&self, tape: Tape) -> anyhow::Result<Came> {
        let (runtime, connection) = (&self.sandbox.runtime, self.setting.connection.clone());
        let live = matches!(tape, Tape::Recorder(_));
        let TestEnd { result, .. } =
            runtime.test_on_tape(connection, Sandbox::terms(), deadline(), tape).await;
        match result {
            Ok(()) => Ok(Came::without_failure(Expected::only(Ended::Passed))),
            Err(ConnectorError::Failed(failure)) => Ok(self.failed(&failure, live)),
            Err(ConnectorError::Host(what)) => bail!(what),
        }
    }

    fn given(&self, input: &Map<String, Value>) -> anyhow::Result<ManualInput> {
        let mut values = BTreeMap::new();
        for (label, value) in input.iter().filter(|(_, value)| !value.is_null()) {
            let text = value.as_str();
            let text = text.with_context(|| format!("input/{label}: must be a string or null"))?;
            values.insert(label.clone(), InputValue::Text(text.to_owned()));
        }
        let form = self.form.as_ref().context("input: the connector asked for nothing")?;
        if !form.is_answered_by(&values) {
            bail!("input: does not answer the form that the connector asked for");
        }
        Ok(ManualInput {
            tenant: self.setting.connection.tenant.clone(),
            request: RequestId::new(Uuid::nil()),
            task: TaskId::new(Uuid::nil()),
            connection: self.setting.connection.key.clone(),
            values,
            given_by: "cassette".to_owned(),
            given_at: SystemClock.now(),
            segments_closed: self.number,
            revision: Revision::FIRST,
        })
    }

    /// Of a run against a live upstream the runtime keeps a connector's own words only where it
    /// was granted nothing to read, and says what the code means in their place.
    fn failed(&self, failure: &Failure, live: bool) -> Came {
        let (code, label) = (failure.code, failure.label.clone());
        let place = label.as_ref().map(|label| format!(" at {label}")).unwrap_or_default();
        let said = if live && failure.detail == code.meaning() && !self.setting.reads.is_empty() {
            "; what the connector says of it is not kept, as it may read".to_owned()
        } else {
            format!(": {}", self.setting.names.conceal(&failure.detail))
        };
        let failed = Failed { code: code.as_str().to_owned(), label };
        Came {
            to: Expected { failure: Some(failed), ..Expected::only(Ended::Failed) },
            failure: Some(format!("{}{place}{said}", code.as_str())),
            log: Vec::new(),
        }
    }

    fn came_to(&mut self, outcome: RunOutcome) -> anyhow::Result<Expected> {
        match outcome {
            RunOutcome::Finished { finding, skipped } => found(finding, &skipped),
            RunOutcome::RequiresInput { form, carry } => {
                let asked = Expected {
                    form: Some(form.fields.iter().map(field).collect()),
                    ..Expected::only(Ended::RequiresInput)
                };
                (self.form, self.carry) = (Some(form), Some(carry));
                Ok(asked)
            }
            RunOutcome::Pending { carry, .. } => {
                self.carry = Some(carry);
                Ok(Expected::only(Ended::Pending))
            }
            RunOutcome::Suspended { .. } => {
                bail!("the upstream wants to be asked again later than a run waits")
            }
        }
    }
}

impl Came {
    const fn without_failure(to: Expected) -> Self {
        Self { to, failure: None, log: Vec::new() }
    }
}

impl Expected {
    /// An outcome with nothing beside it.
    fn only(outcome: Ended) -> Self {
        let (records, identities, failure, form) = (None, None, None, None);
        Self { outcome, records, identities, failure, form, skipped: Vec::new() }
    }
}

fn found(finding: Finding, skipped: &[SkippedQuery]) -> anyhow::Result<Expected> {
    let expected = match finding {
        Finding::Records(lists) if lists.iter().all(Records::is_empty) => {
            Expected::only(Ended::NothingFound)
        }
        Finding::Records(lists) => {
            let lists = lists.iter().map(|list| serde_json::from_str(&list.to_text()));
            let lists = lists.collect::<Result<Vec<Value>, _>>()?;
            Expected { records: Some(lists), ..Expected::only(Ended::Records) }
        }
        Finding::Identities(found) if found.is_empty() => Expected::only(Ended::NothingFound),
        Finding::Identities(found) => {
            let values = found.into_iter().map(|found| found.value).collect();
            Expected { identities: Some(values), ..Expected::only(Ended::Identities) }
        }
        Finding::Done => Expected::only(Ended::Done),
        Finding::NothingFound => Expected::only(Ended::NothingFound),
    };
    let skipped = skipped.iter().map(|query| Skipped {
        label: query.label.clone(),
        reason: query.reason.as_str().to_owned(),
    });
    Ok(Expected { skipped: skipped.collect(), ..expected })
}

fn field(field: &cordon_model::input::FormField) -> Field {
    Field {
        name: field.name.clone(),
        label: field.label.clone(),
        types: field.types.iter().map(|of| of.as_str().to_owned()).collect(),
        required: field.required,
    }
}

/// What a connection of the tenant's has by default.
fn deadline() -> Timestamp {
    SystemClock.now() + Sandbox::terms().allowance.job_timeout
}
