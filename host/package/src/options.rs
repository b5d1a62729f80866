//! Limits of one package. Set by the operator's configuration, enforced while a package is made.

/// How large a package may become, and how much of it the page shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Files in one package. Default: 100 000, which is just under 50 000 records.
    pub files_max: u32,
    /// Bytes of all files of one package together, before they are compressed. The zip is made
    /// in memory, so this bounds memory too. Default: 256 MiB.
    pub bytes_max: u64,
    /// Rows of one CSV file. Default: 1 000 000, just below what a spreadsheet opens.
    pub rows_per_file_max: u32,
    /// Longest name of a file that a person supplied, in bytes, without the number in front.
    /// Longer ones are shortened and keep their extension. Default: 120, well below what file
    /// systems take, since people unpack into long paths.
    pub file_name_bytes_max: usize,
    /// Values that `index.html` shows, over all tables. What is beyond it is in the CSV and JSON
    /// files, and the page says so. Default: 5 000, which a phone still scrolls.
    pub page_rows_max: usize,
    /// Bytes of names and values that `index.html` shows, before they are escaped.
    /// Default: 4 MiB.
    pub page_text_bytes_max: usize,
    /// Characters of one name or value that `index.html` shows. Default: 2 000.
    pub page_value_chars_max: usize,
    /// Files that `index.html` lists with their digests; the manifest lists all.
    /// Default: 1 000.
    pub page_files_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            files_max: 100_000,
            bytes_max: 256 * 1024 * 1024,
            rows_per_file_max: 1_000_000,
            file_name_bytes_max: 120,
            page_rows_max: 5_000,
            page_text_bytes_max: 4 * 1024 * 1024,
            page_value_chars_max: 2_000,
            page_files_max: 1_000,
        }
    }
}
