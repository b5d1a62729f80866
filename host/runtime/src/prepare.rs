//! What comes before the instance of a run or of a test: its plan, its credentials, and a look
//! at both that finds a missing identity before anything is sent.

use std::sync::Arc;

use cordon_model::connection::Connection;
use cordon_model::plan::Draft;
use cordon_model::plugin::ReadGrant;
use cordon_model::secret::Credentials;
use cordon_model::subject::IdentityKind;
use cordon_model::{Action, FailureCode, PluginDigest};
use tokio_util::sync::CancellationToken;

use crate::call::{Budget, Calls, Deadline, RunState, Stop, Values};
use crate::instance::within;
use crate::plan::{self, Plan, PlanCache};
use crate::preflight::{self, For};
use crate::shared::Shared;
use crate::trap;

/// A run or a test that is about to begin.
pub(crate) struct Opening {
    pub(crate) connection: Connection,
    pub(crate) plugin: PluginDigest,
    /// None: a test.
    pub(crate) action: Option<Action>,
    pub(crate) wanted: Option<IdentityKind>,
    pub(crate) policy_settings: Option<String>,
    pub(crate) reads: Vec<ReadGrant>,
    pub(crate) values: Values,
    pub(crate) calls: Calls,
    pub(crate) deadline: Deadline,
}

impl Opening {
    /// Everything the host functions need.
    pub(crate) async fn open(
        self,
        shared: &Arc<Shared>,
        cancel: &CancellationToken,
    ) -> Result<RunState, Stop> {
        let plan = self.plan(shared, cancel).await?;
        let run = For {
            plan: &plan,
            action: self.action,
            wanted: self.wanted.as_ref().map(IdentityKind::as_str),
            values: &self.values,
        };
        let credentials = if preflight::needs_credentials(run) {
            self.credentials(shared, cancel).await?
        } else {
            Credentials::new()
        };
        preflight::check(run, &credentials, shared.options.combinations_max)
            .map_err(Stop::Failed)?;
        Ok(RunState {
            shared: Arc::clone(shared),
            connection: self.connection,
            action: self.action,
            wanted: self.wanted,
            reads: self.reads,
            plan,
            credentials,
            values: self.values,
            calls: self.calls,
            budget: Budget::new(shared.options.held_bytes_max),
            deadline: self.deadline,
            retry_after: None,
        })
    }

    async fn plan(&self, shared: &Shared, cancel: &CancellationToken) -> Result<Arc<Plan>, Stop> {
        let draft = Draft {
            config: self.connection.config.to_string(),
            actions: self.connection.capabilities.iter().copied().collect(),
            policy_settings: self.policy_settings.clone(),
        };
        let key = PlanCache::key(&self.connection.tenant, self.plugin, &draft);
        if let Some(plan) = shared.plans.get(&key) {
            return Ok(plan);
        }
        let deadline = self.deadline.sooner(Deadline::after(shared.options.call_timeout));
        let plan = Arc::new(plan::ask(shared, self.plugin, &draft, deadline, cancel).await?);
        shared.plans.put(key, Arc::clone(&plan));
        Ok(plan)
    }

    async fn credentials(
        &self,
        shared: &Shared,
        cancel: &CancellationToken,
    ) -> Result<Credentials, Stop> {
        let asked = shared.secrets.credentials(&self.connection);
        let found = within(self.deadline, cancel, asked).await.map_err(trap::stop)?;
        found.map_err(|error| Stop::failed(FailureCode::SecretsUnavailable, error.to_string()))
    }
}
