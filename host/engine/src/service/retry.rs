//! An operator wants what failed to be tried again.

use cordon_model::commit::Commit;
use cordon_model::request::{Event, PrivacyRequest, RequestState};
use cordon_model::task::TaskState;
use cordon_model::{RequestId, TaskId};

use crate::{Access, Conflict, Error, Missing, Services};

impl Services {
    /// Tries failed tasks again (all of them, or those named), with the newest revision of their
    /// connections: successes are replayed from the journal, the rest is sent again. A call in
    /// doubt is sent again too: asking for the retry is the decision.
    ///
    /// # Errors
    /// `NothingToRetry` when nothing failed; `NotFound` for a task that is not there.
    pub async fn retry(
        &self,
        access: &Access,
        id: RequestId,
        tasks: Option<Vec<TaskId>>,
    ) -> Result<PrivacyRequest, Error> {
        let request = self.request(access, id).await?;
        if matches!(request.state, RequestState::Failed { .. }) && tasks.is_none() {
            return self
                .act(access, id, Event::Retried { tasks: Vec::new() }, Commit::default())
                .await;
        }
        let failed = request
            .tasks
            .iter()
            .filter(|task| matches!(task.state, TaskState::Error { .. }))
            .map(|task| task.id);
        let chosen: Vec<TaskId> = match tasks {
            None => failed.collect(),
            Some(named) => named,
        };
        if chosen.is_empty() {
            let detail =
                format!("the request is {}; nothing of it failed", request.status().as_str());
            return Err(Error::conflict(Conflict::NothingToRetry, detail));
        }
        let mut retried = Vec::new();
        for task in chosen {
            let task = request.task(task).ok_or(Error::NotFound(Missing::Task))?;
            let current = self.store().connection(&access.tenant, &task.connection).await?;
            let revision = current.map_or(task.connection_revision, |c| c.revision);
            retried.push((task.id, revision));
        }
        self.act(access, id, Event::Retried { tasks: retried }, Commit::default()).await
    }
}
