//! The runtime: its threads, and the port that the engine sees.
//!
//! Guests run on threads of their own, where every turn of a guest is followed by a look at the
//! timers and at what was woken from outside: with tokio's default intervals eight spinning
//! guests hold the timers up for 300 ms, with these for 19. The port's methods hand their work over and wait; dropping one ends its instance.

use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use wasmtime::component::{HasSelf, Linker};

use cordon_egress::Gate;
use cordon_model::connection::Connection;
use cordon_model::plan::{Assessment, Draft};
use cordon_model::plugin::Plugin;
use cordon_model::port::{
    Clock, ConnectorCall, ConnectorError, Connectors, RunEnd, Secrets, TestEnd,
};
use cordon_model::{PluginDigest, Timestamp};

use crate::admission::{self, Candidate};
use crate::bindings::Plugin as Bindings;
use crate::cache::Cache;
use crate::call::{CallState, Deadline, Stop};
use crate::compiler::{self, Ticker};
use crate::error::Error;
use crate::options::Options;
use crate::plan::{self, PlanCache};
use crate::registry::Registry;
use crate::shared::Shared;
use crate::{run, test_run};

/// Runs connectors. One for each process.
pub struct Runtime {
    shared: Arc<Shared>,
    /// Taken when this is dropped.
    threads: Option<tokio::runtime::Runtime>,
    handle: tokio::runtime::Handle,
}

impl Runtime {
    /// Sets the sandbox up, proves that it refuses what it must refuse, and starts its threads.
    /// No plugin is admitted yet.
    ///
    /// # Errors
    /// When the sandbox cannot be set up as it must be.
    pub fn new(
        options: Options,
        gate: Arc<Gate>,
        secrets: Arc<dyn Secrets>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        let engine = compiler::engine(&options)?;
        let mut linker = Linker::new(&engine);
        Bindings::add_to_linker::<CallState, HasSelf<CallState>>(&mut linker, CallState::at_rest)
            .map_err(|e| Error::Sandbox(format!("{e:#}")))?;
        let threads = tokio::runtime::Builder::new_multi_thread()
            .thread_name("cordon-guests")
            .worker_threads(options.workers.max(1))
            .event_interval(1)
            .global_queue_interval(1)
            .enable_all()
            .build()
            .map_err(|e| Error::Sandbox(format!("no threads for guests: {e}")))?;
        let shared = Shared {
            gate,
            secrets,
            clock,
            linker,
            cache: Cache::new(&options, &engine),
            registry: Registry::default(),
            plans: PlanCache::new(options.plans_kept_max),
            permits: Semaphore::new(options.instances_max as usize),
            _ticker: Ticker::start(&engine, options.epoch_tick)?,
            engine,
            options,
        };
        let handle = threads.handle().clone();
        Ok(Self { shared: Arc::new(shared), threads: Some(threads), handle })
    }

    /// Admits a component: checks its size and imports, compiles it (or takes it from the
    /// cache) and asks it once what it is. From then on it serves its connector type; versions
    /// admitted before stay loaded for the tasks that pin them.
    ///
    /// # Errors
    /// When the component is refused.
    pub async fn admit(
        &self,
        name: &str,
        version: &str,
        bytes: &[u8],
        built_in: bool,
    ) -> Result<Plugin, Error> {
        let candidate = Candidate {
            name: name.to_owned(),
            version: version.to_owned(),
            bytes: bytes.to_vec(),
            built_in,
        };
        let shared = Arc::clone(&self.shared);
        let admitted = self.spawn(async move { admission::admit(&shared, candidate).await }).await;
        admitted.map_err(Error::Host)?
    }

    /// Does work on the threads of guests; ends it when this is dropped.
    async fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, String> {
        let task = AbortOnDropHandle::new(self.handle.spawn(work));
        task.await.map_err(|error| {
            if error.is_panic() {
                "a call into a connector panicked"
            } else {
                "the host is stopping"
            }
            .to_owned()
        })
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        if let Some(threads) = self.threads.take() {
            // May happen on a thread of another runtime, which must not block.
            threads.shutdown_background();
        }
    }
}

#[async_trait]
impl Connectors for Runtime {
    fn plugins(&self) -> Vec<Plugin> {
        self.shared.registry.plugins()
    }

    fn plugin_for(&self, connector_type: &str) -> Option<Plugin> {
        self.shared.registry.of_type(connector_type)
    }

    async fn validate(
        &self,
        plugin: PluginDigest,
        draft: &Draft,
    ) -> Result<Assessment, ConnectorError> {
        let (shared, draft) = (Arc::clone(&self.shared), draft.clone());
        let assessed = self.spawn(async move {
            let deadline = Deadline::after(shared.options.call_timeout);
            let cancel = CancellationToken::new();
            let plan = plan::ask(&shared, plugin, &draft, deadline, &cancel).await?;
            Ok(plan.assess(&shared.gate, shared.options.label_chars_max))
        });
        assessed.await.map_err(ConnectorError::Host)?.map_err(|stop: Stop| stop.into())
    }

    async fn test(
        &self,
        connection: &Connection,
        deadline: Timestamp,
        cancel: CancellationToken,
    ) -> TestEnd {
        let (shared, connection) = (Arc::clone(&self.shared), connection.clone());
        let tested = self.spawn(test_run::test(shared, connection, deadline, cancel)).await;
        tested.unwrap_or_else(|what| TestEnd {
            calls: Vec::new(),
            result: Err(ConnectorError::Host(what)),
        })
    }

    async fn run(&self, call: ConnectorCall) -> RunEnd {
        let ran = self.spawn(run::run(Arc::clone(&self.shared), call)).await;
        ran.unwrap_or_else(|what| RunEnd {
            calls: Vec::new(),
            result: Err(ConnectorError::Host(what)),
        })
    }
}

#[cfg(test)]
mod tests;
