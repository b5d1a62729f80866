//! Limits that cannot be enforced as they are set. A host with one does not start: a limit that
//! is told and does not hold is worse than none.

use std::fmt::Display;
use std::time::Duration;

use super::Options;
use crate::error::Error;

/// A 32-bit memory has no more.
const MEMORY_BYTES: usize = 4 << 30;
/// One page: less holds no memory at all.
const PAGE_BYTES: usize = 64 << 10;
/// A guest that yields less often than this holds a worker for too long.
const TICK: Duration = Duration::from_secs(1);

impl Options {
    /// Finds the first limit that cannot be enforced.
    ///
    /// # Errors
    /// [`Error::Limit`], with its name.
    pub fn check(&self) -> Result<(), Error> {
        self.nothing_is_zero()?;
        let memory = self.memory_bytes_max;
        within("memory_bytes_max", memory, PAGE_BYTES, MEMORY_BYTES)?;
        let (all, one) = (self.guest_memory_bytes(), self.call_memory_bytes());
        if all < one {
            return refused(
                "guest_memory_bytes_max",
                format!("{all} bytes do not hold the {one} bytes that one call may have"),
            );
        }
        if self.epoch_tick > TICK {
            return refused("epoch_tick", "a guest must be made to yield once a second or oftener");
        }
        if self.processor_time_max < self.epoch_tick * 2 {
            return refused(
                "processor_time_max",
                format!("it is looked at every {:?}; give it two of that", self.epoch_tick),
            );
        }
        within("heavy_calls_max", self.heavy_calls(), 1, self.workers)
    }

    fn nothing_is_zero(&self) -> Result<(), Error> {
        let counts = [
            ("workers", self.workers),
            ("instances_max", self.instances_max as usize),
            ("table_elements_max", self.table_elements_max),
            ("memories_max", self.memories_max as usize),
            ("tables_max", self.tables_max as usize),
            ("core_instances_max", self.core_instances_max as usize),
            ("stack_bytes_max", self.stack_bytes_max),
            ("hostcall_bytes_max", self.hostcall_bytes_max),
            ("handles_max", self.handles_max),
            ("calls_waiting_max", self.calls_waiting_max),
            ("component_bytes_max", self.component_bytes_max),
            ("compilations_max", self.compilations_max),
            ("plan_entries_max", self.plan_entries_max),
            ("calls_max", self.calls_max),
            ("attempts_default", usize::from(self.attempts_default)),
            ("held_bytes_max", self.held_bytes_max),
            ("values_max", self.values_max),
            ("read_bytes_max", self.read_bytes_max as usize),
            ("records_max", self.records_max),
        ];
        let times = [
            ("epoch_tick", self.epoch_tick),
            ("processor_time_max", self.processor_time_max),
            ("compiler_timeout", self.compiler_timeout),
            ("call_timeout", self.call_timeout),
            ("attempt_timeout", self.attempt_timeout),
        ];
        let counts = counts.into_iter().filter(|(_, count)| *count == 0).map(|(name, _)| name);
        let times = times.into_iter().filter(|(_, time)| time.is_zero()).map(|(name, _)| name);
        counts.chain(times).next().map_or(Ok(()), |name| refused(name, "nothing could run with 0"))
    }
}

fn within<T: PartialOrd + Display>(
    name: &'static str,
    value: T,
    least: T,
    most: T,
) -> Result<(), Error> {
    if value >= least && value <= most {
        return Ok(());
    }
    refused(name, format!("{value} is not within {least} and {most}"))
}

fn refused(name: &'static str, problem: impl Into<String>) -> Result<(), Error> {
    Err(Error::Limit { name, problem: problem.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(change: impl FnOnce(&mut Options)) -> Option<&'static str> {
        let mut options = Options { workers: 2, ..Options::default() };
        change(&mut options);
        match options.check() {
            Ok(()) => None,
            Err(Error::Limit { name, .. }) => Some(name),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn the_defaults_can_be_enforced() {
        assert_eq!(refused(|_| ()), None);
        Options::default().check().unwrap();
    }

    #[test]
    fn a_limit_that_cannot_be_enforced_is_refused_by_its_name() {
        assert_eq!(refused(|o| o.calls_max = 0), Some("calls_max"));
        assert_eq!(refused(|o| o.instances_max = 0), Some("instances_max"));
        assert_eq!(refused(|o| o.epoch_tick = Duration::ZERO), Some("epoch_tick"));
        assert_eq!(refused(|o| o.epoch_tick = Duration::from_secs(2)), Some("epoch_tick"));
        let short =
            |o: &mut Options| o.processor_time_max = o.epoch_tick * 2 - Duration::from_nanos(1);
        assert_eq!(refused(short), Some("processor_time_max"));
        assert_eq!(refused(|o| o.memory_bytes_max = 1), Some("memory_bytes_max"));
        assert_eq!(refused(|o| o.memory_bytes_max = 5 << 30), Some("memory_bytes_max"));
        let less = |o: &mut Options| o.guest_memory_bytes_max = Some(o.call_memory_bytes() - 1);
        assert_eq!(refused(less), Some("guest_memory_bytes_max"));
        assert_eq!(refused(|o| o.heavy_calls_max = Some(0)), Some("heavy_calls_max"));
        assert_eq!(refused(|o| o.heavy_calls_max = Some(3)), Some("heavy_calls_max"));
    }
}
