//! Limits of the kernel and of this process.

use std::fs;

use cordon_runtime::Options;
use rustix::process::{Resource, getrlimit};

use super::Finding;

/// Memory mappings of one call: its memories, tables and stack, each with its guards (measured).
const MAPPINGS_PER_CALL: u64 = 6;
/// Mappings of everything else.
const MAPPINGS_BESIDE: u64 = 5_000;
/// Open files of one call: its connection, and one that is kept for the next.
const FILES_PER_CALL: u64 = 2;
/// Open files of everything else: clients of the API, the store, packages.
const FILES_BESIDE: u64 = 1_024;

/// `vm.max_map_count`.
pub(super) fn mappings(calls: u32) -> Finding {
    const CHECK: &str = "memory mappings";
    let wanted = u64::from(calls) * MAPPINGS_PER_CALL + MAPPINGS_BESIDE;
    let text = fs::read_to_string("/proc/sys/vm/max_map_count");
    let Some(allowed) = text.ok().and_then(|text| text.trim().parse::<u64>().ok()) else {
        let remedy = format!("make sure that a process may have {wanted} memory mappings");
        return Finding::warn(CHECK, "this system does not say how many are allowed", remedy);
    };
    let found = format!("{allowed} allowed, {wanted} wanted for {calls} calls");
    if allowed >= wanted {
        return Finding::ok(CHECK, found);
    }
    Finding::fail(CHECK, found, format!("run: sysctl -w vm.max_map_count={wanted}"))
}

/// `ulimit -n`.
pub(super) fn open_files(calls: u32) -> Finding {
    const CHECK: &str = "open files";
    let wanted = u64::from(calls) * FILES_PER_CALL + FILES_BESIDE;
    let limit = getrlimit(Resource::Nofile);
    let Some(allowed) = limit.current else { return Finding::ok(CHECK, "no limit") };
    let found = format!("{allowed} allowed, {wanted} wanted for {calls} calls");
    if allowed >= wanted {
        return Finding::ok(CHECK, found);
    }
    let remedy = format!("run: ulimit -n {wanted} (systemd: LimitNOFILE={wanted})");
    Finding::fail(CHECK, found, remedy)
}

/// Memory that can be had, against what every call at the same time may take.
pub(super) fn memory(options: &Options) -> Finding {
    const CHECK: &str = "memory";
    let most = options.guest_memory_bytes();
    let Some(available) = available_memory() else {
        let remedy = "make sure that there is memory for as many calls as may run";
        return Finding::warn(CHECK, "this system does not say how much is free", remedy);
    };
    let mib = |bytes: u64| bytes >> 20;
    let found = format!(
        "{} MiB free; connectors may take up to {} MiB together",
        mib(available),
        mib(most)
    );
    if available >= most {
        return Finding::ok(CHECK, found);
    }
    let remedy = "connectors seldom take what they may; give the machine more memory, or lower \
                  the number of instances, when they do";
    Finding::warn(CHECK, found, remedy)
}

fn available_memory() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn more_calls_than_the_kernel_has_mappings_for_fail_with_the_command_that_helps() {
        let finding = mappings(u32::MAX);
        assert_eq!(finding.verdict, Verdict::Fail);
        assert!(finding.remedy.unwrap().contains("vm.max_map_count="));
    }

    #[test]
    fn more_calls_than_there_are_files_for_fail_with_the_command_that_helps() {
        let finding = open_files(u32::MAX);
        assert_eq!(finding.verdict, Verdict::Fail);
        assert!(finding.remedy.unwrap().contains("ulimit -n"));
    }
}
