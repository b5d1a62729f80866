//! An operator wants what failed to be tried again.

use cordon_model::commit::Commit;
use cordon_model::plugin::PluginRef;
use cordon_model::request::{Event, PrivacyRequest, RequestState, Retrial};
use cordon_model::task::{Task, TaskState};
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
            retried.push(self.retrial(access, task).await?);
        }
        self.act(access, id, Event::Retried { tasks: retried }, Commit::default()).await
    }

    /// How a failed task is tried again: with the newest revision of its connection, and with the
    /// plugin that its segment pins. Where the host has that one no more (a built-in connector, since
    /// the host was upgraded) the connection's takes its place: the task could never end otherwise.
    pub(super) async fn retrial(&self, access: &Access, task: &Task) -> Result<Retrial, Error> {
        let current = self.store().connection(&access.tenant, &task.connection).await?;
        let plugins = self.ports.connectors.plugins(&access.tenant);
        let has = |plugin: &PluginRef| plugins.iter().any(|p| p.reference.digest == plugin.digest);
        let of_connection = current.as_ref().map(|connection| connection.plugin.clone());
        Ok(Retrial {
            task: task.id,
            revision: current.map_or(task.connection_revision, |c| c.revision),
            plugin: of_connection.filter(|plugin| !has(&task.plugin) && has(plugin)),
        })
    }
}
