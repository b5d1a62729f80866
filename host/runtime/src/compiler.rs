//! The sandbox: one wasmtime `Engine`, configured once, and the thread that makes its guests
//! yield.
//!
//! Every setting here was measured or is a defense. Concurrency support off: 4 times faster on a
//! hot call. Pooling with pages kept resident: a fresh instance and a call in 9 µs instead of
//! 26, and throughput grows with threads instead of falling. Epochs and no fuel: fuel costs as
//! much again. Deterministic NaNs: a run is repeated from its journal, perhaps on another
//! processor. Called by `Runtime::new`.

mod self_test;
mod ticker;

use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::error::Error;
use crate::options::Options;
use crate::proposals;

pub(crate) use ticker::Ticker;

/// Pages of a memory, table or stack that are wiped in place for the next call instead of being
/// given back to the kernel.
const KEEP_RESIDENT: usize = 64 << 10;

/// Beyond a guest's own stack, what host functions called on it may use.
const HOST_STACK: usize = 1536 << 10;

/// Builds the engine, and proves that what must be off is off.
pub(crate) fn engine(options: &Options) -> Result<Engine, Error> {
    let mut config = code_config(options);
    config
        .async_stack_size(options.stack_bytes_max + HOST_STACK)
        .async_stack_zeroing(true)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool(options)));
    #[cfg(feature = "memory-audit")]
    crate::memory_audit::configure(&mut config, options);
    let engine = Engine::new(&config).map_err(|e| Error::Sandbox(format!("{e:#}")))?;
    self_test::run(&engine)?;
    Ok(engine)
}

/// An engine that makes code for the one above and runs nothing.
pub(crate) fn compile_only(options: &Options) -> Result<Engine, Error> {
    Engine::new(&code_config(options)).map_err(|e| Error::Sandbox(format!("{e:#}")))
}

/// Everything that decides which code is made.
fn code_config(options: &Options) -> Config {
    let mut config = Config::new();
    config
        .concurrency_support(false)
        .epoch_interruption(true)
        .consume_fuel(false)
        .cranelift_nan_canonicalization(true)
        .wasm_features(proposals::REFUSED, false)
        .max_wasm_stack(options.stack_bytes_max)
        .wasm_backtrace_max_frames(None);
    config
}

/// A pool in which every call that holds a permit finds room: what one component may take, times
/// the calls at the same time.
fn pool(options: &Options) -> PoolingAllocationConfig {
    let calls = options.instances_max;
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(calls)
        .total_core_instances(calls.saturating_mul(options.core_instances_max))
        .total_memories(calls.saturating_mul(options.memories_max))
        .total_tables(calls.saturating_mul(options.tables_max))
        .total_stacks(calls)
        .max_core_instances_per_component(options.core_instances_max)
        .max_memories_per_component(options.memories_max)
        .max_tables_per_component(options.tables_max)
        .max_memories_per_module(options.memories_max)
        .max_tables_per_module(options.tables_max)
        .max_memory_size(options.memory_bytes_max)
        .table_elements(options.table_elements_max)
        .max_unused_warm_slots(calls)
        .linear_memory_keep_resident(KEEP_RESIDENT)
        .table_keep_resident(KEEP_RESIDENT)
        .async_stack_keep_resident(KEEP_RESIDENT)
        .pagemap_scan(Enabled::Auto);
    pool
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engine_starts_with_everything_off_that_must_be_off() {
        engine(&Options { instances_max: 2, ..Options::default() }).unwrap();
    }
}
