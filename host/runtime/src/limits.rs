//! What one call may allocate, over everything it allocates, and its share of what all calls may.
//!
//! wasmtime's own `StoreLimits` counts each memory and each table alone, so a component with
//! many small ones passes it. Growth beyond a limit traps: an answer of -1 would let a guest
//! behave differently on a host that is short of memory, and a run must repeat itself exactly.
//! Which limit it was decides who is to blame: beyond its own the call failed, beyond what its
//! tenant or the host has left the host ends it (`Shortage`), to be done again later.

use wasmtime::ResourceLimiter;

use crate::guest_memory::Share;
use crate::options::{Options, table_bytes};

/// The limiter of one call.
#[derive(Debug)]
pub(crate) struct Limits {
    memory_used: usize,
    memory_left: usize,
    elements_left: usize,
    share: Share,
    instances_max: usize,
    tables_max: usize,
    memories_max: usize,
}

/// A guest wanted more than it may have. Thrown through the guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LimitReached {
    /// Linear memory.
    #[error("the memory of a call is used up")]
    Memory,
    /// Table elements.
    #[error("the table elements of a call are used up")]
    TableElements,
}

impl Limits {
    pub(crate) fn new(options: &Options, share: Share) -> Self {
        let alone = usize::try_from(share.bytes_max()).unwrap_or(usize::MAX);
        Self {
            memory_used: 0,
            memory_left: options.memory_bytes_max.min(alone),
            elements_left: options.table_elements_max,
            share,
            instances_max: options.core_instances_max as usize,
            tables_max: options.tables_max as usize,
            memories_max: options.memories_max as usize,
        }
    }

    /// Linear memory in bytes, over all memories. A memory never shrinks, so this is its peak.
    pub(crate) const fn memory_used(&self) -> usize {
        self.memory_used
    }

    /// What the call could not have if it were alone is beyond its own limit; everything else is
    /// a matter of when.
    fn take_share(&mut self, bytes: u64, beyond: LimitReached) -> wasmtime::Result<()> {
        if !self.share.could_ever_take(bytes) {
            return Err(beyond.into());
        }
        Ok(self.share.take(bytes)?)
    }
}

/// Takes `desired - current` out of `left`.
fn take(left: &mut usize, current: usize, desired: usize) -> Option<()> {
    *left = left.checked_sub(desired.saturating_sub(current))?;
    Some(())
}

impl ResourceLimiter for Limits {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        take(&mut self.memory_left, current, desired).ok_or(LimitReached::Memory)?;
        let more = desired.saturating_sub(current);
        self.take_share(more as u64, LimitReached::Memory)?;
        self.memory_used += more;
        Ok(true)
    }

    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        Err(LimitReached::Memory.into())
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        take(&mut self.elements_left, current, desired).ok_or(LimitReached::TableElements)?;
        let more = table_bytes(desired.saturating_sub(current));
        self.take_share(more, LimitReached::TableElements)?;
        Ok(true)
    }

    fn table_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        Err(LimitReached::TableElements.into())
    }

    fn instances(&self) -> usize {
        self.instances_max
    }

    fn tables(&self) -> usize {
        self.tables_max
    }

    fn memories(&self) -> usize {
        self.memories_max
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::caller::Caller;
    use crate::guest_memory::{GuestMemory, Shortage};

    fn limits() -> Limits {
        of(&GuestMemory::new(1_000), u64::MAX)
    }

    fn of(memory: &Arc<GuestMemory>, memory_bytes_max: u64) -> Limits {
        let caller = Caller { memory_bytes_max, ..Caller::admitting(None) };
        let options =
            Options { memory_bytes_max: 100, table_elements_max: 10, ..Options::default() };
        Limits::new(&options, memory.share(&caller))
    }

    #[test]
    fn memories_are_counted_together() {
        let mut limits = limits();
        assert!(limits.memory_growing(0, 60, None).is_ok());
        assert!(limits.memory_growing(60, 80, None).is_ok());
        let error = limits.memory_growing(0, 21, None).unwrap_err();
        assert_eq!(error.downcast_ref(), Some(&LimitReached::Memory));
        assert!(limits.memory_growing(0, 20, None).is_ok());
        assert_eq!(limits.memory_used(), 100, "what was refused was not used");
    }

    #[test]
    fn tables_are_counted_together() {
        let mut limits = limits();
        assert!(limits.table_growing(0, 10, None).is_ok());
        let error = limits.table_growing(0, 1, None).unwrap_err();
        assert_eq!(error.downcast_ref(), Some(&LimitReached::TableElements));
    }

    #[test]
    fn what_others_hold_is_no_fault_of_the_call() {
        let memory = GuestMemory::new(120);
        let mut first = of(&memory, 500);
        let mut second = of(&memory, 500);
        assert!(first.memory_growing(0, 100, None).is_ok());
        let error = second.memory_growing(0, 21, None).unwrap_err();
        assert_eq!(error.downcast_ref(), Some(&Shortage::OfHost));
        drop(first);
        assert!(second.memory_growing(0, 100 - 21, None).is_ok());
    }

    #[test]
    fn a_call_that_would_not_fit_alone_reached_its_own_limit() {
        let mut limits = of(&GuestMemory::new(1_000), 50);
        let error = limits.memory_growing(0, 51, None).unwrap_err();
        assert_eq!(error.downcast_ref(), Some(&LimitReached::Memory));
        let mut limits = of(&GuestMemory::new(1_000), 50);
        let error = limits.table_growing(0, 7, None).unwrap_err();
        assert_eq!(error.downcast_ref(), Some(&LimitReached::TableElements));
    }
}
