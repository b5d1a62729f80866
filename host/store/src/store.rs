//! The handle: what implements the ports.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;

use cordon_model::TenantId;
use cordon_model::commit::{Commit, CommitError, StoreError};
use cordon_turns::{Ended, Processors};
use tokio::sync::oneshot;

use crate::apply::{Erase, Forget, Preparing};
use crate::blob::Blobs;
use crate::error::{Error, unavailable};
use crate::open::{Opened, open};
use crate::options::Options;
use crate::read::View;
use crate::seal::keyring::Keyring;
use crate::shared::Shared;
use crate::sweep;
use crate::writer::{self, Job, Queue};

/// The store, on one redb file. Closed by [`RedbStore::close`] or when dropped.
pub struct RedbStore {
    shared: Arc<Shared>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl std::fmt::Debug for RedbStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedbStore").finish_non_exhaustive()
    }
}

impl RedbStore {
    /// Opens the data directory, or makes it. Blocks for as long as the check of the file takes.
    ///
    /// # Errors
    /// See [`Error`]. Whatever is there stays as it is.
    pub fn open(options: Options) -> Result<Self, Error> {
        let Opened { database, root, blobs } = open(&options)?;
        let shared = Arc::new(Shared {
            database: RwLock::new(Some(database)),
            keyring: Keyring::new(&root, options.tenant_keys_cached_max),
            blobs: Blobs::new(blobs),
            queue: Queue::new(options.queue_commits_max),
            options,
        });
        sweep::components(&shared);
        let of_writer = Arc::clone(&shared);
        let writer = std::thread::Builder::new()
            .name("cordon-store".to_owned())
            .spawn(move || writer::run(&of_writer))
            .map_err(|error| Error::io(&shared.options.directory, error))?;
        Ok(Self { shared, writer: Mutex::new(Some(writer)) })
    }

    /// A key for a part of the host that keeps something of its own, derived from the root key.
    /// The same purpose gives the same key for as long as the root key lives.
    pub fn derive_key(&self, purpose: &str) -> [u8; 32] {
        self.shared.keyring.outside(purpose)
    }

    /// Finishes what is queued, stops the writer and closes the file. Blocks until that is done;
    /// doing it again is nothing. Everything asked of the store afterwards is refused.
    ///
    /// # Errors
    /// When the file could not be closed cleanly. Nothing acknowledged is lost by that; the next
    /// start checks the file.
    pub fn close(&self) -> Result<(), Error> {
        self.shared.queue.close();
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writer) = writer {
            // The writer catches its own panics; one that got away changes nothing here.
            let _ = writer.join();
        }
        let mut database = self.shared.database.write().unwrap_or_else(PoisonError::into_inner);
        let Some(database) = database.take() else { return Ok(()) };
        let path = self.shared.options.directory.join("cordon.redb");
        database.close().map_err(|error| Error::redb(&path, error.into()))
    }

    /// Applies a commit; see the port.
    pub(crate) async fn write(&self, commit: Commit) -> Result<(), CommitError> {
        let shared = Arc::clone(&self.shared);
        let tenant = commit.tenant().cloned();
        let prepared = self.blocking(tenant.clone(), move || {
            let snapshot = shared.snapshot()?;
            let inline_bytes_max = shared.options.inline_bytes_max;
            Preparing::new(&snapshot, &shared.keyring, &shared.blobs, inline_bytes_max)
                .commit(commit)
        });
        let prepared = prepared.await?;
        let (reply, answer) = oneshot::channel();
        self.shared.queue.put(Job { tenant, prepared, reply: Some(reply) }).await?;
        answer.await.unwrap_or_else(|_| Err(writer::gone()))
    }

    /// Reads from a snapshot that is taken now, when it is the tenant's turn; none: the host reads
    /// for itself.
    ///
    /// On a thread for blocking work, although most reads take microseconds: a page that is not
    /// in memory, or a list that opens two hundred requests, would hold up every other future of
    /// an async worker; and a panic over a damaged page ends there.
    pub(crate) async fn read<T, R>(
        &self,
        tenant: Option<TenantId>,
        reading: R,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        R: Fn(&View<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let shared = Arc::clone(&self.shared);
        self.blocking(tenant, move || View::read(&shared, reading)).await
    }

    /// Has the writer remove forgotten answers; waits for it when `forget` names one itself.
    pub(crate) async fn forget(&self, forget: Forget) -> Result<(), StoreError> {
        if forget.first.is_none() {
            let job = Job { tenant: None, prepared: forget.prepared(), reply: None };
            self.shared.queue.put_if_room(job);
            return Ok(());
        }
        let (reply, answer) = oneshot::channel();
        let job = Job { tenant: None, prepared: forget.prepared(), reply: Some(reply) };
        self.shared.queue.put(job).await?;
        match answer.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(CommitError::Store(error))) => Err(error),
            Ok(Err(_)) | Err(_) => Err(unavailable("answers could not be forgotten")),
        }
    }

    /// Has the writer erase something of a tenant; see the port.
    pub(crate) async fn erase(
        &self,
        tenant: TenantId,
        rows_max: usize,
    ) -> Result<bool, StoreError> {
        let (erase, is_done) = Erase::of(tenant.clone(), rows_max, self.shared.blobs.clone());
        let (reply, answer) = oneshot::channel();
        let prepared = erase.prepared();
        self.shared.queue.put(Job { tenant: Some(tenant), prepared, reply: Some(reply) }).await?;
        match answer.await {
            Ok(Ok(())) => Ok(is_done.load(Ordering::Acquire)),
            Ok(Err(CommitError::Store(error))) => Err(error),
            Ok(Err(_)) | Err(_) => Err(unavailable("a tenant could not be erased")),
        }
    }

    pub(crate) fn processors(&self) -> &Processors {
        &self.shared.options.processors
    }

    pub(crate) fn forget_max(&self) -> usize {
        self.shared.options.forget_max
    }

    /// Runs blocking work on its own thread. redb panics over some kinds of damage: that is an
    /// error like the ones that it reports.
    async fn blocking<T, E>(
        &self,
        tenant: Option<TenantId>,
        work: impl FnOnce() -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let work = || catch_unwind(AssertUnwindSafe(work));
        match self.processors().blocking(tenant, work).await {
            Ok(Ok(result)) => result,
            Ok(Err(_panic)) => {
                tracing::error!("the database gave up during a read");
                Err(StoreError::Damaged("the database file".to_owned()).into())
            }
            Err(Ended) => Err(unavailable("the host is stopping").into()),
        }
    }
}

impl Drop for RedbStore {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            tracing::error!(error = %error, "the store did not close cleanly");
        }
    }
}
