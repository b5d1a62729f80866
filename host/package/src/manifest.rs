//! The formats of `manifest.json` and `identities.json`. Readers outside Cordon depend on them:
//! a field may be added, anything else is another [`FORMAT_VERSION`]. Called by `bundle`.

use std::io::Write;

use cordon_model::package::{FoundIdentity, Omission, PackageContents};
use cordon_model::plugin::PluginRef;
use serde::{Serialize, Serializer};

use crate::Error;
use crate::archive::Origin;

/// Version of the layout of a package.
const FORMAT_VERSION: u32 = 1;

/// A file that the manifest lists: all but the manifest itself.
#[derive(Serialize)]
pub(crate) struct FileEntry<'a> {
    /// From the root of the package.
    pub(crate) path: String,
    #[serde(serialize_with = "as_hex")]
    pub(crate) sha256: [u8; 32],
    pub(crate) size: u64,
    /// None for a file that no single connection made.
    #[serde(skip_serializing_if = "Option::is_none")]
    connection: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_plugin")]
    plugin: Option<&'a PluginRef>,
    /// For a file that a person supplied.
    #[serde(skip_serializing_if = "Option::is_none")]
    supplied: Option<SuppliedEntry<'a>>,
}

/// What a person said about a file they supplied.
#[derive(Serialize)]
struct SuppliedEntry<'a> {
    label: &'a str,
    name: &'a str,
    media_type: &'a str,
}

impl<'a> FileEntry<'a> {
    pub(crate) fn new(path: String, sha256: [u8; 32], size: u64, origin: Origin<'a>) -> Self {
        let Origin { connection, plugin, supplied } = origin;
        let supplied = supplied.map(|file| SuppliedEntry {
            label: &file.label,
            name: &file.name,
            media_type: &file.media_type,
        });
        Self { path, sha256, size, connection, plugin, supplied }
    }
}

/// Which component made a file, to the byte.
#[derive(Serialize)]
struct PluginEntry<'a> {
    name: &'a str,
    version: &'a str,
    digest: String,
}

fn as_hex<S: Serializer>(sha256: &[u8; 32], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&hex::encode(sha256))
}

fn as_plugin<S: Serializer>(plugin: &Option<&PluginRef>, serializer: S) -> Result<S::Ok, S::Error> {
    let entry = plugin.map(|plugin| PluginEntry {
        name: &plugin.name,
        version: &plugin.version,
        digest: plugin.digest.to_string(),
    });
    entry.serialize(serializer)
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

/// Writes `manifest.json`.
pub(crate) fn write_manifest(
    contents: &PackageContents,
    files: &[FileEntry<'_>],
    out: &mut impl Write,
) -> Result<(), Error> {
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
    Ok(serde_json::to_writer_pretty(out, &manifest)?)
}

/// Writes `identities.json`: everything that identifiers queries found.
pub(crate) fn write_identities(
    identities: &[FoundIdentity],
    out: &mut impl Write,
) -> Result<(), Error> {
    let entries: Vec<_> = identities
        .iter()
        .map(|identity| IdentityEntry {
            kind: identity.kind.as_str(),
            value: &identity.value,
            connection: identity.connection.as_str(),
        })
        .collect();
    Ok(serde_json::to_writer_pretty(out, &entries)?)
}
