//! What is to be done next, derived from the state alone.

use super::{Phase, PrivacyRequest, RequestState, Status};
use crate::task::{Stage, Task, TaskState};
use crate::{TaskId, Timestamp, WebhookId};

/// What is to be done next for a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// Fix the tasks and start.
    Start,
    /// Run these tasks, side by side.
    Run(Vec<TaskId>),
    /// Tell this webhook of the policy.
    Tell(WebhookId),
    /// Make the package and put it at its destination.
    Assemble,
    /// Close the request.
    Finish,
    /// The deadline of the policy has passed.
    EndForDeadline,
    /// Remove package and content: their time of keeping is over.
    Expire,
    /// Nothing before this time.
    WaitUntil(Timestamp),
    /// Nothing, until a person does something.
    Nothing,
}

impl PrivacyRequest {
    /// What is to be done at `now`. A task that is `running` is work too: after a crash it is
    /// run again from its journal; while it runs, the scheduler keeps a second run away.
    pub fn next_work(&self, now: Timestamp) -> Work {
        if self.deadline().is_some_and(|due| due <= now) {
            return Work::EndForDeadline;
        }
        if self.kept_until().is_some_and(|until| until <= now) {
            return Work::Expire;
        }
        match &self.state {
            RequestState::Approved => Work::Start,
            RequestState::Processing => match self.phase() {
                Phase::Tasks(stage) => self.work_in(stage, now),
                Phase::Webhook(id) => self
                    .webhooks
                    .iter()
                    .find(|webhook| webhook.id == id)
                    .map_or(Work::Nothing, |webhook| Self::work_for_webhook(webhook, now)),
                Phase::Package => Work::Assemble,
                Phase::Finish => Work::Finish,
                Phase::EndedWithErrors => Work::Nothing,
            },
            RequestState::Pending
            | RequestState::Denied { .. }
            | RequestState::Canceled
            | RequestState::Complete
            | RequestState::Failed { .. } => Work::Nothing,
        }
    }

    /// When the scheduler must look at this request again; none: not before a person acts.
    pub fn due(&self, now: Timestamp) -> Option<Timestamp> {
        let work = match self.next_work(now) {
            Work::Start
            | Work::Run(_)
            | Work::Tell(_)
            | Work::Assemble
            | Work::Finish
            | Work::EndForDeadline
            | Work::Expire => Some(now),
            Work::WaitUntil(time) => Some(time),
            Work::Nothing => None,
        };
        let notice = self.next_notice().map(|notice| notice.due);
        [work, notice, self.deadline(), self.kept_until()].into_iter().flatten().min()
    }

    /// When the policy's deadline ends the request; none when there is none, or nothing left to
    /// end.
    fn deadline(&self) -> Option<Timestamp> {
        let status = self.status();
        self.due_at.filter(|_| !self.overdue && !status.is_final() && status != Status::Error)
    }

    /// Until when package and content are kept; none: for ever, or they are gone.
    fn kept_until(&self) -> Option<Timestamp> {
        let days = self.terms.retention_days?;
        let ended = self.ended_at.filter(|_| self.expired_at.is_none())?;
        ended.checked_add(jiff::SignedDuration::from_hours(24 * i64::from(days))).ok()
    }

    fn work_in(&self, stage: Stage, now: Timestamp) -> Work {
        let mut earliest: Option<Timestamp> = None;
        let mut run = Vec::new();
        for task in self.in_stage(stage) {
            match task.state {
                TaskState::Queued if self.can_run(task) => run.push(task.id),
                TaskState::Running => run.push(task.id),
                TaskState::Waiting { until } if until <= now => run.push(task.id),
                TaskState::Waiting { until } => {
                    earliest = Some(earliest.map_or(until, |other| other.min(until)));
                }
                TaskState::Queued
                | TaskState::RequiresInput { .. }
                | TaskState::Complete { .. }
                | TaskState::Skipped { .. }
                | TaskState::Error { .. } => {}
            }
        }
        match (run.is_empty(), earliest) {
            (false, _) => Work::Run(run),
            (true, Some(time)) => Work::WaitUntil(time),
            (true, None) => Work::Nothing,
        }
    }

    /// Identifiers tasks wait for their identities; any other task runs and says what it lacks.
    fn can_run(&self, task: &Task) -> bool {
        task.stage != Stage::Identifiers || self.is_ready(task)
    }
}
