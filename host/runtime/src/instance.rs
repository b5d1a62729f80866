//! One call of one export, in a store and an instance of its own.
//!
//! The deadline and the cancel hold for everything: waiting for a place, instantiating (a component
//! may loop in its start function), and the call; the processor time for the last two. The store is dropped when the call is over,
//! whatever way, and only then is its place in the pool given away.

use std::future::Future;
use std::time::{Duration, Instant};

use tokio::time::timeout_at;
use tokio_util::sync::CancellationToken;
use wasmtime::component::ResourceTable;
use wasmtime::{Store, UpdateDeadline};

use crate::bindings::{Plugin, PluginPre, types};
use crate::call::{CallState, Deadline, RunState, Stop};
use crate::caller::Caller;
use crate::capability::handles::Input;
use crate::pace::{Meter, UsedUp, paced};
use crate::shared::Shared;
use cordon_turns::{Place, TooManyWait};

/// An export of the contract, with its argument.
pub(crate) trait Export: Send {
    /// Its name, for metrics.
    const NAME: &'static str;
    type Answer: Send;

    fn call(
        self,
        plugin: &Plugin,
        store: &mut Store<CallState>,
    ) -> impl Future<Output = wasmtime::Result<Self::Answer>> + Send;
}

/// What is left when a call is over.
pub(crate) struct Left {
    /// None for a call without capability.
    pub(crate) run: Option<Box<RunState>>,
    pub(crate) table: ResourceTable,
    /// Linear memory that it had in the end.
    pub(crate) memory_bytes: usize,
}

/// Why a call gave no answer.
#[derive(Debug)]
pub(crate) enum Ending {
    /// The host ended it.
    Stopped(Stop),
    /// Its time was over.
    DeadlinePassed,
    /// It was canceled.
    Canceled,
    /// It computed for longer than this.
    ProcessorTime(Duration),
    /// The guest broke, or reached a limit.
    Trapped(wasmtime::Error),
}

/// Calls an export in a fresh instance.
pub(crate) async fn call<E: Export>(
    shared: &Shared,
    code: &PluginPre<CallState>,
    state: CallState,
    deadline: Deadline,
    cancel: &CancellationToken,
    export: E,
) -> (Left, Result<E::Answer, Ending>) {
    // Held until the store is dropped: its memories are in the pool for that long.
    let caller = state.caller.clone();
    let place = match place(shared, &caller, deadline, cancel).await {
        Ok(place) => place,
        Err(ending) => return left(state, Err(ending)),
    };
    let mut meter = Meter::new(&shared.options);
    let mut store = store(shared, state, &meter);
    #[cfg(feature = "memory-audit")]
    let notes = store.data().audit.notes();
    let work = async {
        let plugin = code.instantiate_async(&mut store).await?;
        export.call(&plugin, &mut store).await
    };
    #[cfg(feature = "memory-audit")]
    let work = notes.taken_during(work);
    let work = paced(&mut meter, &shared.lanes, &caller, work);
    let called = match within(deadline, cancel, work).await {
        Ok(Ok(called)) => called.map_err(Ending::Trapped),
        Ok(Err(UsedUp)) => Err(Ending::ProcessorTime(shared.options.processor_time_max)),
        Err(ending) => Err(ending),
    };
    store.data_mut().at_rest();
    let state = store.into_data();
    record_use(E::NAME, state.limits.memory_used(), meter.used());
    drop(place);
    left(state, called)
}

/// A place among the calls of the host, when it is this one's turn.
async fn place(
    shared: &Shared,
    caller: &Caller,
    deadline: Deadline,
    cancel: &CancellationToken,
) -> Result<Place, Ending> {
    let asked = Instant::now();
    let turn = shared.places.claim(caller.seat(), caller.maxima()).map_err(|TooManyWait| {
        let max = shared.options.calls_waiting_max;
        let what = format!("{max} calls of the tenant wait for their turn already");
        Ending::Stopped(Stop::Host(what))
    })?;
    let place = within(deadline, cancel, turn).await?;
    metrics::histogram!("cordon_connector_queue_seconds").record(asked.elapsed().as_secs_f64());
    Ok(place)
}

/// A store with every limit on it.
fn store(shared: &Shared, state: CallState, meter: &Meter) -> Store<CallState> {
    let mut store = Store::new(&shared.engine, state);
    store.limiter(|state| &mut state.limits);
    store.set_hostcall_fuel(shared.options.hostcall_bytes_max);
    store.set_max_component_handles(shared.options.handles_max);
    store.set_epoch_deadline(1);
    let made_to_yield = meter.made_to_yield();
    store.epoch_deadline_callback(move |_| {
        made_to_yield.tell();
        Ok(UpdateDeadline::Yield(1))
    });
    store
}

/// What a component takes of the host: bodies and records are the host's own and are not in it.
#[expect(clippy::cast_precision_loss, reason = "a histogram; no memory comes near 2^52 bytes")]
fn record_use(export: &'static str, bytes: usize, processor_time: Duration) {
    metrics::histogram!("cordon_guest_memory_bytes", "export" => export).record(bytes as f64);
    metrics::histogram!("cordon_connector_processor_seconds", "export" => export)
        .record(processor_time.as_secs_f64());
}

/// The first reason is the reason: what the host decided stands over whatever the guest said.
fn left<T>(state: CallState, called: Result<T, Ending>) -> (Left, Result<T, Ending>) {
    let memory_bytes = state.limits.memory_used();
    let (run, table, stopped) = state.finish();
    let called = match stopped {
        Some(stop) => Err(Ending::Stopped(stop)),
        None => called,
    };
    (Left { run, table, memory_bytes }, called)
}

/// The future, or what ended it. After the deadline it is not begun: a timer that has run out
/// would give it one turn, and a request may go out in that.
pub(crate) async fn within<F: Future>(
    deadline: Deadline,
    cancel: &CancellationToken,
    future: F,
) -> Result<F::Output, Ending> {
    if cancel.is_cancelled() {
        return Err(Ending::Canceled);
    }
    if deadline.left().is_zero() {
        return Err(Ending::DeadlinePassed);
    }
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(Ending::Canceled),
        done = timeout_at(deadline.instant(), future) => done.map_err(|_| Ending::DeadlinePassed),
    }
}

/// `describe`.
pub(crate) struct Describe;

impl Export for Describe {
    const NAME: &'static str = "describe";
    type Answer = types::Descriptor;

    async fn call(
        self,
        plugin: &Plugin,
        store: &mut Store<CallState>,
    ) -> wasmtime::Result<Self::Answer> {
        plugin.cordon_connector_connector().call_describe(store).await
    }
}

/// `validate`.
pub(crate) struct Validate(pub(crate) types::Draft);

impl Export for Validate {
    const NAME: &'static str = "validate";
    type Answer = types::Verdict;

    async fn call(
        self,
        plugin: &Plugin,
        store: &mut Store<CallState>,
    ) -> wasmtime::Result<Self::Answer> {
        plugin.cordon_connector_connector().call_validate(store, &self.0).await
    }
}

/// `test`, with the configuration.
pub(crate) struct Test(pub(crate) String);

impl Export for Test {
    const NAME: &'static str = "test";
    type Answer = Result<(), types::Failure>;

    async fn call(
        self,
        plugin: &Plugin,
        store: &mut Store<CallState>,
    ) -> wasmtime::Result<Self::Answer> {
        plugin.cordon_connector_connector().call_test(store, &self.0).await
    }
}

/// `run`, with its task. The input becomes a resource of the store.
pub(crate) struct Run {
    pub(crate) task: types::Task,
    pub(crate) input: Option<Input>,
}

impl Export for Run {
    const NAME: &'static str = "run";
    type Answer = Result<types::Outcome, types::Failure>;

    async fn call(
        mut self,
        plugin: &Plugin,
        store: &mut Store<CallState>,
    ) -> wasmtime::Result<Self::Answer> {
        if let Some(input) = self.input.take() {
            self.task.input = Some(store.data_mut().table.push(input)?);
        }
        plugin.cordon_connector_connector().call_run(store, &self.task).await
    }
}
