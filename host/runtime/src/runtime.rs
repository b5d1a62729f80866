//! The runtime: its threads, and the port that the engine sees.
//!
//! Guests run on threads of their own, where every turn of a guest is followed by a look at the
//! timers and at what was woken from outside: with tokio's default intervals eight spinning
//! guests hold the timers up for 300 ms, with these for 19. The port's methods hand their work over and wait; dropping one ends its instance.

use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use rustix::process::{getpriority_process, setpriority_process};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use wasmtime::component::{HasSelf, Linker};

use cordon_egress::Gate;
use cordon_model::connection::Connection;
use cordon_model::plan::{Assessment, Draft};
use cordon_model::plugin::Plugin;
use cordon_model::port::{
    CallsInUse, Clock, ConnectorCall, ConnectorError, Connectors, DryRunCall, DryRunEnd, RunEnd,
    Secrets, TestEnd,
};
use cordon_model::tenant::Terms;
use cordon_model::{PluginDigest, TenantId, Timestamp};
use cordon_turns::{Gauges, Places};

use crate::admission;
use crate::bindings::Plugin as Bindings;
use crate::cache::Cache;
use crate::call::{CallState, Deadline, Stop};
use crate::compiler::{self, Ticker};
use crate::error::Error;
use crate::guest_memory::GuestMemory;
use crate::options::Options;
use crate::pace::Lanes;
use crate::plan::{self, PlanCache};
use crate::registry::Registry;
use crate::shared::Shared;
use crate::{dry_run, run, test_run};

/// How much guests give way to everything else that the host does: as `nice` of their threads.
const GIVE_WAY: i32 = 5;

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
    /// When a limit cannot be enforced, or the sandbox cannot be set up as it must be.
    pub fn new(
        options: Options,
        gate: Arc<Gate>,
        secrets: Arc<dyn Secrets>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        options.check()?;
        let engine = compiler::engine(&options)?;
        let mut linker = Linker::new(&engine);
        Bindings::add_to_linker::<CallState, HasSelf<CallState>>(&mut linker, CallState::at_rest)
            .map_err(|e| Error::Sandbox(format!("{e:#}")))?;
        let threads = threads(options.workers)?;
        let shared = Shared {
            gate,
            secrets,
            clock,
            linker,
            cache: Cache::new(&options, &engine),
            registry: Registry::default(),
            plans: PlanCache::new(options.plans_kept_max),
            places: Places::new(
                options.instances_max as usize,
                options.calls_waiting_max,
                Some(Gauges {
                    taken: "cordon_connector_calls_in_flight",
                    waiting: "cordon_connector_calls_waiting",
                }),
            ),
            lanes: Lanes {
                processors: options.processors.clone(),
                heavy: Places::new(options.heavy_calls(), usize::MAX, None),
            },
            guest_memory: GuestMemory::new(options.guest_memory_bytes()),
            compilations: Semaphore::new(options.compilations_max),
            _ticker: Ticker::start(&engine, options.epoch_tick)?,
            engine,
            options,
        };
        let handle = threads.handle().clone();
        Ok(Self { shared: Arc::new(shared), threads: Some(threads), handle })
    }

    /// Admits a component that the host brings: checks its size and imports, compiles it (or takes it from the
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
        let (name, version) = (name.to_owned(), version.to_owned());
        let (shared, component) = (Arc::clone(&self.shared), Bytes::copy_from_slice(bytes));
        let admitted = self.spawn(async move {
            admission::admit_own(&shared, (&name, &version), component, built_in).await
        });
        admitted.await.map_err(Error::Host)?
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
    fn plugins(&self, tenant: &TenantId) -> Vec<Plugin> {
        self.shared.registry.plugins(tenant)
    }

    fn plugin_for(&self, tenant: &TenantId, connector_type: &str) -> Option<Plugin> {
        self.shared.registry.of_type(tenant, connector_type)
    }

    async fn validate(
        &self,
        terms: &Terms,
        plugin: PluginDigest,
        draft: &Draft,
    ) -> Result<Assessment, ConnectorError> {
        let (shared, draft) = (Arc::clone(&self.shared), draft.clone());
        let terms = terms.clone();
        let assessed = self.spawn(async move {
            let deadline = Deadline::after(shared.options.call_timeout);
            let cancel = CancellationToken::new();
            let plan = plan::ask(&shared, &terms, plugin, &draft, deadline, &cancel).await?;
            Ok(plan.assess(&shared.gate, &draft.config, shared.options.label_chars_max))
        });
        assessed.await.map_err(ConnectorError::Host)?.map_err(|stop: Stop| stop.into())
    }

    async fn test(
        &self,
        connection: &Connection,
        terms: &Terms,
        deadline: Timestamp,
        cancel: CancellationToken,
    ) -> TestEnd {
        let (shared, connection) = (Arc::clone(&self.shared), connection.clone());
        let testing = test_run::test(shared, connection, terms.clone(), deadline, cancel, None);
        let tested = self.spawn(testing).await;
        tested.unwrap_or_else(|what| TestEnd {
            calls: Vec::new(),
            result: Err(ConnectorError::Host(what)),
        })
    }

    async fn dry_run(&self, call: DryRunCall) -> Result<DryRunEnd, ConnectorError> {
        let ran = self.spawn(dry_run::dry_run(Arc::clone(&self.shared), call)).await;
        ran.unwrap_or_else(|what| Err(ConnectorError::Host(what)))
    }

    fn in_use(&self, tenant: Option<&TenantId>) -> CallsInUse {
        let calls = self.shared.places.count(tenant);
        CallsInUse {
            calls: calls.held,
            of_one_connection: calls.of_one_connection,
            waiting: calls.waiting,
            memory_bytes: self.shared.guest_memory.bytes(tenant),
        }
    }

    async fn run(&self, call: ConnectorCall) -> RunEnd {
        let ran = self.spawn(run::run(Arc::clone(&self.shared), call, None)).await;
        ran.unwrap_or_else(|what| RunEnd {
            calls: Vec::new(),
            result: Err(ConnectorError::Host(what)),
        })
    }
}

/// The threads that run guests. While one of them spins, whoever else has something to do on its
/// processor goes first.
fn threads(workers: usize) -> Result<tokio::runtime::Runtime, Error> {
    let own = getpriority_process(None).unwrap_or(0);
    let priority = own.saturating_add(GIVE_WAY).min(19);
    tokio::runtime::Builder::new_multi_thread()
        .thread_name("cordon-guests")
        .worker_threads(workers)
        .event_interval(1)
        .global_queue_interval(1)
        .on_thread_start(move || {
            // Of this thread alone. Where it is not allowed, guests are as important as the host.
            let _ = setpriority_process(None, priority);
        })
        .enable_all()
        .build()
        .map_err(|e| Error::Sandbox(format!("no threads for guests: {e}")))
}

mod author;
mod strangers;

#[cfg(test)]
mod tests;
