//! What a row looks like: a head that stands open, for indexes and for comparing revisions, and a
//! sealed rest. The head is part of what the rest is bound to, so an edited head does not open.
//!
//! ```text
//! length of the head (4 bytes, big-endian) · head (JSON) · sealed
//! ```

use std::collections::BTreeSet;

use cordon_model::commit::StoreError;
use cordon_model::{ConnectionKey, PolicyKey, Revision, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::blob::BlobRef;
use crate::tables::Table;

/// The head of an object with revisions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head<X> {
    /// Counts its writes.
    pub(crate) revision: Revision,
    /// Where it stands in lists.
    pub(crate) created_at: Timestamp,
    /// What its indexes need.
    pub(crate) index: X,
}

/// Of objects without further indexes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Plain {}

/// Of a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TenantIndex {
    /// It is being removed: nothing is written for it any more. Added later: a row without it is
    /// of a tenant that is not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) removing: bool,
}

/// Of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ConnectionIndex {
    pub(crate) uuid: Uuid,
}

/// Of what is remembered of the versions of a plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NewestHead {
    pub(crate) version: String,
}

/// Of a manual webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WebhookIndex {
    pub(crate) policy: PolicyKey,
}

/// Of a request. Words, keys and times only; an external id may name a person and an identity
/// does, so only their keyed hashes stand here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RequestIndex {
    pub(crate) status: String,
    pub(crate) is_final: bool,
    pub(crate) policy: PolicyKey,
    pub(crate) external_hash: Option<String>,
    pub(crate) identity_hashes: BTreeSet<String>,
    pub(crate) connections: BTreeSet<ConnectionKey>,
    /// By its policy's deadline.
    pub(crate) due_at: Option<Timestamp>,
    /// For the scheduler.
    pub(crate) due: Option<Timestamp>,
}

/// Of an API key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ApiKeyHead {
    pub(crate) created_at: Timestamp,
    pub(crate) hash: String,
}

/// Of records and of journal lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FiledHead {
    /// The sealed file that holds the content or the body; none: the row does.
    pub(crate) file: Option<BlobRef>,
}

/// Of a remembered answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReplayHead {
    pub(crate) expires_at: Timestamp,
    /// False while the first one is at work.
    pub(crate) answered: bool,
}

/// A row taken apart.
pub(crate) struct Parts<'a> {
    /// The bytes of the head: what the rest is bound to.
    pub(crate) head: &'a [u8],
    /// The rest.
    pub(crate) sealed: &'a [u8],
}

/// The bytes of a head.
pub(crate) fn head_bytes(head: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(head)
        .map_err(|_| StoreError::Unavailable("a head could not be written as JSON".to_owned()))
}

/// A row of its parts.
pub(crate) fn join(head: &[u8], sealed: &[u8]) -> Vec<u8> {
    // Heads hold a few words and keys; the length of one never comes near 4 GiB.
    let length = u32::try_from(head.len()).unwrap_or(u32::MAX);
    let mut row = Vec::with_capacity(4 + head.len() + sealed.len());
    row.extend_from_slice(&length.to_be_bytes());
    row.extend_from_slice(head);
    row.extend_from_slice(sealed);
    row
}

/// The parts of a row.
pub(crate) fn split(table: Table, row: &[u8]) -> Result<Parts<'_>, StoreError> {
    let parts = || {
        let (length, rest) = row.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        rest.split_at_checked(length)
    };
    let (head, sealed) = parts().ok_or_else(|| damaged(table))?;
    Ok(Parts { head, sealed })
}

/// The head of a row.
pub(crate) fn head<H: DeserializeOwned>(table: Table, row: &[u8]) -> Result<H, StoreError> {
    serde_json::from_slice(split(table, row)?.head).map_err(|_| damaged(table))
}

/// A row of this table cannot be read or opened.
pub(crate) fn damaged(table: Table) -> StoreError {
    StoreError::Damaged(format!("a row of {}", table.name()))
}
