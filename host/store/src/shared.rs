//! What the handle, the writer and every read share.

use std::sync::{PoisonError, RwLock};

use cordon_model::commit::StoreError;
use redb::{Database, ReadableDatabase as _};

use crate::blob::Blobs;
use crate::error::{closed, failed};
use crate::options::Options;
use crate::seal::keyring::Keyring;
use crate::snapshot::Snapshot;
use crate::writer::Queue;

/// What the handle, the writer and every read share.
pub(crate) struct Shared {
    /// None: closed. The lock is held only to begin a transaction, which lives on without it.
    pub(crate) database: RwLock<Option<Database>>,
    pub(crate) keyring: Keyring,
    pub(crate) blobs: Blobs,
    pub(crate) queue: Queue,
    pub(crate) options: Options,
}

impl Shared {
    /// Uses the database, unless it is closed.
    pub(crate) fn with_database<T>(
        &self,
        using: impl FnOnce(&Database) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        using(database.as_ref().ok_or_else(closed)?)
    }

    /// What every commit that was acknowledged until now comes to.
    pub(crate) fn snapshot(&self) -> Result<Snapshot, StoreError> {
        self.with_database(|database| database.begin_read().map(Snapshot::new).map_err(failed))
    }
}
