//! Changes on their way into the database, one file per kind of change.
//!
//! Two steps. *Preparing* runs in the caller's blocking thread, many at a time: it encodes, seals
//! and writes sealed files. *Applying* runs in the writer, one at a time: it compares revisions
//! and puts rows. So the one writer does next to no cryptography and waits for no file.
//!
//! Preparing reads a snapshot that may be older than what the commit is applied to. It takes only
//! keys from it, and a request's key, once it is there, never changes: a request or tenant that is
//! created twice at the same moment is refused the second time, together with all that was sealed
//! under the second key. A tenant may be removed in between, and even made again under other keys:
//! so every commit begins with a check that the tenants it was sealed for are still the same; and
//! that none of them is being removed, if the commit brings something in.

mod audit;
mod connection;
mod content;
mod erase;
mod forget;
pub(crate) mod input;
mod key;
mod object;
mod plugin;
mod policy;
pub(crate) mod replay;
pub(crate) mod request;
pub(crate) mod task;
mod tenant;
mod webhook;

pub(crate) use erase::Erase;
pub(crate) use forget::Forget;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use cordon_model::commit::{Change, Commit, CommitError, StoreError, Target};
use cordon_model::{RequestId, Revision, TenantId};

use crate::blob::{Blobs, Folder, Unnamed};
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
    /// Tenants that were there already, and the keys that were used for them.
    tenants: BTreeMap<TenantId, Arc<ScopeKeys>>,
    /// Tenants that this commit removes.
    gone: BTreeSet<TenantId>,
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
            tenants: BTreeMap::new(),
            gone: BTreeSet::new(),
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
        let comes_in = !changes.iter().any(goes_on);
        let mut prepared = Vec::with_capacity(changes.len() + audit.len());
        for change in changes {
            prepared.push(self.change(change)?);
        }
        for event in audit {
            prepared.push(audit::append(&mut self, &event)?);
        }
        let unchanged = tenant::unchanged(self.tenants, comes_in);
        let operations = std::iter::once(unchanged).chain(prepared).collect();
        Ok(Prepared { operations, files: self.files })
    }

    fn change(&mut self, change: Change) -> Result<Box<dyn Operation>, CommitError> {
        match change {
            Change::PutTenant(new) => tenant::put(self, &new),
            Change::DeleteTenant(tenant, revision) => Ok(tenant::delete(self, tenant, revision)),
            Change::RequireIdle(tenant) => Ok(tenant::idle(tenant)),
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
            Change::PutPolicyWebhook(new) => webhook::put(self, &new),
            Change::DeletePolicyWebhook(tenant, policy, id, revision) => {
                Ok(webhook::delete(&tenant, &policy, id, revision))
            }
            Change::PutPlugin(new, component) => plugin::put(self, &new, component.as_deref()),
            Change::DeletePlugin(scope, name, version, revision) => {
                Ok(plugin::delete(self, scope, &name, &version, revision))
            }
            Change::PutNewestVersion { scope, name, before, version } => {
                plugin::put_newest(self, scope.as_ref(), name, before, version)
            }
            Change::PutRequest { request, due } => request::put(self, &request, due),
            Change::PutInput(input, files) => input::put(self, &input, &files),
            Change::PutRecords(tenant, request, task, sets) => {
                task::put_records(self, &tenant, request, task, sets)
            }
            Change::AppendJournal(tenant, request, task, entries) => {
                task::append_journal(self, &tenant, request, task, entries)
            }
            Change::RemoveContent(tenant, request) => Ok(content::remove(self, tenant, request)),
            Change::PutReplay(record) => replay::put(self, record),
        }
    }

    /// The keys of a tenant.
    fn tenant_keys(&mut self, tenant: &TenantId) -> Result<Arc<ScopeKeys>, CommitError> {
        if let Some(keys) = self.new_tenants.get(tenant) {
            return Ok(Arc::clone(keys));
        }
        let keys = match self.gone.contains(tenant) {
            true => None,
            false => self.keyring.tenant(self.snapshot, tenant)?,
        };
        let keys = keys.ok_or_else(|| CommitError::Absent(Target::Tenant(tenant.clone())))?;
        self.tenants.insert(tenant.clone(), Arc::clone(&keys));
        Ok(keys)
    }

    /// This commit removes a tenant: whatever follows must not be sealed under its keys.
    fn dismiss(&mut self, tenant: &TenantId) {
        self.new_tenants.remove(tenant);
        self.new_requests.retain(|(of, _), _| of != tenant);
        self.gone.insert(tenant.clone());
    }

    /// The keys of a tenant, or of the host.
    fn scope_keys(&mut self, tenant: Option<&TenantId>) -> Result<Arc<ScopeKeys>, CommitError> {
        match tenant {
            Some(tenant) => self.tenant_keys(tenant),
            None => Ok(self.keyring.host()),
        }
    }

    /// The key of a request.
    fn request_key(
        &mut self,
        tenant: &TenantId,
        request: RequestId,
    ) -> Result<SealKey, CommitError> {
        if let Some(key) = self.new_requests.get(&(tenant.clone(), request)) {
            return Ok(key.clone());
        }
        self.tenant_keys(tenant)?;
        let key = request_key(self.snapshot, self.keyring, tenant, request)?;
        key.ok_or(CommitError::Absent(Target::Request(request)))
    }

    /// Seals bytes of a request into a file that this commit is going to name.
    fn file(
        &mut self,
        (tenant, request): (&TenantId, RequestId),
        key: &SealKey,
        place: Place<'_>,
        plain: &[u8],
    ) -> Result<crate::blob::BlobRef, StoreError> {
        self.file_in(&Folder::of_request(tenant, request), key, place, plain)
    }

    /// Seals bytes into a file that this commit is going to name.
    fn file_in(
        &mut self,
        folder: &Folder,
        key: &SealKey,
        place: Place<'_>,
        plain: &[u8],
    ) -> Result<crate::blob::BlobRef, StoreError> {
        let (blob, unnamed) = self.blobs.write(folder, key, place, plain)?;
        self.files.push(unnamed);
        Ok(blob)
    }
}

/// Whether a change belongs to work on a request that was there before. It may be kept until that
/// work was stopped, even for a tenant that is being removed: whoever removes it reads from the
/// request where its package lies.
fn goes_on(change: &Change) -> bool {
    match change {
        Change::PutRequest { request, .. } => request.revision != Revision::FIRST,
        Change::PutRecords(..) | Change::AppendJournal(..) => true,
        _ => false,
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
