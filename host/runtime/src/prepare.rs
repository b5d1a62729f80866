//! What comes before the instance of a run or of a test: its plan, its credentials, and a look
//! at both that finds a missing identity before anything is sent. A dry run goes on over what is
//! found, and tells it.

use std::sync::Arc;

use cordon_model::connection::Connection;
use cordon_model::plan::Draft;
use cordon_model::plugin::ReadGrant;
use cordon_model::secret::Credentials;
use cordon_model::subject::IdentityKind;
use cordon_model::tenant::Terms;
use cordon_model::{Action, Failure, FailureCode, PluginDigest};
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
    pub(crate) terms: Terms,
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
        let credentials = self.credentials(&plan, shared, cancel).await?;
        if let Some(failure) = self.failures(&plan, &credentials, shared).next() {
            return Err(Stop::Failed(failure));
        }
        Ok(self.state(shared, plan, credentials))
    }

    /// The same for a dry run, with everything that a run would fail over.
    pub(crate) async fn open_unsent(
        self,
        shared: &Arc<Shared>,
        cancel: &CancellationToken,
    ) -> Result<(RunState, Vec<Failure>), Stop> {
        let plan = self.plan(shared, cancel).await?;
        let (credentials, mut problems) = match self.credentials(&plan, shared, cancel).await {
            Ok(credentials) => (credentials, Vec::new()),
            Err(Stop::Failed(failure)) => (Credentials::new(), vec![failure]),
            Err(stop @ (Stop::Host(_) | Stop::Suspended { .. })) => return Err(stop),
        };
        problems.extend(self.failures(&plan, &credentials, shared));
        let mut run = self.state(shared, plan, credentials);
        run.budget = Budget::new(shared.options.dry_run_bytes_max);
        run.unsent = Some(Vec::new());
        Ok((run, problems))
    }

    fn preflight<'a>(&'a self, plan: &'a Plan) -> For<'a> {
        For {
            plan,
            action: self.action,
            wanted: self.wanted.as_ref().map(IdentityKind::as_str),
            values: &self.values,
        }
    }

    fn failures<'a>(
        &'a self,
        plan: &'a Plan,
        credentials: &'a Credentials,
        shared: &Shared,
    ) -> impl Iterator<Item = Failure> + use<'a> {
        preflight::failures(self.preflight(plan), credentials, shared.options.combinations_max)
    }

    fn state(self, shared: &Arc<Shared>, plan: Arc<Plan>, credentials: Credentials) -> RunState {
        RunState {
            shared: Arc::clone(shared),
            connection: self.connection,
            terms: self.terms,
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
            unsent: None,
            tape: None,
        }
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
        let plan =
            Arc::new(plan::ask(shared, &self.terms, self.plugin, &draft, deadline, cancel).await?);
        shared.plans.put(key, Arc::clone(&plan));
        Ok(plan)
    }

    /// Asked for only when something names one.
    async fn credentials(
        &self,
        plan: &Plan,
        shared: &Shared,
        cancel: &CancellationToken,
    ) -> Result<Credentials, Stop> {
        if !preflight::needs_credentials(self.preflight(plan)) {
            return Ok(Credentials::new());
        }
        let asked = shared.secrets.credentials(&self.connection);
        let found = within(self.deadline, cancel, asked).await.map_err(trap::stop)?;
        found.map_err(|error| Stop::failed(FailureCode::SecretsUnavailable, error.to_string()))
    }
}
