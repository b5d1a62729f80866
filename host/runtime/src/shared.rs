//! What every call of a runtime shares.

use std::sync::Arc;

use cordon_egress::Gate;
use cordon_model::port::{Clock, Secrets};
use cordon_turns::Places;
use tokio::sync::Semaphore;
use wasmtime::Engine;
use wasmtime::component::Linker;

use crate::cache::Cache;
use crate::call::CallState;
use crate::compiler::Ticker;
use crate::guest_memory::GuestMemory;
use crate::options::Options;
use crate::pace::Lanes;
use crate::plan::PlanCache;
use crate::registry::Registry;

pub(crate) struct Shared {
    pub(crate) options: Options,
    pub(crate) gate: Arc<Gate>,
    pub(crate) secrets: Arc<dyn Secrets>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) linker: Linker<CallState>,
    pub(crate) cache: Cache,
    pub(crate) registry: Registry,
    pub(crate) plans: PlanCache,
    /// One for each instance the pool has room for: an exhausted pool is an error, a queue is not.
    pub(crate) places: Places,
    pub(crate) lanes: Lanes,
    /// Of all guests together.
    pub(crate) guest_memory: Arc<GuestMemory>,
    /// One for each component that may be compiled at the same time.
    pub(crate) compilations: Semaphore,
    pub(crate) _ticker: Ticker,
    pub(crate) engine: Engine,
}
