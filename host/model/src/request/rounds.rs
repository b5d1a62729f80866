//! Identifiers queries in rounds: a query runs as soon as its placeholders are known, until
//! nothing new is found (BEHAVIOUR B5, D8, I3).

use super::PrivacyRequest;
use crate::subject::{IdentityKind, IdentitySource};
use crate::task::{FindingSummary, Stage, Task, TaskState};

/// How often one identifiers task is run for new identities before the rounds end.
pub(super) const ROUNDS_MAX: u32 = 10;

impl PrivacyRequest {
    /// Whether every identity that this task cannot run without is known.
    pub fn is_ready(&self, task: &Task) -> bool {
        self.missing_for(task).is_none()
    }

    /// The first identity kind that this task cannot run without and that is not known.
    pub fn missing_for(&self, task: &Task) -> Option<IdentityKind> {
        task.needs.iter().find(|kind| !self.subject.knows(kind)).cloned()
    }

    /// Indexes of the identities a task is given when it starts: the submitted ones for a manual
    /// webhook (BEHAVIOUR F5), all that are known for any other.
    pub fn identities_for(&self, task: &Task) -> Vec<usize> {
        let given_only = task.stage == Stage::Manual;
        let known = self.subject.identities.iter().enumerate();
        known
            .filter(|(_, i)| !given_only || i.source == IdentitySource::Submitted)
            .map(|(index, _)| index)
            .collect()
    }

    /// Queues finished identifiers tasks again that name a kind of which a new value is known.
    pub(super) fn queue_next_round(&mut self) {
        let subject = &self.subject;
        for task in self.tasks.iter_mut().filter(|task| task.stage == Stage::Identifiers) {
            let ran = match &task.state {
                TaskState::Complete { finding, .. } => *finding != FindingSummary::Settled,
                TaskState::Queued
                | TaskState::Running
                | TaskState::Waiting { .. }
                | TaskState::RequiresInput { .. }
                | TaskState::Skipped { .. }
                | TaskState::Error { .. } => false,
            };
            let has_new = subject
                .identities
                .iter()
                .enumerate()
                .any(|(index, i)| task.needs.contains(&i.kind) && !task.given.contains(&index));
            if ran && has_new && task.rounds < ROUNDS_MAX {
                task.state = TaskState::Queued;
            }
        }
    }

    /// Whether an identifiers task can still find something.
    pub(super) fn round_is_running(&self) -> bool {
        self.in_stage(Stage::Identifiers).any(|task| match task.state {
            TaskState::Queued => self.is_ready(task),
            TaskState::Running | TaskState::Waiting { .. } | TaskState::RequiresInput { .. } => {
                true
            }
            TaskState::Complete { .. } | TaskState::Skipped { .. } | TaskState::Error { .. } => {
                false
            }
        })
    }

    /// Queued identifiers tasks that cannot run, with the kind that they lack.
    pub(super) fn stuck_in_rounds(&self) -> Vec<(usize, Option<IdentityKind>)> {
        let queued = self.tasks.iter().enumerate().filter(|(_, task)| {
            task.stage == Stage::Identifiers && task.state == TaskState::Queued
        });
        queued.map(|(index, task)| (index, self.missing_for(task))).collect()
    }
}
