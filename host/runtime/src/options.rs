//! Everything about this crate that an operator may set. Each limit has its default here, with
//! its reason; nothing is read from the environment.

use std::path::PathBuf;
use std::time::Duration;

use cordon_turns::Processors;

use crate::compile::CompilerProcess;

mod check;
mod machine;

pub(crate) use machine::table_bytes;

/// How connectors are run, and how much each may use. Has no `Debug`: it holds keys.
#[derive(Clone)]
pub struct Options {
    /// Where compiled components are kept. The host must own it: what lies there is run as
    /// native code once its MAC is right. None: components are compiled at every start.
    pub cache_directory: Option<PathBuf>,
    /// Key of the MAC over compiled components.
    pub cache_key: [u8; 32],
    /// Key of the fingerprints in journals and of idempotency keys; mixed with the tenant.
    pub fingerprint_key: [u8; 32],
    /// Threads that run connectors. Default: one for each processor.
    pub workers: usize,
    /// Instances at the same time; further calls wait. Default 128: each takes up to 6 of the
    /// 65 530 mappings that Linux gives a process, and 8 GiB of address space.
    pub instances_max: u32,
    /// Linear memory of one call, over all its memories. Default 64 MiB.
    pub memory_bytes_max: usize,
    /// Linear memory and tables of all calls at the same time. A call that finds nothing left is
    /// ended by the host and done again later. None, the default: as much as all instances may
    /// take, or half of the machine's memory if that is less (see
    /// [`Options::guest_memory_bytes`]).
    pub guest_memory_bytes_max: Option<u64>,
    /// Table elements of one call, over all its tables. Default 40 000.
    pub table_elements_max: usize,
    /// Memories of one component. Default 2.
    pub memories_max: u32,
    /// Tables of one component. Default 8.
    pub tables_max: u32,
    /// Core instances of one component. Default 64 (Python without WASI: 38). They take no memory of
    /// their own: memories and tables are counted by themselves.
    pub core_instances_max: u32,
    /// Stack of a connector. Default 512 KiB.
    pub stack_bytes_max: usize,
    /// What one call from the guest into the host may make the host copy. Default 8 MiB; with
    /// the library's 128 MiB one string aliased in many headers costs gigabytes.
    pub hostcall_bytes_max: usize,
    /// Handles that a guest may hold at once. Default 1 000.
    pub handles_max: usize,
    /// How often a spinning guest is made to yield. Default 10 ms.
    pub epoch_tick: Duration,
    /// Processor time of one call, instantiating included; time it waits for is not in it. It is
    /// looked at whenever a guest yields, so a call may have one tick more. Default 10 s.
    pub processor_time_max: Duration,
    /// Where calls take turns to compute. Default: those of the machine, for the sandbox alone.
    pub processors: Processors,
    /// Calls that compute without a pause and may do so at the same time; they take turns, a tick
    /// each, and leave the other workers to calls that do not. None, the default: half of the
    /// workers, and at least one.
    pub heavy_calls_max: Option<usize>,
    /// Calls of one tenant that wait for their turn; further ones are told to come again.
    /// Default 1 024.
    pub calls_waiting_max: usize,
    /// Size of a component. Default 32 MiB (Python: 19 MB).
    pub component_bytes_max: usize,
    /// Size of one function of a component: compiling is not interruptible, and its time grows
    /// faster than the function. Default 512 KiB.
    pub function_bytes_max: usize,
    /// Functions of a component, over all its modules. Default 60 000 (JavaScript: 15 000).
    pub functions_max: usize,
    /// Modules in a component. Default 64.
    pub modules_max: usize,
    /// Components in a component, itself included. Default 64.
    pub components_max: usize,
    /// Imports of a component. Default 100 (JavaScript with all of WASI: 35).
    pub imports_max: usize,
    /// How deep they are nested. Default 8.
    pub nesting_max: usize,
    /// The program that compiles components; none: they are compiled in this process.
    pub compiler: Option<CompilerProcess>,
    /// Components that are compiled at the same time. Default 2.
    pub compilations_max: usize,
    /// Address space of a compiler's process. Default 4 GiB (Python: 2 GiB).
    pub compiler_memory_bytes_max: u64,
    /// Processor time of a compiler's process, over all its threads. Default 120 s (JavaScript on
    /// a slow machine: 36 s).
    pub compiler_processor_seconds_max: u64,
    /// Time of a compiler's process, which gives way to everything else. Default 600 s.
    pub compiler_timeout: Duration,
    /// Size of the native code of a component. Default 512 MiB.
    pub native_code_bytes_max: usize,
    /// Size of each schema in a descriptor. Default 256 KiB.
    pub schema_bytes_max: usize,
    /// Time for `describe` and for `validate`. Default 10 s.
    pub call_timeout: Duration,
    /// Requests in a plan, and problems in a verdict. Default 1 000.
    pub plan_entries_max: usize,
    /// Plans kept, so that a run need not ask for its plan again. Default 1 024.
    pub plans_kept_max: usize,
    /// Combinations of identities for one query (BEHAVIOUR B6). Default 100.
    pub combinations_max: u64,
    /// Calls of one run. Default 10 000.
    pub calls_max: usize,
    /// Requests that a dry run shows. Default 1 000.
    pub dry_run_requests_max: usize,
    /// Their texts together, in bytes. Default 8 MiB.
    pub dry_run_bytes_max: usize,
    /// Tries of a call when its query does not say; a query may ask for fewer, not for more.
    /// Default 5 (BEHAVIOUR C2).
    pub attempts_default: u8,
    /// One try of a call, to the end of the body. Default 60 s.
    pub attempt_timeout: Duration,
    /// The first wait between tries is up to this. Default 500 ms.
    pub retry_base: Duration,
    /// No wait between tries that the host chooses is longer. Default 8 s.
    pub retry_max: Duration,
    /// No `Retry-After` counts for more: an upstream that names a day, or a year by mistake, is
    /// asked again after this. Default 1 h.
    pub retry_after_max: Duration,
    /// The longest `Retry-After` that a run waits for with its instance; for a longer one it is
    /// suspended. Default 10 s.
    pub inline_wait_max: Duration,
    /// When a connector comes back that says `pending` without a time, and no response gave
    /// one. Default 60 s.
    pub pending_default: Duration,
    /// The longest time a connector may stay away. Default 7 days.
    pub pending_max: Duration,
    /// Bodies and parsed records that one run may make the host hold. Default 256 MiB.
    pub held_bytes_max: usize,
    /// Host-held values of one run. Default 10 000.
    pub values_max: usize,
    /// Size of a host-held scalar. Default 16 KiB.
    pub value_bytes_max: usize,
    /// Bytes of a response that one `read` hands out. Default 1 MiB.
    pub read_bytes_max: u32,
    /// Records that one run may find. Their bytes count as held. Default 45 000: a package takes
    /// just under 50 000, and it is the run at fault that must fail, not the package of all.
    pub records_max: usize,
    /// State that a run leaves for the next one. Default 64 KiB.
    pub state_bytes_max: usize,
    /// Fields of a form. Default 200.
    pub form_fields_max: usize,
    /// A label, a name of a field, in characters. Default 200.
    pub label_chars_max: usize,
    /// A text for people: a detail, a message, a pointer. Longer ones are cut. Default 500
    /// characters.
    pub detail_chars_max: usize,
    /// Lines that one call may log. Default 100.
    pub log_lines_max: u32,
    /// Bytes that one call may log. Default 16 KiB.
    pub log_bytes_max: usize,
    /// Is shown every linear memory of a call, at every host call and at its end. Default: none.
    #[cfg(feature = "memory-audit")]
    pub memory_observer: Option<crate::MemoryObserver>,
}

impl Options {
    /// See [`Options::heavy_calls_max`].
    pub fn heavy_calls(&self) -> usize {
        self.heavy_calls_max.unwrap_or_else(|| (self.workers / 2).max(1))
    }
}

impl Default for Options {
    /// The defaults above. The keys are all zero: whoever wires the host derives them.
    fn default() -> Self {
        Self {
            cache_directory: None,
            cache_key: [0; 32],
            fingerprint_key: [0; 32],
            workers: std::thread::available_parallelism().map_or(2, std::num::NonZero::get),
            instances_max: 128,
            memory_bytes_max: 64 << 20,
            guest_memory_bytes_max: None,
            table_elements_max: 40_000,
            memories_max: 2,
            tables_max: 8,
            core_instances_max: 64,
            stack_bytes_max: 512 << 10,
            hostcall_bytes_max: 8 << 20,
            handles_max: 1_000,
            epoch_tick: Duration::from_millis(10),
            processor_time_max: Duration::from_secs(10),
            processors: Processors::of_the_machine(),
            heavy_calls_max: None,
            calls_waiting_max: 1_024,
            component_bytes_max: 32 << 20,
            function_bytes_max: 512 << 10,
            functions_max: 60_000,
            modules_max: 64,
            components_max: 64,
            imports_max: 100,
            nesting_max: 8,
            compiler: None,
            compilations_max: 2,
            compiler_memory_bytes_max: 4 << 30,
            compiler_processor_seconds_max: 120,
            compiler_timeout: Duration::from_secs(600),
            native_code_bytes_max: 512 << 20,
            schema_bytes_max: 256 << 10,
            call_timeout: Duration::from_secs(10),
            plan_entries_max: 1_000,
            plans_kept_max: 1_024,
            combinations_max: 100,
            calls_max: 10_000,
            dry_run_requests_max: 1_000,
            dry_run_bytes_max: 8 << 20,
            attempts_default: 5,
            attempt_timeout: Duration::from_secs(60),
            retry_base: Duration::from_millis(500),
            retry_max: Duration::from_secs(8),
            retry_after_max: Duration::from_secs(3600),
            inline_wait_max: Duration::from_secs(10),
            pending_default: Duration::from_secs(60),
            pending_max: Duration::from_secs(7 * 24 * 3600),
            held_bytes_max: 256 << 20,
            values_max: 10_000,
            value_bytes_max: 16 << 10,
            read_bytes_max: 1 << 20,
            records_max: 45_000,
            state_bytes_max: 64 << 10,
            form_fields_max: 200,
            label_chars_max: 200,
            detail_chars_max: 500,
            log_lines_max: 100,
            log_bytes_max: 16 << 10,
            #[cfg(feature = "memory-audit")]
            memory_observer: None,
        }
    }
}
