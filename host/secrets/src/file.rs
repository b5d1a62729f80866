//! Credentials in a file that the operator named: a mounted secret, or what an agent writes.
//!
//! The file is read at every use and nothing of it is kept. A secret that was rotated is used by
//! the next run, whatever way it was replaced, without a time stamp that could hide a change; a
//! read costs microseconds beside the call that it is for. Errors name the entry, never the path.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use cordon_model::TenantId;
use cordon_model::port::{CredentialsSource, SecretsError};
use cordon_model::secret::Credentials;
use zeroize::Zeroizing;

use crate::credentials::parse_credentials;
use crate::opened::{Entries, Opened};
use crate::provider::Provider;

/// What its locations begin with.
const PREFIX: &str = "file:";
/// Largest file.
const BYTES_MAX: u64 = 1024 * 1024;

/// Entries whose credentials lie in files.
pub struct FileSecrets(Entries<Arc<Entry>>);

struct Entry {
    name: String,
    path: PathBuf,
    /// Said once: the file is read at every use.
    exposure_told: AtomicBool,
}

/// Why a file gives no credentials. For people; holds nothing of the path or the content.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error("its file cannot be read: {}", .0.kind())]
    Io(#[from] io::Error),
    #[error("what its file names is no file")]
    NoFile,
    #[error("its file is larger than 1 MiB")]
    TooLarge,
    #[error("its file is no flat JSON object of strings and numbers")]
    Malformed,
}

impl FileSecrets {
    /// No entry yet.
    pub const fn new() -> Self {
        Self(Entries::new())
    }

    /// Adds an entry. The file need not be there yet.
    #[must_use]
    pub fn with(mut self, name: &str, opened: Opened, path: PathBuf) -> Self {
        let (named, exposure_told) = (name.to_owned(), AtomicBool::new(false));
        let entry = Entry { name: named.clone(), path, exposure_told };
        self.0.insert(named, opened, Arc::new(entry));
        self
    }
}

impl Default for FileSecrets {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Provider for FileSecrets {
    fn source(&self) -> CredentialsSource {
        CredentialsSource::File
    }

    fn serves(&self, tenant: &TenantId, location: &str) -> bool {
        self.0.find(PREFIX, tenant, location).is_some()
    }

    async fn fetch(&self, tenant: &TenantId, location: &str) -> Result<Credentials, SecretsError> {
        let entry = self.0.find(PREFIX, tenant, location).ok_or(SecretsError::Unserved)?;
        let entry = Arc::clone(entry);
        let read = tokio::task::spawn_blocking(move || entry.read()).await;
        read.unwrap_or_else(|_| Err(SecretsError::Unavailable("reading a file ended".to_owned())))
    }
}

impl Entry {
    fn read(&self) -> Result<Credentials, SecretsError> {
        read(&self.path, || self.tell_exposure()).map_err(|reason| {
            tracing::warn!(entry = self.name, %reason, "a secrets file is of no use");
            SecretsError::Unavailable(format!("the entry {}: {reason}", self.name))
        })
    }

    fn tell_exposure(&self) {
        if !self.exposure_told.swap(true, Ordering::Relaxed) {
            let entry = self.name.as_str();
            tracing::warn!(entry, "a secrets file can be read by every user of this machine");
        }
    }
}

fn read(path: &Path, exposed: impl Fn()) -> Result<Credentials, Unusable> {
    // Looked at before it is opened: opening a pipe waits for a writer.
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(Unusable::NoFile);
    }
    if metadata.len() > BYTES_MAX {
        return Err(Unusable::TooLarge);
    }
    if metadata.permissions().mode() & 0o007 != 0 {
        exposed();
    }
    // With room for everything: a buffer that grows leaves copies behind.
    let mut text = Zeroizing::new(Vec::with_capacity(room_for(metadata.len())));
    File::open(path)?.take(BYTES_MAX + 1).read_to_end(&mut text)?;
    if text.len() as u64 > BYTES_MAX {
        return Err(Unusable::TooLarge);
    }
    parse_credentials(&text).map_err(|_| Unusable::Malformed)
}

/// A file of at most [`BYTES_MAX`] may be replaced by a longer one between the look and the read.
fn room_for(bytes: u64) -> usize {
    usize::try_from(bytes * 2 + 4096).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs::Permissions;
    use std::sync::atomic::AtomicUsize;

    use super::*;

    fn provider(path: PathBuf) -> (FileSecrets, TenantId) {
        let tenant: TenantId = "acme".parse().unwrap();
        let tenants = BTreeSet::from([tenant.clone()]);
        let opened = Opened { tenants, locations: BTreeSet::new() };
        (FileSecrets::new().with("crm", opened, path), tenant)
    }

    async fn fetched(provider: &FileSecrets, tenant: &TenantId) -> Result<String, String> {
        match provider.fetch(tenant, "file:crm").await {
            Ok(credentials) => Ok(credentials["token"].expose().to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[tokio::test]
    async fn a_file_that_changes_is_read_again_whatever_way_it_was_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("crm.json");
        let (provider, tenant) = provider(path.clone());
        for value in ["first1", "second", "third3"] {
            fs::write(&path, format!(r#"{{"token":"{value}"}}"#)).unwrap();
            assert_eq!(fetched(&provider, &tenant).await.as_deref(), Ok(value));
        }
        let beside = directory.path().join("new");
        fs::write(&beside, r#"{"token":"fourth"}"#).unwrap();
        fs::rename(beside, &path).unwrap();
        assert_eq!(fetched(&provider, &tenant).await.as_deref(), Ok("fourth"));
    }

    #[tokio::test]
    async fn a_file_that_is_of_no_use_is_told_by_the_name_of_its_entry() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("hidden-path.json");
        let (provider, tenant) = provider(path.clone());
        let mut told = vec![fetched(&provider, &tenant).await.unwrap_err()];
        fs::write(&path, r#"{"token":["hunter2-hunter2"]}"#).unwrap();
        told.push(fetched(&provider, &tenant).await.unwrap_err());
        fs::write(&path, vec![b' '; 1024 * 1024 + 1]).unwrap();
        told.push(fetched(&provider, &tenant).await.unwrap_err());
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        told.push(fetched(&provider, &tenant).await.unwrap_err());
        let reasons = ["entity not found", "no flat JSON object", "larger than 1 MiB", "no file"];
        for (told, reason) in told.iter().zip(reasons) {
            assert!(told.contains("the entry crm: ") && told.contains(reason), "{told}");
            assert!(!told.contains("hidden-path") && !told.contains("hunter2"), "{told}");
        }
    }

    #[test]
    fn a_file_that_everybody_can_read_is_told() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), r#"{"token":"x"}"#).unwrap();
        let told = AtomicUsize::new(0);
        for mode in [0o600, 0o640, 0o644] {
            fs::set_permissions(file.path(), Permissions::from_mode(mode)).unwrap();
            let tell = || {
                told.fetch_add(1, Ordering::Relaxed);
            };
            read(file.path(), tell).unwrap();
        }
        assert_eq!(told.into_inner(), 1);
    }
}
