//! Large records, bodies, given files and components of plugins, in sealed files beside the
//! database: `blobs/<tenant>/<request>/<digest>`, `blobs/<tenant>/plugins/<digest>`, and
//! `blobs/.host/plugins/<digest>` for plugins that serve every tenant.
//!
//! A file is sealed under the key of its request or of its tenant, and named by the SHA-256 of its sealed bytes, so no
//! two writes share a file and none is ever changed. It is durable before the commit that names
//! it; reading checks digest and size before opening. A crash between the two leaves a file that
//! nothing names: it wastes space and harms nothing. Of plugins such files are swept at the next
//! start.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use cordon_model::commit::StoreError;
use cordon_model::{RequestId, TenantId};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::error::{file_failed, unavailable};
use crate::files;
use crate::seal::{Place, SealKey};

/// How often a file is written because its folder went away.
const TRIES_MAX: u32 = 5;

/// What the folder of plugins is called; no request's id looks like it.
const PLUGINS: &str = "plugins";
/// The folder of what belongs to no tenant; no tenant's key begins with a dot.
const HOST: &str = ".host";

/// Names a sealed file within its folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BlobRef {
    /// SHA-256 of the sealed bytes, hexadecimal.
    pub(crate) sha256: String,
    /// Their number.
    pub(crate) size: u64,
}

/// Where sealed files lie.
#[derive(Debug, Clone)]
pub(crate) struct Blobs {
    root: PathBuf,
}

/// Where sealed files that belong together lie, below the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// What belongs to a request.
    pub(crate) fn of_request(tenant: &TenantId, request: RequestId) -> Self {
        Self(Path::new(tenant.as_str()).join(request.to_string()))
    }

    /// The components of a tenant's plugins; none: of those that serve every tenant.
    pub(crate) fn of_plugins(scope: Option<&TenantId>) -> Self {
        Self(Path::new(scope.map_or(HOST, TenantId::as_str)).join(PLUGINS))
    }
}

/// A file that is durable and that no commit names yet. Removed when dropped, unless kept.
pub(crate) struct Unnamed {
    path: Option<PathBuf>,
}

/// Why a sealed file cannot be read.
pub(crate) enum BlobError {
    /// It is not there. When the row that names it was replaced in between, this is no damage.
    Gone,
    /// Anything else.
    Store(StoreError),
}

impl Blobs {
    /// Files under `root`.
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// Seals bytes into a new file. Durable when it returns.
    pub(crate) fn write(
        &self,
        folder: &Folder,
        key: &SealKey,
        place: Place<'_>,
        plain: &[u8],
    ) -> Result<(BlobRef, Unnamed), StoreError> {
        let sealed = key.seal(place, plain).map_err(|_| unavailable("sealing failed"))?;
        let blob =
            BlobRef { sha256: hex::encode(Sha256::digest(&sealed)), size: sealed.len() as u64 };
        let path = self.path(folder, &blob);
        let write = || {
            files::make_directory(path.parent().unwrap_or(&self.root))?;
            files::write_new(&path, &sealed)
        };
        let unnamed = Unnamed { path: Some(path.clone()) };
        let mut written = write();
        for _ in 1..TRIES_MAX {
            // The folder of a tenant that had the name before went away in between.
            match &written {
                Err(error) if error.kind() == io::ErrorKind::NotFound => written = write(),
                Ok(()) | Err(_) => break,
            }
        }
        written.map_err(|error| file_failed(&error))?;
        Ok((blob, unnamed))
    }

    /// Removes the folders of a tenant that is gone. One that still holds a file stays: the name
    /// may be in use again, and what is left of the old tenant cannot be opened any more.
    pub(crate) fn remove_folders(&self, tenant: &TenantId) {
        let folder = self.root.join(tenant.as_str());
        let requests = fs::read_dir(&folder).into_iter().flatten().flatten();
        let folders = requests.map(|entry| entry.path()).chain([folder]).collect::<Vec<_>>();
        for folder in folders {
            match fs::remove_dir(&folder) {
                Ok(()) => {}
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::NotFound | io::ErrorKind::DirectoryNotEmpty
                    ) => {}
                Err(error) => tracing::warn!(error = %error, "a folder could not be removed"),
            }
        }
    }

    /// Reads and opens a file.
    pub(crate) fn read(
        &self,
        folder: &Folder,
        blob: &BlobRef,
        key: &SealKey,
        place: Place<'_>,
    ) -> Result<Zeroizing<Vec<u8>>, BlobError> {
        let damaged = || BlobError::Store(StoreError::Damaged("a sealed file".to_owned()));
        let sealed =
            read_at_most(&self.path(folder, blob), blob.size).map_err(|error| {
                match error.kind() {
                    io::ErrorKind::NotFound => BlobError::Gone,
                    _ => BlobError::Store(file_failed(&error)),
                }
            })?;
        let matches =
            sealed.len() as u64 == blob.size && hex::encode(Sha256::digest(&sealed)) == blob.sha256;
        if !matches {
            return Err(damaged());
        }
        key.open(place, &sealed).map_err(|_| damaged())
    }

    /// The folders of plugins that there are, of every scope.
    pub(crate) fn plugin_folders(&self) -> Vec<PathBuf> {
        let scopes = fs::read_dir(&self.root).into_iter().flatten().flatten();
        scopes.map(|scope| scope.path().join(PLUGINS)).filter(|folder| folder.is_dir()).collect()
    }

    /// Where a file lies.
    pub(crate) fn path(&self, folder: &Folder, blob: &BlobRef) -> PathBuf {
        self.root.join(&folder.0).join(&blob.sha256)
    }
}

impl Unnamed {
    /// A commit names it now, or may name it.
    pub(crate) fn keep(mut self) {
        self.path = None;
    }
}

impl Drop for Unnamed {
    fn drop(&mut self) {
        if let Some(path) = self.path.take() {
            remove(&path);
        }
    }
}

/// Removes a file that no row names any more.
pub(crate) fn remove(path: &Path) {
    match fs::remove_file(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        // It only wastes space.
        Err(error) => tracing::warn!(error = %error, "a sealed file could not be removed"),
    }
}

/// Reads a file of `size` bytes; of a longer one, no more than it takes to notice.
fn read_at_most(path: &Path, size: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(size.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}
