//! The calls of a run: its journal, where new lines go, and the host's own report of each call.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use cordon_model::journal::{Journal, JournalEntry};
use cordon_model::port::JournalSink;
use cordon_model::task::CallReport;
use cordon_model::{FailureCode, TaskId};
use tokio::time::Instant;

use super::Stop;

/// The calls of a run.
pub(crate) struct Calls {
    pub(crate) journal: Journal,
    /// Whose calls they are; None in a test of a connection, which journals nothing.
    pub(crate) task: Option<TaskCalls>,
    reports: Vec<CallReport>,
    occurrences: HashMap<String, u32>,
    current: Option<InFlight>,
    max: usize,
}

/// What the calls of a task have that those of a test have not.
pub(crate) struct TaskCalls {
    pub(crate) task: TaskId,
    pub(crate) segment: u32,
    pub(crate) sink: Arc<dyn JournalSink>,
}

/// A call that is going on.
pub(crate) struct InFlight {
    label: String,
    pub(crate) occurrence: u32,
    started: Instant,
    pub(crate) attempts: u8,
    pub(crate) status: Option<u16>,
    pub(crate) response_bytes: u64,
    /// Bytes of a call that must not be sent twice may be out. Whatever ends the run now leaves
    /// it in doubt.
    pub(crate) exposed: bool,
}

impl Calls {
    pub(crate) fn new(journal: Journal, task: Option<TaskCalls>, max: usize) -> Self {
        Self { journal, task, reports: Vec::new(), occurrences: HashMap::new(), current: None, max }
    }

    /// A call begins.
    pub(crate) fn begin(&mut self, label: &str) -> Result<(), Stop> {
        if self.reports.len() >= self.max {
            return Err(Stop::failed(FailureCode::LimitReached, "the run makes too many calls"));
        }
        let next = self.occurrences.entry(label.to_owned()).or_default();
        self.current = Some(InFlight {
            label: label.to_owned(),
            occurrence: *next,
            started: Instant::now(),
            attempts: 0,
            status: None,
            response_bytes: 0,
            exposed: false,
        });
        *next += 1;
        Ok(())
    }

    /// The call that is going on.
    pub(crate) const fn current(&mut self) -> Option<&mut InFlight> {
        self.current.as_mut()
    }

    /// The call that is going on ends: `success`, `replayed`, or a code.
    pub(crate) fn end(&mut self, outcome: &str) {
        let Some(call) = self.current.take() else { return };
        self.reports.push(CallReport {
            label: call.label,
            occurrence: call.occurrence,
            status: call.status,
            outcome: outcome.to_owned(),
            attempts: call.attempts,
            response_bytes: call.response_bytes,
            duration_ms: millis(call.started.elapsed()),
        });
    }

    /// Whether a call with this label was made.
    pub(crate) fn made(&self, label: &str) -> bool {
        self.occurrences.contains_key(label)
    }

    /// The label of the call that was cut off, if that leaves it in doubt.
    pub(crate) fn cut_off_in_doubt(&self) -> Option<&str> {
        self.current.as_ref().filter(|call| call.exposed).map(|call| call.label.as_str())
    }

    /// The reports, when the run is over. `cut_off` is the outcome of a call that was going on.
    pub(crate) fn finish(mut self, cut_off: &str) -> Vec<CallReport> {
        self.end(cut_off);
        self.reports
    }

    /// Commits lines of the journal.
    pub(crate) async fn append(&self, entries: Vec<JournalEntry>) -> Result<(), Stop> {
        match &self.task {
            Some(task) if !entries.is_empty() => task
                .sink
                .append(entries)
                .await
                .map_err(|error| Stop::Host(format!("the journal cannot be written: {error}"))),
            Some(_) | None => Ok(()),
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
