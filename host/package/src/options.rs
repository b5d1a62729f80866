//! Limits of one package. Set by the operator's configuration, enforced while a package is made.

/// How large a package may become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Files in one package. Default: 20 000, which is 10 000 records.
    pub files_max: u32,
    /// Bytes of all files of one package together, before they are compressed. A package is made
    /// in memory, so this bounds memory too. Default: 256 MiB.
    pub bytes_max: u64,
    /// Rows of one CSV file. Default: 1 000 000, just below what a spreadsheet opens.
    pub rows_per_file_max: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { files_max: 20_000, bytes_max: 256 * 1024 * 1024, rows_per_file_max: 1_000_000 }
    }
}
