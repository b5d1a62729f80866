//! A process of its own for each run: files, threads and memory belong to a process, and other
//! tests open and close theirs beside it.

use std::future::Future;
use std::process::Command;

/// Set in the process of a run.
const ALONE: &str = "CORDON_TORTURE_ALONE";
/// How many calls: a number, or `full`.
const CALLS: &str = "CORDON_TORTURE";

/// The allocator gives back what is freed, so that what a process holds is what it did not free:
/// by default each thread has an arena of its own, which keeps most of what it ever had.
const ALLOCATOR: [(&str, &str); 3] = [
    ("MALLOC_ARENA_MAX", "1"),
    ("MALLOC_MMAP_THRESHOLD_", "65536"),
    ("MALLOC_TRIM_THRESHOLD_", "65536"),
];

/// How many calls a run makes: `usual`, unless somebody asks for `full` or for another number.
/// The only place that reads it.
pub(super) fn calls(usual: usize, full: usize) -> usize {
    match std::env::var_os(CALLS) {
        None => usual,
        Some(asked) if asked == "full" => full,
        Some(asked) => asked.to_str().and_then(|asked| asked.parse().ok()).expect("a number"),
    }
}

/// Starts this program again for one test, and does its work there. `name` is the whole name of
/// the test; what the other process prints is printed here too.
pub(super) fn run(name: &str, work: impl Future<Output = ()>) {
    if std::env::var_os(ALONE).is_some() {
        let mut threads = tokio::runtime::Builder::new_multi_thread();
        return threads.worker_threads(2).enable_all().build().unwrap().block_on(work);
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(ALONE, "1")
        .envs(ALLOCATOR)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    print!("{said}");
    let why = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{:?}: {said}{why}", output.status);
    assert!(said.contains("1 passed"), "there is no test {name}: {said}");
}
