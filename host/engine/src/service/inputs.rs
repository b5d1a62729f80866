//! What a person supplies for a task that asked.
//!
//! Every input is committed together with the request, at the request's next revision: it can
//! neither be given to a request that has gone on meanwhile nor be replaced under a run. What was
//! given is checked in `inputs/check.rs`; what is asked now, and what lets a request go on without a
//! person, is the matter of `waiting`.

mod check;

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use cordon_model::audit::Actor;
use cordon_model::commit::{Change, Commit, StoreError};
use cordon_model::input::{FieldType, Form, ManualInput};
use cordon_model::request::{Event, PrivacyRequest, Status, TaskEvent};
use cordon_model::task::{Stage, Task, TaskState};
use cordon_model::{ConnectionKey, RequestId, Revision, TaskId, Timestamp};
use serde_json::Value;

use self::check::Checked;
use crate::start::form_of;
use crate::step::{CONFLICTS_MAX, HostError, audit_of};
use crate::{Access, Conflict, Error, Missing, Services, waiting};

/// Which form is answered.
#[derive(Debug, Clone)]
pub enum InputTarget {
    /// The form of a manual webhook, by its connection.
    Connection(ConnectionKey),
    /// The form of any task.
    Task(TaskId),
}

/// What is given for one label. `Debug` shows no content.
#[derive(Clone)]
pub enum Given {
    /// A text, or null for nothing; anything else is refused.
    Json(Value),
    /// A file.
    File(GivenFile),
}

/// A file as it was sent. `Debug` shows its size only.
#[derive(Clone)]
pub struct GivenFile {
    /// Its name.
    pub name: String,
    /// `type/subtype`; none: `application/octet-stream`.
    pub media_type: Option<String>,
    /// What is in it.
    pub bytes: Bytes,
}

/// How much one input may hold.
#[derive(Debug, Clone, Copy)]
pub struct InputLimits {
    /// Bytes of all labels and texts together.
    pub text_bytes: usize,
    /// Bytes of one file.
    pub file_bytes: usize,
    /// Bytes of all files together.
    pub files_bytes: usize,
    /// Labels.
    pub labels: usize,
}

/// Where one form of a request stands.
#[derive(Debug, Clone)]
pub struct InputStatus {
    /// The task that asked.
    pub task: TaskId,
    /// Its connection.
    pub connection: ConnectionKey,
    /// Whether the request waits for it.
    pub waits: bool,
    /// What is asked: while the request waits as it is defined now, afterwards as it was answered.
    pub form: Form,
    /// Whether what was given answers it.
    pub provided: bool,
    /// What was given, for this form or for an earlier definition of it.
    pub given: Vec<GivenLabel>,
    /// By whom.
    pub given_by: Option<String>,
    /// When.
    pub given_at: Option<Timestamp>,
}

/// A label that was given a value. The value is never shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenLabel {
    /// Which.
    pub label: String,
    /// What was given for it.
    pub field_type: FieldType,
    /// Whether the form asks for it, and takes that.
    pub matches: bool,
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(_) => f.write_str("Json(…)"),
            Self::File(file) => file.fmt(f),
        }
    }
}

impl fmt::Debug for GivenFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GivenFile({} bytes)", self.bytes.len())
    }
}

impl Services {
    /// How much one input may hold, for whoever reads one.
    pub fn input_limits(&self) -> InputLimits {
        InputLimits {
            text_bytes: self.options.input_bytes_max,
            file_bytes: self.options.input_file_bytes_max,
            files_bytes: self.options.input_files_bytes_max,
            labels: self.options.webhook_fields_max,
        }
    }

    /// Every form of a request that waits for an answer, or waited for one.
    ///
    /// # Errors
    /// `NotFound` when there is no such request.
    pub async fn manual_inputs(
        &self,
        access: &Access,
        id: RequestId,
    ) -> Result<Vec<InputStatus>, Error> {
        let request = self.request(access, id).await?;
        Ok(self.statuses(&request).await?)
    }

    /// The form of one task.
    ///
    /// # Errors
    /// `NotFound` when the task never asked.
    pub async fn task_input(
        &self,
        access: &Access,
        id: RequestId,
        task: TaskId,
    ) -> Result<InputStatus, Error> {
        let statuses = self.manual_inputs(access, id).await?;
        let status = statuses.into_iter().find(|status| status.task == task);
        status.ok_or(Error::NotFound(Missing::Input))
    }

    /// Stores what a person gave, in place of what was given before. With `auto_resume`, and
    /// nothing missing any more, the request goes on in the same commit.
    ///
    /// # Errors
    /// `NotWaitingForInput` when the request does not wait for this; `Invalid` for labels that
    /// were not asked for, values of another type and files that cannot be taken. No value is
    /// repeated in an error.
    pub async fn put_input(
        &self,
        access: &Access,
        id: RequestId,
        target: InputTarget,
        values: BTreeMap<String, Given>,
    ) -> Result<PrivacyRequest, Error> {
        let values = check::digested(values).await?;
        for _ in 0..CONFLICTS_MAX {
            let request = self.settled(access, id).await?;
            let task = waiting_task(&request, &target)?;
            let statuses = self.statuses(&request).await?;
            let status = statuses.iter().find(|status| status.task == task.id);
            let form = status.map(|status| &status.form).ok_or(Error::NotFound(Missing::Input))?;
            let checked = check::values(form, &values, &self.input_limits())?;
            let (given, put) = self.giving(access, &request, task, checked).await?;
            let (actor, event, with) = match goes_on(&request, &statuses, task.id) {
                None => (access.actor.clone(), given, Commit { changes: vec![put], audit: vec![] }),
                Some(resumed) => {
                    let audit = audit_of(&request, &given, access.actor.clone(), self.now());
                    (Actor::Host, resumed, Commit::of(put, audit))
                }
            };
            if let Some(request) = self.apply_once(request, actor, event, with).await? {
                self.scheduler.changed(&request.tenant, request.id);
                return Ok(request);
            }
        }
        Err(HostError::Contended.into())
    }

    /// Lets the waiting tasks go on, with the forms that their inputs answer.
    ///
    /// # Errors
    /// `NotWaitingForInput` when none waits; `InputsMissing`, naming the connections, while
    /// something was not given.
    pub(super) async fn resume_with_inputs(
        &self,
        access: &Access,
        id: RequestId,
    ) -> Result<PrivacyRequest, Error> {
        let mut goes_on = false;
        for _ in 0..CONFLICTS_MAX {
            let request = self.request(access, id).await?;
            let statuses = self.statuses(&request).await?;
            let waiting: Vec<_> = statuses.into_iter().filter(|status| status.waits).collect();
            if waiting.is_empty() && goes_on {
                return Ok(request);
            }
            if waiting.is_empty() {
                let status = request.status().as_str();
                let detail = format!("the request is {status} and does not wait for a person");
                return Err(Error::conflict(Conflict::NotWaitingForInput, detail));
            }
            if waiting::settle(self, &request).await? {
                self.scheduler.changed(&request.tenant, request.id);
                goes_on = true;
                continue;
            }
            let missing = waiting.iter().filter(|status| !status.provided);
            let missing: Vec<&str> = missing.map(|status| status.connection.as_str()).collect();
            if !missing.is_empty() {
                let detail = format!("input is still missing for: {}", missing.join(", "));
                return Err(Error::conflict(Conflict::InputsMissing, detail));
            }
            let tasks = waiting.into_iter().map(|status| (status.task, status.form)).collect();
            let (event, actor) = (Event::Resumed { tasks }, access.actor.clone());
            let resumed = self.apply_once(request, actor, event, Commit::default()).await?;
            if let Some(request) = resumed {
                self.scheduler.changed(&request.tenant, request.id);
                return Ok(request);
            }
        }
        Err(HostError::Contended.into())
    }

    /// Where every form of a request stands. Forms of manual webhooks are shown as they are
    /// defined now; what was given for an older definition counts as not provided.
    pub(crate) async fn statuses(
        &self,
        request: &PrivacyRequest,
    ) -> Result<Vec<InputStatus>, StoreError> {
        let inputs = self.store().inputs(&request.tenant, request.id).await?;
        let mut statuses = Vec::new();
        for task in &request.tasks {
            let waits = request.waiting_for_input().any(|waiting| waiting.id == task.id);
            let Some(form) = self.form_now(request, task, waits).await? else { continue };
            let input = inputs.iter().find(|input| input.task == task.id);
            // What answered an earlier question of the task is no answer to this one.
            let input = input.filter(|input| !waits || input.is_for(task));
            statuses.push(InputStatus {
                task: task.id,
                connection: task.connection.clone(),
                waits,
                provided: input.is_some_and(|input| form.is_answered_by(&input.values)),
                given: input.map(|input| given_labels(&form, input)).unwrap_or_default(),
                form,
                given_by: input.map(|input| input.given_by.clone()),
                given_at: input.map(|input| input.given_at),
            });
        }
        Ok(statuses)
    }

    /// What a task asks; none when it never asked.
    async fn form_now(
        &self,
        request: &PrivacyRequest,
        task: &Task,
        waits: bool,
    ) -> Result<Option<Form>, StoreError> {
        let defined = match task.stage {
            Stage::Manual if waits => self.definition(request, task).await?,
            Stage::Manual | Stage::Identifiers | Stage::Access | Stage::Erasure => None,
        };
        let asked = match &task.state {
            TaskState::RequiresInput { form } => Some(form),
            TaskState::Queued
            | TaskState::Running
            | TaskState::Waiting { .. }
            | TaskState::Complete { .. }
            | TaskState::Skipped { .. }
            | TaskState::Error { .. } => task.form.as_ref(),
        };
        Ok(defined.map(|webhook| form_of(&webhook.fields)).or_else(|| asked.cloned()))
    }

    /// A request after everything that lets it go on without a person.
    async fn settled(&self, access: &Access, id: RequestId) -> Result<PrivacyRequest, Error> {
        loop {
            let request = self.request(access, id).await?;
            if !waiting::settle(self, &request).await? {
                return Ok(request);
            }
            self.scheduler.changed(&request.tenant, request.id);
        }
    }

    async fn giving(
        &self,
        access: &Access,
        request: &PrivacyRequest,
        task: &Task,
        checked: Checked,
    ) -> Result<(Event, Change), Error> {
        let before = self.store().inputs(&request.tenant, request.id).await?;
        let before = before.iter().find(|input| input.task == task.id);
        let labels = match task.stage {
            Stage::Manual => checked.values.keys().cloned().collect(),
            Stage::Identifiers | Stage::Access | Stage::Erasure => Vec::new(),
        };
        let event = TaskEvent::InputGiven {
            values: checked.values.len(),
            labels,
            replaced: before.is_some_and(|before| before.is_for(task)),
        };
        let input = ManualInput {
            tenant: request.tenant.clone(),
            request: request.id,
            task: task.id,
            connection: task.connection.clone(),
            values: checked.values,
            given_by: access.actor_name(),
            given_at: self.now(),
            segments_closed: task.segments_closed,
            revision: before.map_or(Revision::FIRST, |input| input.revision.next()),
        };
        Ok((Event::Task { id: task.id, event }, Change::PutInput(input, checked.files)))
    }
}

/// How a request goes on by itself, once this task's form is answered too; none when it does not.
fn goes_on(request: &PrivacyRequest, statuses: &[InputStatus], task: TaskId) -> Option<Event> {
    let waiting = || statuses.iter().filter(|status| status.waits);
    let given = waiting().all(|status| status.provided || status.task == task);
    let tasks = || waiting().map(|status| (status.task, status.form.clone())).collect();
    (request.terms.auto_resume && given).then(|| Event::Resumed { tasks: tasks() })
}

fn given_labels(form: &Form, input: &ManualInput) -> Vec<GivenLabel> {
    let given = input.values.iter().map(|(label, value)| {
        let (field_type, field) = (value.field_type(), form.field(label));
        let matches = field.is_some_and(|field| field.types.contains(&field_type));
        GivenLabel { label: label.clone(), field_type, matches }
    });
    given.collect()
}

fn waiting_task<'a>(request: &'a PrivacyRequest, target: &InputTarget) -> Result<&'a Task, Error> {
    let is_target = |task: &&Task| match target {
        InputTarget::Connection(key) => task.stage == Stage::Manual && task.connection == *key,
        InputTarget::Task(id) => task.id == *id,
    };
    if let Some(task) = request.waiting_for_input().find(is_target) {
        return Ok(task);
    }
    let known = request.tasks.iter().any(|task| is_target(&task));
    if !known && request.status() == Status::RequiresInput {
        return Err(Error::NotFound(Missing::Input));
    }
    let detail =
        format!("the request is {} and does not wait for this input", request.status().as_str());
    Err(Error::conflict(Conflict::NotWaitingForInput, detail))
}
