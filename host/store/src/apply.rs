//! Changes on their way into the database, one file per kind of change.
//!
//! Two steps. *Preparing* runs in the caller's blocking thread, many at a time: it encodes, seals
//! and writes sealed files. *Applying* runs in the writer, one at a time: it compares revisions
//! and puts rows. So the one writer does next to no cryptography and waits for no file.
//!
//! Preparing reads a snapshot that may be older than what the commit is applied to. It takes only
//! keys from it, and a key, once it is there, never changes: a request or tenant that is created
//! twice at the same moment is refused the second time, together with all that was sealed under
//! the second key.

mod audit;
mod connection;
mod forget;
mod key;
mod object;
mod policy;
pub(crate) mod replay;
pub(crate) mod request;
pub(crate) mod task;
mod tenant;

pub(crate) use forget::Forget;

use std::collections::HashMap;
use std::sync::Arc;

use cordon_model::commit::{Change, Commit, CommitError, StoreError, Target};
use cordon_model::{RequestId, TenantId};

use crate::blob::{Blobs, Unnamed};
use crate::error::unavailable;
use crate::row;
use crate::seal::keyring::{Keyring, ScopeKeys};
use crate::seal::{CannotSeal, Place, SealKey};
use crate::snapshot::Snapshot;
use crate::staged::Staged;
use crate::tables::{Key, Table};

/// One prepared change.
pub(crate) trait Operation: Send {
    /// Checks what must hold and puts rows.
    fn apply(self: Box<Self>, staged: &mut Staged<'_, '_>) -> Result<(), CommitError>;
}

/// A commit, ready for the writer.
pub(crate) struct Prepared {
    /// Applied in order.
    pub(crate) operations: Vec<Box<dyn Operation>>,
    /// Files that become named by this commit.
    pub(crate) files: Vec<Unnamed>,
}

/// What preparing may use.
pub(crate) struct Preparing<'a> {
    snapshot: &'a Snapshot,
    keyring: &'a Keyring,
    blobs: &'a Blobs,
    inline_bytes_max: usize,
    /// Keys of tenants that this commit creates.
    new_tenants: HashMap<TenantId, Arc<ScopeKeys>>,
    /// Keys of requests that this commit creates.
    new_requests: HashMap<(TenantId, RequestId), SealKey>,
    files: Vec<Unnamed>,
}

impl<'a> Preparing<'a> {
    /// Nothing prepared yet.
    pub(crate) fn new(
        snapshot: &'a Snapshot,
        keyring: &'a Keyring,
        blobs: &'a Blobs,
        inline_bytes_max: usize,
    ) -> Self {
        Self {
            snapshot,
            keyring,
            blobs,
            inline_bytes_max,
            new_tenants: HashMap::new(),
            new_requests: HashMap::new(),
            files: Vec::new(),
        }
    }

    /// Prepares a commit.
    ///
    /// # Errors
    /// `Absent` when a tenant or request that is written to does not exist; else when the store
    /// failed.
    pub(crate) fn commit(mut self, commit: Commit) -> Result<Prepared, CommitError> {
        let Commit { changes, audit } = commit;
        let mut operations = Vec::with_capacity(changes.len() + audit.len());
        for change in changes {
            operations.push(self.change(change)?);
        }
        for event in audit {
            operations.push(audit::append(&mut self, &event)?);
        }
        Ok(Prepared { operations, files: self.files })
    }

    fn change(&mut self, change: Change) -> Result<Box<dyn Operation>, CommitError> {
        match change {
            Change::PutTenant(new) => tenant::put(self, &new),
            Change::PutApiKey(new) => key::put(self, &new),
            Change::DeleteApiKey(tenant, id) => Ok(key::delete(tenant.as_ref(), id)),
            Change::PutConnection(new) => connection::put(self, &new),
            Change::DeleteConnection(tenant, key, revision) => {
                Ok(connection::delete(&tenant, key, revision))
            }
            Change::PutSecrets(tenant, key, credentials) => {
                connection::put_secrets(self, &tenant, key, &credentials)
            }
            Change::PutPolicy(new) => policy::put(self, &new),
            Change::DeletePolicy(tenant, key, revision) => {
                Ok(policy::delete(&tenant, key, revision))
            }
            Change::PutManualWebhook(new) => policy::put_webhook(self, &new),
            Change::DeleteManualWebhook(tenant, connection, revision) => {
                Ok(policy::delete_webhook(&tenant, connection, revision))
            }
            Change::PutRequest { request, due } => request::put(self, &request, due),
            Change::PutInput(input) => task::put_input(self, &input),
            Change::PutRecords(tenant, request, task, sets) => {
                task::put_records(self, &tenant, request, task, sets)
            }
            Change::AppendJournal(tenant, request, task, entries) => {
                task::append_journal(self, &tenant, request, task, entries)
            }
            Change::PutReplay(record) => replay::put(self, record),
        }
    }

    /// The keys of a tenant.
    fn tenant_keys(&self, tenant: &TenantId) -> Result<Arc<ScopeKeys>, CommitError> {
        if let Some(keys) = self.new_tenants.get(tenant) {
            return Ok(Arc::clone(keys));
        }
        let keys = self.keyring.tenant(self.snapshot, tenant)?;
        keys.ok_or_else(|| CommitError::Absent(Target::Tenant(tenant.clone())))
    }

    /// The keys of a tenant, or of the host.
    fn scope_keys(&self, tenant: Option<&TenantId>) -> Result<Arc<ScopeKeys>, CommitError> {
        match tenant {
            Some(tenant) => self.tenant_keys(tenant),
            None => Ok(self.keyring.host()),
        }
    }

    /// The key of a request.
    fn request_key(&self, tenant: &TenantId, request: RequestId) -> Result<SealKey, CommitError> {
        if let Some(key) = self.new_requests.get(&(tenant.clone(), request)) {
            return Ok(key.clone());
        }
        let key = request_key(self.snapshot, self.keyring, tenant, request)?;
        key.ok_or(CommitError::Absent(Target::Request(request)))
    }

    /// Seals bytes into a file that this commit is going to name.
    fn file(
        &mut self,
        (tenant, request): (&TenantId, RequestId),
        key: &SealKey,
        place: Place<'_>,
        plain: &[u8],
    ) -> Result<crate::blob::BlobRef, StoreError> {
        let (blob, unnamed) = self.blobs.write(tenant, request, key, place, plain)?;
        self.files.push(unnamed);
        Ok(blob)
    }
}

/// The key of a request; none: there is no such request.
pub(crate) fn request_key(
    snapshot: &Snapshot,
    keyring: &Keyring,
    tenant: &TenantId,
    request: RequestId,
) -> Result<Option<SealKey>, StoreError> {
    let row_key = Key::of(tenant).uuid(request.as_uuid()).done();
    let Some(wrapped) = snapshot.get(Table::RequestKeys, &row_key)? else { return Ok(None) };
    let Some(keys) = keyring.tenant(snapshot, tenant)? else { return Ok(None) };
    let place = Place::row(Table::RequestKeys, &row_key, b"");
    let key = keys.wrap.unwrap(place, wrapped.value());
    key.map(Some).map_err(|_| row::damaged(Table::RequestKeys))
}

/// A request must be there for what is stored beside it.
fn require_request(
    staged: &mut Staged<'_, '_>,
    tenant: &TenantId,
    request: RequestId,
) -> Result<(), CommitError> {
    let row_key = Key::of(tenant).uuid(request.as_uuid()).done();
    if staged.has(Table::Requests, &row_key)? {
        return Ok(());
    }
    Err(CommitError::Absent(Target::Request(request)))
}

/// Sealing failed: no randomness, or a text beyond the cipher's length.
fn cannot_seal(CannotSeal: CannotSeal) -> StoreError {
    unavailable("sealing failed")
}
