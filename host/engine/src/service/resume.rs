//! Lets a request go on when everything it waited for is there.

use cordon_model::RequestId;
use cordon_model::commit::Commit;
use cordon_model::request::{Event, PrivacyRequest};

use crate::{Access, Conflict, Error, Services};

impl Services {
    /// Lets the waiting tasks go on.
    ///
    /// # Errors
    /// `NotWaitingForInput` when none waits; `InputsMissing`, naming the connections, while
    /// something was not given.
    pub async fn resume(&self, access: &Access, id: RequestId) -> Result<PrivacyRequest, Error> {
        let request = self.request(access, id).await?;
        let waiting: Vec<_> = request.waiting_for_input().map(|task| task.id).collect();
        if waiting.is_empty() {
            let status = request.status().as_str();
            let detail = format!("the request is {status} and does not wait for input");
            return Err(Error::conflict(Conflict::NotWaitingForInput, detail));
        }
        let statuses = self.input_statuses(&request).await?;
        let missing: Vec<&str> = statuses
            .iter()
            .filter(|status| waiting.contains(&status.task) && !status.provided)
            .map(|status| status.connection.as_str())
            .collect();
        if !missing.is_empty() {
            let detail = format!("input is still missing for: {}", missing.join(", "));
            return Err(Error::conflict(Conflict::InputsMissing, detail));
        }
        self.act(access, id, Event::Resumed { tasks: waiting }, Commit::default()).await
    }
}
