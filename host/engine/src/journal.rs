//! Gives a run a way to its task's journal in the store.

use std::sync::Arc;

use async_trait::async_trait;
use cordon_model::commit::{Change, Commit, CommitError, StoreError};
use cordon_model::journal::JournalEntry;
use cordon_model::port::{JournalSink, StateStore};
use cordon_model::{RequestId, TaskId, TenantId};

/// The journal of one task.
pub(crate) struct TaskJournal {
    pub(crate) store: Arc<dyn StateStore>,
    pub(crate) tenant: TenantId,
    pub(crate) request: RequestId,
    pub(crate) task: TaskId,
}

#[async_trait]
impl JournalSink for TaskJournal {
    async fn append(&self, entries: Vec<JournalEntry>) -> Result<(), StoreError> {
        let change = Change::AppendJournal(self.tenant.clone(), self.request, self.task, entries);
        let commit = Commit { changes: vec![change], audit: Vec::new() };
        match self.store.commit(commit).await {
            Ok(()) => Ok(()),
            Err(CommitError::Store(error)) => Err(error),
            Err(
                error @ (CommitError::Conflict(_)
                | CommitError::Exists(_)
                | CommitError::Absent(_)
                | CommitError::Contradictory(_)),
            ) => Err(StoreError::Unavailable(format!("the journal was refused: {error}"))),
        }
    }
}
