//! What can be set about the store, and every limit it keeps.

use std::path::PathBuf;

use cordon_turns::Processors;

/// What can be set about the store. Every limit has a name here.
#[derive(Debug, Clone)]
pub struct Options {
    /// The data directory. Holds `cordon.redb`, `root.key` and `blobs/`; made when it is not there.
    pub directory: PathBuf,
    /// Most commits in one transaction. Default 256.
    pub batch_commits_max: usize,
    /// Most commits of one tenant in one transaction. Who is alone waits a little longer for a long
    /// line of its own; everybody else waits for so many of it at most, twice. Default 8.
    pub batch_commits_per_tenant_max: usize,
    /// Most commits that wait for the writer; more wait in their callers. Default 1024.
    pub queue_commits_max: usize,
    /// Records, a body or a given file of more bytes than this go to a sealed file. Default 64 KiB.
    pub inline_bytes_max: usize,
    /// Pages of the database that are kept in memory, in bytes. Default 64 MiB.
    pub cache_bytes: usize,
    /// A database file of at most this many bytes is read and checked whole at every start.
    /// Default 64 MiB, about 0.1 s. A larger one is trusted after a clean stop, so that a start
    /// stays quick, and checked after a crash.
    pub check_at_start_bytes_max: u64,
    /// Most index rows that one page of a filtered list looks at; a page may then be short, or
    /// empty, and still have a next one. Default 10 000.
    pub list_scan_max: usize,
    /// Most tenants whose opened keys are kept in memory. Default 10 000.
    pub tenant_keys_cached_max: usize,
    /// Most forgotten answers that are removed in one go. Default 1000.
    pub forget_max: usize,
    /// Where reads and preparations take turns. Default: those of the machine, for the store alone.
    pub processors: Processors,
}

impl Options {
    /// Every default, for a data directory.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            batch_commits_max: 256,
            batch_commits_per_tenant_max: 8,
            queue_commits_max: 1024,
            inline_bytes_max: 64 * 1024,
            cache_bytes: 64 * 1024 * 1024,
            check_at_start_bytes_max: 64 * 1024 * 1024,
            list_scan_max: 10_000,
            tenant_keys_cached_max: 10_000,
            forget_max: 1000,
            processors: Processors::of_the_machine(),
        }
    }
}
