//! Why a destination cannot be used, or a package cannot be made. Names limits and causes, never
//! a key or a value of the records.

use cordon_model::port::PackageError;

/// What can go wrong in this crate, before it is told to the caller of the port.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The directory of a local destination cannot be created or opened.
    #[error("the directory of the destination cannot be used: {0}")]
    Directory(#[source] std::io::Error),
    /// The object store refuses the directory.
    #[error("the directory of the destination cannot be used: {0}")]
    Destination(#[source] object_store::Error),
    /// Over `Options::files_max`.
    #[error("more than {0} files")]
    TooManyFiles(u32),
    /// Over `Options::bytes_max`.
    #[error("more than {0} bytes before compression")]
    TooManyBytes(u64),
    /// Over `Options::rows_per_file_max`.
    #[error("more than {0} rows in one file")]
    TooManyRows(u32),
    /// A CSV file could not be written.
    #[error("a CSV file could not be written: {0}")]
    Csv(#[from] csv::Error),
    /// The manifest or the identities could not be written.
    #[error("a JSON file could not be written: {0}")]
    Json(#[from] serde_json::Error),
    /// The zip could not be written.
    #[error("the zip could not be written: {0}")]
    Zip(#[from] zip::result::ZipError),
    /// A file could not be written into the zip.
    #[error("a file could not be written: {0}")]
    File(#[from] std::io::Error),
}

impl From<Error> for PackageError {
    fn from(error: Error) -> Self {
        match &error {
            Error::TooManyFiles(_) | Error::TooManyBytes(_) | Error::TooManyRows(_) => {
                Self::TooLarge(error.to_string())
            }
            Error::Directory(_)
            | Error::Destination(_)
            | Error::Csv(_)
            | Error::Json(_)
            | Error::Zip(_)
            | Error::File(_) => Self::Unavailable(error.to_string()),
        }
    }
}
