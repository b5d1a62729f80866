//! Why the store cannot be opened or closed, and how redb's errors become the port's.

use std::io;
use std::path::{Path, PathBuf};

use cordon_model::commit::{CommitError, StoreError};

/// Why the store cannot be opened or closed. One line each, for a person who operates the host.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process, or another handle of this one, has it open.
    #[error("{} is in use by another process", .0.display())]
    Locked(PathBuf),
    /// The file is no database, ends early, or its checksums do not match. It is left as it is.
    #[error("{} is damaged and was left as it is; restore it from a backup ({detail})", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What was found.
        detail: String,
    },
    /// The account this process runs under may not read or write it.
    #[error("no permission to read and write {}", .0.display())]
    NoPermission(PathBuf),
    /// No space is left.
    #[error("the disk that holds {} is full", .0.display())]
    DiskFull(PathBuf),
    /// There is a database, and not the key that opens it. None is ever made in its place.
    #[error("{} is missing; without it the database beside it cannot be opened", .0.display())]
    RootKeyMissing(PathBuf),
    /// The root key file does not hold a key.
    #[error("{} must hold 32 bytes, or 64 hexadecimal digits", .0.display())]
    RootKeyInvalid(PathBuf),
    /// Others may read the root key.
    #[error("{} has mode {mode:04o}; it must not be readable by group or others (chmod 600)", path.display())]
    RootKeyExposed {
        /// Which file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The root key is a good one, of another database.
    #[error("{} was sealed with another root key than the one beside it", .0.display())]
    OtherRootKey(PathBuf),
    /// A newer version of Cordon wrote it.
    #[error("{} has format version {found}; this build knows versions up to {known}", path.display())]
    UnknownFormat {
        /// Which file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The newest version this build knows.
        known: u32,
    },
    /// The operating system has no random numbers.
    #[error("the operating system gives no random numbers")]
    NoRandomness,
    /// Anything else the operating system said.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which file or directory.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
}

impl Error {
    /// An I/O error at a path.
    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::NoPermission(path)
            }
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull(path),
            io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData => {
                Self::Damaged { path, detail: source.to_string() }
            }
            _ => Self::Io { path, source },
        }
    }

    /// What redb said about the file at `path`.
    pub(crate) fn redb(path: &Path, error: redb::Error) -> Self {
        let path = path.to_owned();
        match error {
            redb::Error::DatabaseAlreadyOpen | redb::Error::LockProtocolMismatch => {
                Self::Locked(path)
            }
            redb::Error::Io(source) => Self::io(&path, source),
            other => Self::Damaged { path, detail: other.to_string() },
        }
    }
}

/// What redb said while the store was in use. The cause goes to the log, which holds no content:
/// redb knows pages, not what stands on them.
pub(crate) fn failed(error: impl Into<redb::Error>) -> StoreError {
    let error: redb::Error = error.into();
    tracing::error!(error = %error, "the database failed");
    match error {
        redb::Error::Corrupted(_) => StoreError::Damaged("the database file".to_owned()),
        redb::Error::Io(source) => match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => unavailable("disk full"),
            io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData => {
                StoreError::Damaged("the database file".to_owned())
            }
            kind => unavailable(&format!("I/O error, {kind}")),
        },
        redb::Error::PreviousIo => unavailable("an earlier I/O error; restart the host"),
        redb::Error::DatabaseClosed => closed(),
        _ => unavailable("the database refused the operation"),
    }
}

/// An I/O error of a sealed file.
pub(crate) fn file_failed(error: &io::Error) -> StoreError {
    tracing::error!(error = %error, "a sealed file failed");
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => unavailable("disk full"),
        kind => unavailable(&format!("a sealed file, {kind}")),
    }
}

/// The store is closed.
pub(crate) fn closed() -> StoreError {
    unavailable("it is closed")
}

/// The store cannot do its part.
pub(crate) fn unavailable(why: &str) -> StoreError {
    StoreError::Unavailable(why.to_owned())
}

/// The same error once more, for every other commit of a batch that failed as a whole.
pub(crate) fn again(error: &StoreError) -> CommitError {
    CommitError::Store(match error {
        StoreError::Unavailable(why) => StoreError::Unavailable(why.clone()),
        StoreError::Damaged(what) => StoreError::Damaged(what.clone()),
    })
}
