//! The result bundle for the data subject.

use bytes::Bytes;

use crate::plugin::PluginRef;
use crate::subject::IdentityKind;
use crate::{ConnectionKey, PolicyKey, Records, RequestId, TaskId, TenantId, Timestamp};

/// Everything that goes into a package. The same contents always make the same bytes.
#[derive(Debug, Clone)]
pub struct PackageContents {
    /// Whose it is.
    pub tenant: TenantId,
    /// The request it answers.
    pub request: RequestId,
    /// The request's policy.
    pub policy: PolicyKey,
    /// The submitter's own name for the request.
    pub external_id: Option<String>,
    /// When the request was submitted.
    pub submitted_at: Timestamp,
    /// What each connection returned, in the order of the tasks.
    pub sections: Vec<Section>,
    /// For an identifiers rule: everything that was found. None: no such rule.
    pub identities: Option<Vec<FoundIdentity>>,
    /// What is missing, and why.
    pub omissions: Vec<Omission>,
    /// Name of the destination; `local` unless the policy says otherwise.
    pub destination: String,
}

/// What one connection returned.
#[derive(Debug, Clone)]
pub struct Section {
    /// The folder in the package.
    pub connection: ConnectionKey,
    /// What made it.
    pub plugin: PluginRef,
    /// The records, each object a file.
    pub records: Vec<Records>,
    /// Files that a person supplied. The first record names the path of each under its label,
    /// in place of what stands there; where there is no record they make one.
    pub files: Vec<PackageFile>,
}

/// A file that a person supplied, for one label of a form. `Debug` shows the size only.
#[derive(Clone, PartialEq, Eq)]
pub struct PackageFile {
    /// The label it was supplied for.
    pub label: String,
    /// The name that the person gave it. Untrusted: the package makes a safe one out of it.
    pub name: String,
    /// The media type that was declared for it, such as `application/pdf`. Untrusted.
    pub media_type: String,
    /// What is in it, kept as it is.
    pub bytes: Bytes,
}

impl std::fmt::Debug for PackageFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PackageFile({} bytes)", self.bytes.len())
    }
}

/// An identity that an identifiers query found. `Debug` does not show the value.
#[derive(Clone, PartialEq, Eq)]
pub struct FoundIdentity {
    /// Which connection found it.
    pub connection: ConnectionKey,
    /// What it is.
    pub kind: IdentityKind,
    /// The value.
    pub value: String,
}

impl std::fmt::Debug for FoundIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FoundIdentity({}, {}, …)", self.connection, self.kind)
    }
}

/// Something the package does not contain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Omission {
    /// Whose records are missing; none: of a whole rule.
    pub connection: Option<ConnectionKey>,
    /// The task.
    pub task: Option<TaskId>,
    /// A stable word: a failure code, `missing_placeholder`, `rule_unserved`.
    pub code: String,
    /// A sentence, without identities or content.
    pub detail: String,
}

/// Where a package was put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageRef {
    /// Name of the destination.
    pub destination: String,
    /// `<tenant>/<request id>/<digest>.zip`
    pub object_key: String,
    /// SHA-256 of the zip, hexadecimal.
    pub sha256: String,
    /// Size of the zip, in bytes.
    pub size: u64,
    /// Files in it, without directories.
    pub files: u32,
}
