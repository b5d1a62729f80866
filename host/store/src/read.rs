//! Reading rows back: one file per kind of thing. Nothing here writes.

mod about;
mod due;
mod events;
mod list;
mod objects;
mod plugins;
mod replay;
mod requests;
mod tasks;

pub(crate) use about::requests_about;
pub(crate) use due::due;
pub(crate) use events::{audit, events, events_after};
pub(crate) use objects::{
    api_key, api_key_by_hash, api_keys, connection, connection_at, connection_by_uuid, connections,
    manual_webhook, manual_webhooks, policies, policy, policy_webhook, policy_webhooks, tenant,
    tenants, vault,
};
pub(crate) use plugins::{
    newest_plugin_version, plugin, plugin_component, plugins, plugins_of_all,
};
pub(crate) use replay::{Remembered, replay};
pub(crate) use requests::{
    open_requests_of, open_requests_under, open_requests_using, request, requests,
};
pub(crate) use tasks::{input_file, inputs, journal, records};

use std::cell::Cell;
use std::sync::Arc;

use cordon_model::commit::StoreError;
use cordon_model::{RequestId, TenantId};
use zeroize::Zeroizing;

use crate::apply;
use crate::blob::{BlobError, BlobRef, Blobs, Folder};
use crate::record::{self, Stored};
use crate::row;
use crate::seal::keyring::{Keyring, ScopeKeys};
use crate::seal::{Place, SealKey};
use crate::shared::Shared;
use crate::snapshot::Snapshot;
use crate::tables::Table;

/// How often a read begins again because a sealed file was replaced under it.
const TRIES_MAX: u32 = 10;

/// What one read sees, and what it needs to open it.
pub(crate) struct View<'a> {
    snapshot: Snapshot,
    keyring: &'a Keyring,
    blobs: &'a Blobs,
    list_scan_max: usize,
    /// A sealed file that a row names was not there.
    file_gone: Cell<bool>,
}

impl View<'_> {
    /// Reads from a new snapshot. Records can be replaced while they are read, and with them
    /// their file: the read then begins again on what replaced them.
    pub(crate) fn read<T>(
        shared: &Shared,
        reading: impl Fn(&View<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut tries = 1;
        loop {
            let view = View {
                snapshot: shared.snapshot()?,
                keyring: &shared.keyring,
                blobs: &shared.blobs,
                list_scan_max: shared.options.list_scan_max,
                file_gone: Cell::new(false),
            };
            let read = reading(&view);
            if read.is_ok() || !view.file_gone.get() || tries == TRIES_MAX {
                return read;
            }
            tries += 1;
        }
    }

    /// The keys of a tenant, or of the host; none: there is no such tenant.
    fn scope(&self, tenant: Option<&TenantId>) -> Result<Option<Arc<ScopeKeys>>, StoreError> {
        self.keyring.scope(&self.snapshot, tenant)
    }

    /// The key of a request; none: there is no such request.
    pub(crate) fn request_key(
        &self,
        tenant: &TenantId,
        request: RequestId,
    ) -> Result<Option<SealKey>, StoreError> {
        apply::request_key(&self.snapshot, self.keyring, tenant, request)
    }

    /// One row, opened and decoded.
    fn opened<T: Stored>(
        &self,
        table: Table,
        row_key: &[u8],
        key: &SealKey,
    ) -> Result<Option<T>, StoreError> {
        let Some(row) = self.snapshot.get(table, row_key)? else { return Ok(None) };
        open_row(table, row_key, key, row.value()).map(Some)
    }

    /// The content of a sealed file of a request that a row names.
    fn file(
        &self,
        (tenant, request): (&TenantId, RequestId),
        file: &BlobRef,
        key: &SealKey,
        place: Place<'_>,
    ) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        self.file_in(&Folder::of_request(tenant, request), file, key, place)
    }

    /// The content of a sealed file that a row names.
    fn file_in(
        &self,
        folder: &Folder,
        file: &BlobRef,
        key: &SealKey,
        place: Place<'_>,
    ) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        self.blobs.read(folder, file, key, place).map_err(|error| match error {
            BlobError::Store(error) => error,
            BlobError::Gone => {
                self.file_gone.set(true);
                StoreError::Damaged("a sealed file is missing".to_owned())
            }
        })
    }
}

/// The record of a row, opened.
fn open_bytes(
    table: Table,
    row_key: &[u8],
    key: &SealKey,
    row: &[u8],
) -> Result<Zeroizing<Vec<u8>>, StoreError> {
    let row::Parts { head, sealed } = row::split(table, row)?;
    key.open(Place::row(table, row_key, head), sealed).map_err(|_| row::damaged(table))
}

/// The value of a row, opened and decoded.
fn open_row<T: Stored>(
    table: Table,
    row_key: &[u8],
    key: &SealKey,
    row: &[u8],
) -> Result<T, StoreError> {
    record::decode(&open_bytes(table, row_key, key, row)?, table.name())
}
