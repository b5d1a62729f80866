//! What a process holds of the system.

use std::fmt;
use std::fs;

/// Threads for blocking work come and go.
const THREADS_SLACK: u64 = 8;

/// At one moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gauges {
    pub(super) resident_kib: u64,
    pub(super) files: usize,
    pub(super) threads: u64,
    /// Of memory: instances, code and stacks each take some.
    pub(super) mappings: usize,
}

impl Gauges {
    /// Of this process.
    pub(super) fn now() -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let number = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.split_ascii_whitespace().next().unwrap().parse().unwrap()
        };
        Self {
            resident_kib: number("VmRSS:"),
            files: fs::read_dir("/proc/self/fd").unwrap().count(),
            threads: number("Threads:"),
            mappings: fs::read_to_string("/proc/self/maps").unwrap().lines().count(),
        }
    }

    /// Nothing grew: files not at all, threads by those that wait for blocking work for a while,
    /// mappings by places of the pool that were never used before, memory by what an allocator
    /// may keep back.
    pub(super) fn assert_flat_since(&self, before: &Self) {
        let told = || format!("{before} -> {self}");
        assert!(self.files <= before.files, "files: {}", told());
        assert!(self.threads <= before.threads + THREADS_SLACK, "threads: {}", told());
        let most = before.mappings + before.mappings / 4 + 64;
        assert!(self.mappings <= most, "mappings: {}", told());
        let most = before.resident_kib + before.resident_kib / 10 + 16 * 1024;
        assert!(self.resident_kib <= most, "memory: {}", told());
    }
}

impl fmt::Display for Gauges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { resident_kib, files, threads, mappings } = self;
        write!(f, "rss_kib={resident_kib} fds={files} threads={threads} mappings={mappings}")
    }
}
