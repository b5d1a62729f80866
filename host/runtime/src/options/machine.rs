//! How much memory guests may have together, where nobody said it.

use std::fs;

use super::Options;

/// Where the machine does not say what it has.
const UNKNOWN_MACHINE: u64 = 4 << 30;

/// An element of a table is a pointer.
const TABLE_ELEMENT_BYTES: u64 = size_of::<usize>() as u64;

impl Options {
    /// The linear memory and the tables of one call, at most. No tenant can be given less: a call
    /// of its own would never fit.
    pub const fn call_memory_bytes(&self) -> u64 {
        let tables = self.table_elements_max as u64 * TABLE_ELEMENT_BYTES;
        (self.memory_bytes_max as u64).saturating_add(tables)
    }

    /// The linear memory and the tables of all calls at the same time, at most: as it was set, or
    /// else what all instances may take or half of the machine's memory, whichever is less. One
    /// call always fits.
    pub fn guest_memory_bytes(&self) -> u64 {
        self.guest_memory_bytes_max.unwrap_or_else(|| {
            let call = self.call_memory_bytes();
            let all = call.saturating_mul(u64::from(self.instances_max));
            all.min(machine_memory().unwrap_or(UNKNOWN_MACHINE) / 2).max(call)
        })
    }
}

/// Bytes that a table with so many elements takes.
pub(crate) const fn table_bytes(elements: usize) -> u64 {
    (elements as u64).saturating_mul(TABLE_ELEMENT_BYTES)
}

fn machine_memory() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_set_is_as_much_as_all_may_take_and_never_less_than_one_call() {
        let few = Options { instances_max: 2, memory_bytes_max: 1 << 20, ..Options::default() };
        assert_eq!(few.guest_memory_bytes(), 2 * few.call_memory_bytes());
        let vast = Options { memory_bytes_max: usize::MAX / 2, ..Options::default() };
        assert_eq!(vast.guest_memory_bytes(), vast.call_memory_bytes());
        let set = Options { guest_memory_bytes_max: Some(7), ..Options::default() };
        assert_eq!(set.guest_memory_bytes(), 7);
    }
}
