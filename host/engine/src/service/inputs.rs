//! What a person supplies for a task that asked.

use std::collections::BTreeMap;

use cordon_model::audit::AuditEvent;
use cordon_model::commit::{Change, Commit, CommitError};
use cordon_model::input::{FieldType, Form, FormField, ManualInput};
use cordon_model::json::pointer_token;
use cordon_model::policy::ManualWebhook;
use cordon_model::request::{Event, PrivacyRequest, Status};
use cordon_model::task::{Stage, Task, TaskState};
use cordon_model::{ConnectionKey, Problem, RequestId, Revision, TaskId, Timestamp};
use serde_json::Value;

use crate::{Access, Conflict, Error, Missing, Services};

/// How often writing an input is tried again because the request changed in between.
const CONFLICTS_MAX: usize = 16;

/// Which form is answered.
#[derive(Debug, Clone)]
pub enum InputTarget {
    /// The form of a manual webhook, by its connection.
    Connection(ConnectionKey),
    /// The form of any task.
    Task(TaskId),
}

/// Where one form of a request stands.
#[derive(Debug, Clone)]
pub struct InputStatus {
    /// The task that asked.
    pub task: TaskId,
    /// Its connection.
    pub connection: ConnectionKey,
    /// What is asked, as it is defined now.
    pub form: Form,
    /// Whether what was given answers it.
    pub provided: bool,
    /// By whom.
    pub given_by: Option<String>,
    /// When.
    pub given_at: Option<Timestamp>,
}

impl Services {
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
        self.input_statuses(&request).await
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
    /// were not asked for and values of another type. No value is repeated in an error.
    pub async fn put_input(
        &self,
        access: &Access,
        id: RequestId,
        target: InputTarget,
        values: BTreeMap<String, Value>,
    ) -> Result<PrivacyRequest, Error> {
        for _ in 0..CONFLICTS_MAX {
            let request = self.request(access, id).await?;
            let (commit, request) = self.input_commit(access, request, &target, &values).await?;
            match self.store().commit(commit).await {
                Ok(()) => {
                    self.scheduler.wake();
                    return Ok(request);
                }
                Err(CommitError::Conflict(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Error::Unavailable("the request was changed too often in between".to_owned()))
    }

    async fn input_commit(
        &self,
        access: &Access,
        request: PrivacyRequest,
        target: &InputTarget,
        values: &BTreeMap<String, Value>,
    ) -> Result<(Commit, PrivacyRequest), Error> {
        let task = waiting_task(&request, target)?.clone();
        let statuses = self.input_statuses(&request).await?;
        let form = statuses.iter().find(|s| s.task == task.id).map(|s| s.form.clone());
        let form = form.ok_or(Error::NotFound(Missing::Input))?;
        let values = check_values(&form, values, self.options.input_bytes_max)?;
        let given = self.store().inputs(&request.tenant, request.id).await?;
        let before = given.iter().find(|input| input.task == task.id);
        let now = self.now();
        let audit =
            AuditEvent::new(&request.tenant, now, access.actor.clone(), "request.input_given")
                .about(request.id)
                .with("task", task.id)
                .with("connection", &task.connection)
                .with("values", values.len())
                .with("replaced", before.is_some());
        let input = ManualInput {
            tenant: request.tenant.clone(),
            request: request.id,
            task: task.id,
            connection: task.connection.clone(),
            values,
            given_by: access.actor_name(),
            given_at: now,
            revision: before.map_or(Revision::FIRST, |input| input.revision.next()),
        };
        let others_given = statuses.iter().filter(|s| s.task != task.id).all(|s| s.provided);
        let mut commit = Commit::of(Change::PutInput(input), audit);
        let mut request = request;
        if request.terms.auto_resume && others_given {
            let tasks = request.waiting_for_input().map(|task| task.id).collect();
            let illegal = |e: cordon_model::request::IllegalTransition| {
                Error::conflict(Conflict::IllegalTransition, e.to_string())
            };
            request = request.apply(Event::Resumed { tasks }, now).map_err(illegal)?;
            let resumed = AuditEvent::new(
                &request.tenant,
                now,
                cordon_model::audit::Actor::Host,
                "request.resumed",
            );
            commit.audit.push(resumed.about(request.id));
            let due = request.due(now);
            commit.changes.push(Change::PutRequest { request: Box::new(request.clone()), due });
        }
        Ok((commit, request))
    }

    /// Where every form of a request stands. Forms of manual webhooks are shown as they are
    /// defined now; what was given for an older definition counts as not provided.
    pub(crate) async fn input_statuses(
        &self,
        request: &PrivacyRequest,
    ) -> Result<Vec<InputStatus>, Error> {
        let given = self.store().inputs(&request.tenant, request.id).await?;
        let mut statuses = Vec::new();
        for task in &request.tasks {
            let asked = match &task.state {
                TaskState::RequiresInput { form } => Some(form.clone()),
                TaskState::Queued
                | TaskState::Running
                | TaskState::Waiting { .. }
                | TaskState::Complete { .. }
                | TaskState::Skipped { .. }
                | TaskState::Error { .. } => None,
            };
            let input = given.iter().find(|input| input.task == task.id);
            if asked.is_none() && input.is_none() {
                continue;
            }
            let defined = match task.stage {
                Stage::Manual => self.defined_form(request, task).await?,
                Stage::Identifiers | Stage::Access | Stage::Erasure => None,
            };
            let form = defined.or(asked).unwrap_or_default();
            statuses.push(InputStatus {
                task: task.id,
                connection: task.connection.clone(),
                provided: input.is_some_and(|input| form.is_answered_by(&input.values)),
                form,
                given_by: input.map(|input| input.given_by.clone()),
                given_at: input.map(|input| input.given_at),
            });
        }
        Ok(statuses)
    }

    async fn defined_form(
        &self,
        request: &PrivacyRequest,
        task: &Task,
    ) -> Result<Option<Form>, Error> {
        let webhook = self.store().manual_webhook(&request.tenant, &task.connection).await?;
        Ok(webhook.filter(|w| w.policy == request.policy).map(|webhook| form_of(&webhook)))
    }
}

fn form_of(webhook: &ManualWebhook) -> Form {
    let field = |f: &cordon_model::policy::ManualField| FormField {
        name: f.pii_field.clone(),
        label: f.dsr_package_label.clone(),
        types: f.types.clone(),
        required: f.required,
    };
    Form { fields: webhook.fields.iter().map(field).collect() }
}

fn waiting_task<'a>(request: &'a PrivacyRequest, target: &InputTarget) -> Result<&'a Task, Error> {
    let is_target = |task: &&Task| match target {
        InputTarget::Connection(key) => task.connection == *key,
        InputTarget::Task(id) => task.id == *id,
    };
    let waiting = request.waiting_for_input().find(is_target);
    if let Some(task) = waiting {
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

/// Checks what was given against the form. A missing label is simply not there; `null` says so.
fn check_values(
    form: &Form,
    values: &BTreeMap<String, Value>,
    bytes_max: usize,
) -> Result<BTreeMap<String, String>, Error> {
    let mut problems = Vec::new();
    let mut checked = BTreeMap::new();
    let mut bytes = 0_usize;
    for (label, value) in values {
        let pointer = format!("/{}", pointer_token(label));
        let Some(field) = form.fields.iter().find(|field| field.label == *label) else {
            let labels: Vec<&str> = form.fields.iter().map(|f| f.label.as_str()).collect();
            let message = format!("not asked for; the labels are: {}", labels.join(", "));
            problems.push(Problem::error("unknown_label", pointer, message));
            continue;
        };
        match value {
            Value::Null => {}
            Value::String(text) if field.types.contains(&FieldType::Text) => {
                bytes = bytes.saturating_add(label.len()).saturating_add(text.len());
                checked.insert(label.clone(), text.clone());
            }
            Value::String(_)
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Array(_)
            | Value::Object(_) => {
                problems.push(Problem::error("wrong_type", pointer, "must be a string or null"));
            }
        }
    }
    for field in form.fields.iter().filter(|field| field.required) {
        if !values.is_empty() && !checked.contains_key(&field.label) {
            let pointer = format!("/{}", pointer_token(&field.label));
            problems.push(Problem::error("required", pointer, "this field is required"));
        }
    }
    if bytes > bytes_max {
        let message = format!("labels and values are over {bytes_max} bytes together");
        problems.push(Problem::error("too_large", "", message));
    }
    if problems.is_empty() { Ok(checked) } else { Err(Error::Invalid(problems)) }
}
