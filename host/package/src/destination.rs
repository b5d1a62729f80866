//! Where packages are kept: directories of the operator, by name (BEHAVIOUR J1).
//!
//! Neither a path nor a bucket ever comes from the API; a policy names a destination that the
//! operator defined. What a destination holds is sealed or not by its kind, never by a request.
//! Deletes follow a package, so [`Destination::create`] returns only when it is durable.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use cordon_model::port::PackageError;
use object_store::local::LocalFileSystem;
use object_store::path::Path as ObjectPath;
use object_store::{ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, PutPayload};

use crate::Error;

/// The name of the destination that is always there.
const LOCAL: &str = "local";

/// The destinations of a host, by name. `local` is always among them.
pub struct Destinations(BTreeMap<String, Destination>);

impl Destinations {
    /// The destination `local` alone.
    pub fn new(local: Destination) -> Self {
        Self(BTreeMap::from([(LOCAL.to_owned(), local)]))
    }

    /// One more; a destination of the same name is replaced.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, destination: Destination) -> Self {
        self.0.insert(name.into(), destination);
        self
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Destination> {
        self.0.get(name)
    }
}

/// One place where packages are kept.
pub struct Destination {
    objects: Arc<dyn ObjectStore>,
    kind: Kind,
}

enum Kind {
    /// A directory of this host. Whoever can read the disk could read the packages, so they are
    /// sealed under the key of their request.
    Local { root: PathBuf },
}

/// What came of writing an object.
pub(crate) enum Created {
    New,
    /// An object of this key was there already; it was not touched.
    Existed,
}

impl Destination {
    /// A directory, created with its parents when it is not there, readable by its owner alone.
    ///
    /// # Errors
    /// When the directory cannot be created or opened.
    pub fn local(directory: impl AsRef<Path>) -> Result<Self, Error> {
        create_directory(directory.as_ref()).map_err(Error::Directory)?;
        let root = directory.as_ref().canonicalize().map_err(Error::Directory)?;
        let objects =
            LocalFileSystem::new_with_prefix(&root).map_err(Error::Destination)?.with_fsync(true);
        Ok(Self { objects: Arc::new(objects), kind: Kind::Local { root } })
    }

    /// Whether objects are sealed before they are written here.
    pub(crate) fn is_sealed(&self) -> bool {
        match self.kind {
            Kind::Local { .. } => true,
        }
    }

    /// Writes an object unless there is one of this key. Durable when it returns, either way.
    pub(crate) async fn create(&self, key: &str, bytes: Vec<u8>) -> Result<Created, PackageError> {
        let path = object_path(key)?;
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        let put = self.objects.put_opts(&path, PutPayload::from(bytes), options).await;
        let created = match put {
            Ok(_) => Created::New,
            Err(object_store::Error::AlreadyExists { .. }) => Created::Existed,
            Err(error) => return Err(unavailable(&error)),
        };
        self.sync_directories(key).await?;
        Ok(created)
    }

    /// The object, or None. One of more than `bytes_max` is not read: it cannot be what was put.
    pub(crate) async fn read(
        &self,
        key: &str,
        bytes_max: u64,
    ) -> Result<Option<Bytes>, PackageError> {
        let found = match self.objects.get(&object_path(key)?).await {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(unavailable(&error)),
        };
        if found.meta.size > bytes_max {
            return Err(PackageError::Damaged);
        }
        found.bytes().await.map(Some).map_err(|error| unavailable(&error))
    }

    /// Removes an object; a success when there is none.
    pub(crate) async fn remove(&self, key: &str) -> Result<(), PackageError> {
        match self.objects.delete(&object_path(key)?).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(unavailable(&error)),
        }
    }

    /// Makes every directory on the way to an object durable. The object store does so for what
    /// it creates in this put, but not for what an earlier one left behind when it was killed.
    async fn sync_directories(&self, key: &str) -> Result<(), PackageError> {
        let Kind::Local { root } = &self.kind;
        let object = root.join(key);
        let root = root.clone();
        let sync = move || {
            object
                .ancestors()
                .skip(1)
                .take_while(|directory| directory.starts_with(&root))
                .try_for_each(|directory| File::open(directory)?.sync_all())
        };
        match tokio::task::spawn_blocking(sync).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(PackageError::Unavailable(error.kind().to_string())),
            Err(_) => Err(PackageError::Unavailable("a worker of the host stopped".to_owned())),
        }
    }
}

fn create_directory(directory: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)?;
    match directory.canonicalize()?.parent() {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

fn object_path(key: &str) -> Result<ObjectPath, PackageError> {
    // Keys are made of ids and digests; another one is nobody's package.
    ObjectPath::parse(key).map_err(|_| PackageError::Gone)
}

/// The cause in a few words. The full error names paths of this machine: it goes to the log, not
/// to the caller, who may show it to a tenant.
fn unavailable(error: &object_store::Error) -> PackageError {
    tracing::warn!(%error, "a destination failed");
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(current) = cause {
        if let Some(io) = current.downcast_ref::<io::Error>() {
            return PackageError::Unavailable(io.kind().to_string());
        }
        cause = current.source();
    }
    PackageError::Unavailable("the object store refused".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_new_directory_is_readable_by_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let temp = tempfile::tempdir().unwrap();
        let directory = temp.path().join("data/packages");
        Destination::local(&directory).unwrap();
        assert_eq!(directory.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        assert!(Destination::local(&directory).is_ok(), "it may be there already");
    }

    #[test]
    fn a_file_is_no_destination() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(matches!(Destination::local(file.path()), Err(Error::Directory(_))));
    }

    #[tokio::test]
    async fn an_object_is_created_once_and_never_overwritten() {
        let temp = tempfile::tempdir().unwrap();
        let destination = Destination::local(temp.path()).unwrap();
        let first = destination.create("t/r/d.zip", b"first".to_vec()).await.unwrap();
        let second = destination.create("t/r/d.zip", b"second".to_vec()).await.unwrap();
        assert!(matches!((first, second), (Created::New, Created::Existed)));
        let found = destination.read("t/r/d.zip", 5).await.unwrap();
        assert_eq!(found.as_deref(), Some(&b"first"[..]));
        assert_eq!(destination.read("t/r/other.zip", 5).await.unwrap(), None);
    }

    #[tokio::test]
    async fn an_object_that_is_too_large_is_not_read() {
        let temp = tempfile::tempdir().unwrap();
        let destination = Destination::local(temp.path()).unwrap();
        destination.create("t/r/d.zip", vec![0; 10]).await.unwrap();
        let read = destination.read("t/r/d.zip", 9).await;
        assert!(matches!(read, Err(PackageError::Damaged)));
    }

    #[tokio::test]
    async fn an_error_names_the_cause_and_no_path() {
        let temp = tempfile::tempdir().unwrap();
        let destination = Destination::local(temp.path()).unwrap();
        std::fs::write(temp.path().join("t"), "a file where a directory belongs").unwrap();
        let error = destination.create("t/r/d.zip", Vec::new()).await.err().unwrap().to_string();
        assert!(error.starts_with("the destination failed: "), "{error}");
        assert!(!error.contains('/'), "{error}");
    }
}
