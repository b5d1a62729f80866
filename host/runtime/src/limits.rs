//! What one call may allocate, over everything it allocates.
//!
//! wasmtime's own `StoreLimits` counts each memory and each table alone, so a component with
//! many small ones passes it. Growth beyond a limit traps: an answer of -1 would let a guest
//! behave differently on a host that is short of memory, and a run must repeat itself exactly.

use wasmtime::ResourceLimiter;

use crate::options::Options;

/// The limiter of one call.
#[derive(Debug)]
pub(crate) struct Limits {
    memory_used: usize,
    memory_left: usize,
    elements_left: usize,
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
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            memory_used: 0,
            memory_left: options.memory_bytes_max,
            elements_left: options.table_elements_max,
            instances_max: options.core_instances_max as usize,
            tables_max: options.tables_max as usize,
            memories_max: options.memories_max as usize,
        }
    }

    /// Linear memory in bytes, over all memories. A memory never shrinks, so this is its peak.
    pub(crate) const fn memory_used(&self) -> usize {
        self.memory_used
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
        self.memory_used += desired.saturating_sub(current);
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
    use super::*;

    fn limits() -> Limits {
        Limits::new(&Options {
            memory_bytes_max: 100,
            table_elements_max: 10,
            ..Options::default()
        })
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
}
