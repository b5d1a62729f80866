//! An operator says what became of a call in doubt.

use cordon_model::audit::AuditEvent;
use cordon_model::commit::{Change, Commit};
use cordon_model::journal::{CallEvent, CallKey, JournalEntry};
use cordon_model::request::{Event, PrivacyRequest};
use cordon_model::task::TaskState;
use cordon_model::{FailureCode, RequestId, TaskId};

use crate::{Access, Conflict, Error, Missing, Services};

/// What became of a call in doubt.
#[derive(Debug, Clone)]
pub struct Settlement {
    /// The failed task.
    pub task: TaskId,
    /// The label of the call in doubt.
    pub call: String,
    /// Whether it took effect.
    pub done: bool,
    /// Why the operator knows. Kept in the audit log as it is, so it must not name the person.
    pub note: Option<String>,
}

impl Services {
    /// Writes into the journal what became of the call, and tries the task again: a call settled
    /// as done is not sent again, one settled as not done is.
    ///
    /// # Errors
    /// `NotFound` when there is no such task; `IllegalTransition` when it is not in doubt or no
    /// call with this label is; `Invalid` for a note that is too long.
    pub async fn settle(
        &self,
        access: &Access,
        id: RequestId,
        settlement: Settlement,
    ) -> Result<PrivacyRequest, Error> {
        self.check_note("/note", settlement.note.as_deref())?;
        let request = self.request(access, id).await?;
        let task = request.task(settlement.task).ok_or(Error::NotFound(Missing::Task))?;
        let in_doubt = match &task.state {
            TaskState::Error { failure, .. } => failure.code == FailureCode::InDoubt,
            TaskState::Queued
            | TaskState::Running
            | TaskState::Waiting { .. }
            | TaskState::RequiresInput { .. }
            | TaskState::Complete { .. }
            | TaskState::Skipped { .. } => false,
        };
        let journal = self.store().journal(&access.tenant, id, task.id).await?;
        let open = open_intent(&journal, &settlement.call);
        let (Some(intent), true) = (open, in_doubt) else {
            let detail = "no call with this label is in doubt";
            return Err(Error::conflict(Conflict::IllegalTransition, detail));
        };
        let settled =
            JournalEntry { event: CallEvent::Settled { done: settlement.done }, ..intent.clone() };
        let append = Change::AppendJournal(access.tenant.clone(), id, task.id, vec![settled]);
        let event = Event::Retried { tasks: vec![self.retrial(access, task).await?] };
        let noted = AuditEvent::new(
            &access.tenant,
            self.now(),
            access.actor.clone(),
            "request.call_settled",
        );
        let noted = noted
            .about(id)
            .with("task", settlement.task)
            .with("call", &settlement.call)
            .with("done", settlement.done)
            .with("note", settlement.note.unwrap_or_default());
        self.act(access, id, event, Commit::of(append, noted)).await
    }
}

/// The last intent under this label that nothing followed.
fn open_intent<'a>(journal: &'a [JournalEntry], label: &str) -> Option<&'a JournalEntry> {
    let open = |key: &CallKey| {
        let last = journal.iter().rev().find(|entry| entry.key == *key)?;
        (last.event == CallEvent::Intent).then_some(last)
    };
    journal.iter().rev().filter(|entry| entry.key.label == label).find_map(|entry| open(&entry.key))
}
