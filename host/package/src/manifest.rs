//! The formats of `manifest.json` and `identities.json`. Readers outside Cordon depend on them:
//! a field may be added, anything else is another [`FORMAT_VERSION`]. Called by `bundle`.

use cordon_model::package::{FoundIdentity, Omission, PackageContents};
use cordon_model::plugin::PluginRef;
use serde::Serialize;

use crate::Error;

/// Version of the layout of a package.
pub(crate) const FORMAT_VERSION: u32 = 1;

/// A file that the manifest lists: all but the manifest itself.
#[derive(Serialize)]
pub(crate) struct FileEntry<'a> {
    pub(crate) path: String,
    pub(crate) sha256: String,
    pub(crate) size: u64,
    /// None for a file that no single connection made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) connection: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) plugin: Option<PluginEntry<'a>>,
}

/// Which component made a file, to the byte.
#[derive(Serialize)]
pub(crate) struct PluginEntry<'a> {
    name: &'a str,
    version: &'a str,
    digest: String,
}

impl<'a> PluginEntry<'a> {
    pub(crate) fn new(plugin: &'a PluginRef) -> Self {
        Self { name: &plugin.name, version: &plugin.version, digest: plugin.digest.to_string() }
    }
}

#[derive(Serialize)]
struct Manifest<'a> {
    format_version: u32,
    request_id: String,
    tenant: &'a str,
    policy: &'a str,
    external_id: Option<&'a str>,
    submitted_at: String,
    files: &'a [FileEntry<'a>],
    omissions: Vec<OmissionEntry<'a>>,
}

#[derive(Serialize)]
struct OmissionEntry<'a> {
    connection: Option<&'a str>,
    task_id: Option<String>,
    code: &'a str,
    detail: &'a str,
}

impl<'a> OmissionEntry<'a> {
    fn new(omission: &'a Omission) -> Self {
        Self {
            connection: omission.connection.as_ref().map(|key| key.as_str()),
            task_id: omission.task.map(|task| task.to_string()),
            code: &omission.code,
            detail: &omission.detail,
        }
    }
}

#[derive(Serialize)]
struct IdentityEntry<'a> {
    kind: &'a str,
    value: &'a str,
    connection: &'a str,
}

/// The bytes of `manifest.json`.
pub(crate) fn manifest_json(
    contents: &PackageContents,
    files: &[FileEntry<'_>],
) -> Result<Vec<u8>, Error> {
    let manifest = Manifest {
        format_version: FORMAT_VERSION,
        request_id: contents.request.to_string(),
        tenant: contents.tenant.as_str(),
        policy: contents.policy.as_str(),
        external_id: contents.external_id.as_deref(),
        submitted_at: contents.submitted_at.to_string(),
        files,
        omissions: contents.omissions.iter().map(OmissionEntry::new).collect(),
    };
    Ok(serde_json::to_vec_pretty(&manifest)?)
}

/// The bytes of `identities.json`: everything that identifiers queries found.
pub(crate) fn identities_json(identities: &[FoundIdentity]) -> Result<Vec<u8>, Error> {
    let entries: Vec<_> = identities
        .iter()
        .map(|identity| IdentityEntry {
            kind: identity.kind.as_str(),
            value: &identity.value,
            connection: identity.connection.as_str(),
        })
        .collect();
    Ok(serde_json::to_vec_pretty(&entries)?)
}
