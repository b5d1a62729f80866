//! The transition function: one exhaustive match, pure.

use super::event::{Event, Found, Retrial, TaskEvent};
use super::{PrivacyRequest, RequestState, Status};
use crate::input::Form;
use crate::subject::{Identity, IdentitySource};
use crate::task::{Carry, SkipReason, Stage, Task, TaskState};
use crate::{Failure, FailureCode, TaskId, Timestamp};

/// The event cannot happen in this state. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{event} cannot happen to a request in {status}{}", task.map(|t| format!(" (task in {t})")).unwrap_or_default())]
pub struct IllegalTransition {
    /// The event's word.
    pub event: &'static str,
    /// The request's status.
    pub status: &'static str,
    /// The task's state, when it is the task that does not fit.
    pub task: Option<&'static str>,
}

impl PrivacyRequest {
    /// The request after an event.
    ///
    /// # Errors
    /// When the event cannot happen in this state.
    pub fn apply(mut self, event: Event, at: Timestamp) -> Result<Self, IllegalTransition> {
        let before = self.status();
        let refused =
            IllegalTransition { event: event.name(), status: self.status().as_str(), task: None };
        self.state = match (std::mem::replace(&mut self.state, RequestState::Pending), event) {
            (RequestState::Pending, Event::Approved) => {
                self.approved_at = Some(at);
                RequestState::Approved
            }
            (RequestState::Pending, Event::Denied { reason }) => RequestState::Denied { reason },
            (
                RequestState::Pending
                | RequestState::Approved
                | RequestState::Processing
                | RequestState::Failed { .. },
                Event::Canceled,
            ) => RequestState::Canceled,
            (RequestState::Approved, Event::Started { tasks, unserved, webhooks }) => {
                (self.tasks, self.unserved, self.webhooks) = (tasks, unserved, webhooks);
                RequestState::Processing
            }
            (RequestState::Approved | RequestState::Processing, Event::Failed { failure }) => {
                RequestState::Failed { failure }
            }
            (
                RequestState::Pending | RequestState::Approved | RequestState::Processing,
                Event::DeadlinePassed,
            ) if !self.overdue && before != Status::Error => {
                self.overdue = true;
                RequestState::Failed { failure: deadline_passed() }
            }
            (RequestState::Processing, Event::Webhook { id, event }) => {
                self.state = RequestState::Processing;
                self.apply_to_webhook(id, event, at)
                    .map_err(|task| IllegalTransition { task, ..refused })?;
                RequestState::Processing
            }
            (state, Event::Notice { revision, event }) => {
                self.apply_to_notice(revision, event).map_err(|()| refused)?;
                state
            }
            (
                state @ (RequestState::Denied { .. }
                | RequestState::Canceled
                | RequestState::Complete),
                Event::Expired,
            ) if self.expired_at.is_none() => {
                (self.package, self.expired_at) = (None, Some(at));
                state
            }
            (RequestState::Processing, Event::Task { id, event }) => {
                self.apply_to_task(id, event, at)
                    .map_err(|task| IllegalTransition { task, ..refused })?;
                RequestState::Processing
            }
            (RequestState::Processing, Event::Resumed { tasks }) => {
                self.resume(tasks).map_err(|task| IllegalTransition { task, ..refused })?;
                RequestState::Processing
            }
            (RequestState::Processing, Event::Packaged { package }) => {
                if self.phase() != super::Phase::Package {
                    return Err(refused);
                }
                self.package = Some(package);
                RequestState::Processing
            }
            (RequestState::Processing, Event::Completed) => {
                if self.phase() != super::Phase::Finish {
                    return Err(refused);
                }
                RequestState::Complete
            }
            (RequestState::Processing, Event::Retried { tasks }) if !tasks.is_empty() => {
                for retrial in tasks {
                    self.retry(retrial)
                        .map_err(|task| IllegalTransition { task, ..refused.clone() })?;
                }
                RequestState::Processing
            }
            (RequestState::Failed { .. }, Event::Retried { tasks }) if tasks.is_empty() => {
                match (self.approved_at, self.tasks.is_empty()) {
                    (None, _) => RequestState::Pending,
                    (Some(_), true) => RequestState::Approved,
                    (Some(_), false) => RequestState::Processing,
                }
            }
            (
                RequestState::Pending
                | RequestState::Approved
                | RequestState::Processing
                | RequestState::Denied { .. }
                | RequestState::Canceled
                | RequestState::Complete
                | RequestState::Failed { .. },
                Event::Approved
                | Event::Denied { .. }
                | Event::Canceled
                | Event::Started { .. }
                | Event::Failed { .. }
                | Event::DeadlinePassed
                | Event::Webhook { .. }
                | Event::Task { .. }
                | Event::Resumed { .. }
                | Event::Packaged { .. }
                | Event::Completed
                | Event::Expired
                | Event::Retried { .. },
            ) => return Err(refused),
        };
        if self.state == RequestState::Processing {
            self.settle_rounds(at);
        }
        self.updated_at = at;
        self.revision = self.revision.next();
        if self.status().is_final() && self.ended_at.is_none() {
            self.ended_at = Some(at);
        }
        self.note_status(before, at);
        Ok(self)
    }

    fn task_mut(&mut self, id: TaskId) -> Result<&mut Task, Option<&'static str>> {
        self.tasks.iter_mut().find(|task| task.id == id).ok_or(None)
    }

    /// One exhaustive match over the task's state and the event. The error is the state's word.
    fn apply_to_task(
        &mut self,
        id: TaskId,
        event: TaskEvent,
        at: Timestamp,
    ) -> Result<(), Option<&'static str>> {
        let wants_package = self.wants_package();
        let task = self.task_mut(id)?;
        let word = task.state.as_str();
        let mut found = Vec::new();
        task.state = match (&task.state, event) {
            (
                TaskState::Queued | TaskState::Running | TaskState::Waiting { .. },
                TaskEvent::Started { segment },
            ) => {
                task.segment = Some(segment);
                TaskState::Running
            }
            (TaskState::Running, TaskEvent::Finished { finding, found: new, calls, skipped }) => {
                found = new;
                if let Some(segment) = task.close_segment() {
                    task.given.extend(segment.identities);
                }
                task.carry = None;
                task.rounds += 1;
                (task.calls, task.skipped) = (calls, skipped);
                TaskState::Complete { finding, at }
            }
            (TaskState::Running, TaskEvent::Asked { form, carry, calls }) => {
                task.close_segment();
                (task.carry, task.calls) = (Some(carry), calls);
                task.form = Some(form.clone());
                TaskState::RequiresInput { form }
            }
            (TaskState::RequiresInput { form }, TaskEvent::InputGiven { .. }) => {
                TaskState::RequiresInput { form: form.clone() }
            }
            (TaskState::Running, TaskEvent::Pending { until, carry, calls }) => {
                task.close_segment();
                (task.carry, task.calls) = (Some(carry), calls);
                TaskState::Waiting { until }
            }
            (TaskState::Running, TaskEvent::Suspended { until }) => TaskState::Waiting { until },
            (TaskState::Running, TaskEvent::Failed { failure, calls }) => {
                task.calls = calls;
                TaskState::Error { failure, at }
            }
            (
                TaskState::Queued | TaskState::RequiresInput { .. },
                TaskEvent::Skipped { reason },
            ) => TaskState::Skipped { reason, at },
            (TaskState::Error { .. }, TaskEvent::Settled) => {
                task.close_segment();
                TaskState::Complete { finding: crate::task::FindingSummary::Settled, at }
            }
            (
                TaskState::Queued
                | TaskState::Running
                | TaskState::Waiting { .. }
                | TaskState::RequiresInput { .. }
                | TaskState::Complete { .. }
                | TaskState::Skipped { .. }
                | TaskState::Error { .. },
                TaskEvent::Started { .. }
                | TaskEvent::Finished { .. }
                | TaskEvent::Skipped { .. }
                | TaskEvent::Asked { .. }
                | TaskEvent::InputGiven { .. }
                | TaskEvent::Pending { .. }
                | TaskEvent::Suspended { .. }
                | TaskEvent::Failed { .. }
                | TaskEvent::Settled,
            ) => return Err(Some(word)),
        };
        let changes_package = wants_package && task.stage < Stage::Erasure;
        if changes_package && matches!(task.state, TaskState::Complete { .. }) {
            self.package = None;
        }
        self.learn(id, found);
        Ok(())
    }

    /// Adds what an identifiers task found to the subject, without duplicates.
    fn learn(&mut self, by: TaskId, found: Vec<Found>) {
        for Found { kind, value } in found {
            if self.subject.position(&kind, &value).is_none() {
                self.subject.identities.push(Identity {
                    kind,
                    value,
                    source: IdentitySource::Task(by),
                });
            }
        }
    }

    fn resume(&mut self, tasks: Vec<(TaskId, Form)>) -> Result<(), Option<&'static str>> {
        for (id, form) in tasks {
            let task = self.task_mut(id)?;
            if !matches!(task.state, TaskState::RequiresInput { .. }) {
                return Err(Some(task.state.as_str()));
            }
            task.carry.get_or_insert_with(Carry::default);
            task.form = Some(form);
            task.state = TaskState::Queued;
        }
        Ok(())
    }

    fn retry(&mut self, retrial: Retrial) -> Result<(), Option<&'static str>> {
        let Retrial { task, revision, plugin } = retrial;
        let task = self.task_mut(task)?;
        if !matches!(task.state, TaskState::Error { .. }) {
            return Err(Some(task.state.as_str()));
        }
        task.connection_revision = revision;
        if let Some(plugin) = plugin {
            task.plugin = plugin;
        }
        if let Some(segment) = &mut task.segment {
            segment.attempt += 1;
        }
        task.state = TaskState::Queued;
        Ok(())
    }

    /// Identifiers run in rounds: after each event, tasks that can use a new identity are queued
    /// again, and when nothing can run any more those whose identities stay unknown are skipped.
    fn settle_rounds(&mut self, at: Timestamp) {
        self.queue_next_round();
        let stage_reached = self.phase() == super::Phase::Tasks(Stage::Identifiers);
        if !stage_reached || self.round_is_running() {
            return;
        }
        for index in self.stuck_in_rounds() {
            if let Some((task, missing)) = self.tasks.get_mut(index.0).zip(index.1) {
                let reason = SkipReason::MissingPlaceholder(missing.to_string());
                task.state = TaskState::Skipped { reason, at };
            }
        }
    }
}

fn deadline_passed() -> Failure {
    let detail = "the deadline of the policy passed before the request was answered";
    Failure::new(FailureCode::DeadlinePassed, detail)
}

impl Task {
    fn close_segment(&mut self) -> Option<crate::task::Segment> {
        let segment = self.segment.take();
        if segment.is_some() {
            self.segments_closed += 1;
        }
        segment
    }
}
