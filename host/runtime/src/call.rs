//! The state of one call into a guest: what the host functions see, and why the host ended the
//! call, if it did. Made for one store, gone with it.

mod budget;
mod calls;
mod deadline;
mod run_state;
mod values;

use cordon_model::port::ConnectorError;
use cordon_model::{Failure, FailureCode, Timestamp};
use wasmtime::component::ResourceTable;

use crate::caller::Caller;
use crate::capability::log::LogBudget;
use crate::limits::Limits;
use crate::shared::Shared;
use crate::wasi::TimeAndChance;

pub(crate) use budget::{Budget, weight};
pub(crate) use calls::{Calls, TaskCalls};
pub(crate) use deadline::Deadline;
pub(crate) use run_state::RunState;
pub(crate) use values::{Value, Values};

/// What a store holds.
pub(crate) struct CallState {
    pub(crate) caller: Caller,
    pub(crate) limits: Limits,
    pub(crate) table: ResourceTable,
    pub(crate) log: LogBudget,
    /// What WASI shows of time and chance.
    pub(crate) time_and_chance: TimeAndChance,
    /// None in `describe` and `validate`, which have no capability.
    run: Option<Box<RunState>>,
    ended: Option<Stop>,
    #[cfg(feature = "memory-audit")]
    pub(crate) audit: crate::memory_audit::MemoryAudit,
}

/// Why the host ended a run. A guest never sees it, so it cannot report success over it.
#[derive(Debug)]
pub(crate) enum Stop {
    /// A denial, a limit, a call in doubt: an operator looks at it.
    Failed(Failure),
    /// The host could not do its part.
    Host(String),
    /// An upstream wants to be left alone for longer than a run waits.
    Suspended {
        /// Until when.
        until: Timestamp,
    },
}

/// What travels through the guest when the host ended a call; the reason is in the state.
#[derive(Debug, thiserror::Error)]
#[error("the host ended the call")]
struct Ended;

impl Stop {
    pub(crate) fn failed(code: FailureCode, detail: impl Into<String>) -> Self {
        Self::Failed(Failure::new(code, detail))
    }

    /// A failure of one query.
    pub(crate) fn of_query(code: FailureCode, label: &str, detail: impl Into<String>) -> Self {
        let label = Some(label.to_owned());
        Self::Failed(Failure { code, label, detail: detail.into() })
    }

    /// The guest broke the contract.
    pub(crate) fn misuse(detail: &str) -> Self {
        Self::failed(FailureCode::PluginTrapped, detail)
    }

    /// The word for the report of the call during which it happened.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::Failed(failure) => failure.code.as_str(),
            Self::Host(_) => "host_error",
            Self::Suspended { .. } => "deferred",
        }
    }
}

impl From<Stop> for ConnectorError {
    /// A suspension is an outcome of a run; where none is possible the host did not do its part.
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Failed(failure) => Self::Failed(failure),
            Stop::Host(what) => Self::Host(what),
            Stop::Suspended { .. } => Self::Host("suspended".to_owned()),
        }
    }
}

impl CallState {
    /// `run`: None for a call without capability.
    pub(crate) fn new(shared: &Shared, caller: Caller, run: Option<RunState>) -> Self {
        let options = &shared.options;
        let mut table = ResourceTable::new();
        table.set_max_capacity(options.handles_max);
        Self {
            limits: Limits::new(options, shared.guest_memory.share(&caller)),
            caller,
            table,
            log: LogBudget::new(options, run.as_ref()),
            time_and_chance: TimeAndChance::default(),
            run: run.map(Box::new),
            ended: None,
            #[cfg(feature = "memory-audit")]
            audit: crate::memory_audit::MemoryAudit::new(options),
        }
    }

    /// Passed at every entry into a host function, and when the call is over: whoever holds the
    /// state knows that the guest stands still.
    pub(crate) fn at_rest(&mut self) -> &mut Self {
        #[cfg(feature = "memory-audit")]
        self.audit.observe();
        self
    }

    /// Bytes that look like chance, and are the same when the run is repeated.
    pub(crate) fn draw(&mut self, count: usize) -> Vec<u8> {
        let Self { run, time_and_chance, .. } = self.at_rest();
        // Without a run nothing depends on it but that it repeats.
        let key = || match run {
            Some(run) => run.sequence_key(),
            None => [0; 32],
        };
        time_and_chance.draw(key, count)
    }

    /// What the host functions of a run need.
    ///
    /// # Errors
    /// Ends the call when it has no capability.
    pub(crate) fn run(&mut self) -> wasmtime::Result<&mut RunState> {
        match self.run {
            Some(ref mut run) => Ok(run),
            None => {
                self.ended.get_or_insert_with(|| {
                    let detail = "describe and validate may call nothing but the log";
                    Stop::failed(FailureCode::NotGranted, detail)
                });
                Err(Ended.into())
            }
        }
    }

    /// The same, beside the table of resources.
    pub(crate) fn parts(&mut self) -> wasmtime::Result<(&mut RunState, &ResourceTable)> {
        self.run()?;
        match self.run {
            Some(ref mut run) => Ok((run, &self.table)),
            None => Err(Ended.into()),
        }
    }

    /// Unwraps what a host function came to, or ends the call.
    pub(crate) fn or_end<T>(&mut self, result: Result<T, Stop>) -> wasmtime::Result<T> {
        result.map_err(|stop| {
            // The first reason is the reason.
            self.ended.get_or_insert(stop);
            Ended.into()
        })
    }

    /// Takes the state apart when the call is over.
    pub(crate) fn finish(self) -> (Option<Box<RunState>>, ResourceTable, Option<Stop>) {
        (self.run, self.table, self.ended)
    }
}
