//! The operator's folder of plugins, on a disk.
//!
//! `x.wasm` in it is for every tenant, `acme/x.wasm` for the tenant acme, and `x.wasm.minisig` the
//! signature of what lies beside it. A link may lead to another file of the folder (that is how
//! Kubernetes mounts one), not out of it. Whatever begins with a dot is somebody else's. What the
//! files come to is decided in `cordon_engine::service::plugins`. Called by [`crate::host`].

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use cordon_model::port::{FolderContent, FolderFile, FolderProblem, PluginFolder};
use rustix::fs::OFlags;
use tokio::task::spawn_blocking;

/// What the name of a component ends with.
const COMPONENT: &str = ".wasm";
/// What the name of a signature ends with, after that of its component.
const SIGNATURE: &str = ".minisig";
/// Code for one processor that another program compiled: nobody can check it.
const COMPILED: &str = ".cwasm";

/// A folder, and how much is read of a file.
#[derive(Debug, Clone)]
pub(crate) struct DiskFolder {
    pub(crate) directory: PathBuf,
    /// Most bytes of a component.
    pub(crate) component_bytes_max: usize,
    /// Most bytes of a signature.
    pub(crate) signature_bytes_max: usize,
}

#[async_trait]
impl PluginFolder for DiskFolder {
    async fn list(&self) -> Result<Vec<FolderFile>, String> {
        let folder = self.clone();
        off_thread(move || folder.files())
            .await?
            .map_err(|error| format!("{} cannot be read: {error}", self.directory.display()))
    }

    async fn read(&self, file: &FolderFile) -> Result<FolderContent, FolderProblem> {
        let (folder, path) = (self.clone(), self.directory.join(&file.path));
        let content = off_thread(move || folder.content(&path)).await;
        content.map_err(|reason| FolderProblem { code: "unreadable", reason })?
    }
}

async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, String> {
    spawn_blocking(work).await.map_err(|_| "the host is stopping".to_owned())
}

impl DiskFolder {
    fn files(&self) -> io::Result<Vec<FolderFile>> {
        let mut files = Vec::new();
        for (name, path) in entries(&self.directory)? {
            if path.is_dir() {
                self.files_of_tenant(&name, &path, &mut files);
            } else {
                files.extend(file(&name, None));
            }
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    fn files_of_tenant(&self, tenant: &str, path: &Path, files: &mut Vec<FolderFile>) {
        let listed = self.inside(path);
        match listed.and_then(|path| entries(&path).map_err(|error| unreadable(&error))) {
            Ok(entries) => {
                files.extend(entries.iter().filter_map(|(name, _)| file(name, Some(tenant))));
            }
            Err(problem) => files.push(FolderFile {
                path: tenant.to_owned(),
                tenant: Some(tenant.to_owned()),
                skipped: Some(problem),
            }),
        }
    }

    fn content(&self, path: &Path) -> Result<FolderContent, FolderProblem> {
        let component = self.bytes(path, self.component_bytes_max)?;
        let mut beside = path.as_os_str().to_owned();
        beside.push(SIGNATURE);
        let beside = PathBuf::from(beside);
        let signature = match beside.symlink_metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Ok(_) | Err(_) => Some(self.bytes(&beside, self.signature_bytes_max)?),
        };
        let text = signature.map(String::from_utf8).transpose();
        let signature = text.map_err(|_| FolderProblem {
            code: "signature_malformed",
            reason: "its signature is no text".to_owned(),
        })?;
        Ok(FolderContent { component: component.into(), signature })
    }

    fn bytes(&self, path: &Path, most: usize) -> Result<Vec<u8>, FolderProblem> {
        let path = self.inside(path)?;
        // A pipe would hold the reader up for ever.
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let flags = i32::try_from(flags.bits()).unwrap_or_default();
        let opened = OpenOptions::new().read(true).custom_flags(flags).open(&path);
        let file = opened.map_err(|error| unreadable(&error))?;
        let metadata = file.metadata().map_err(|error| unreadable(&error))?;
        if !metadata.is_file() {
            return Err(FolderProblem {
                code: "not_a_file",
                reason: "it is no regular file".to_owned(),
            });
        }
        let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
        let mut bytes = Vec::new();
        file.take(limit).read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
        if bytes.len() > most {
            let name = path.file_name().unwrap_or_default().display();
            let reason = format!("{name} has more than {most} bytes");
            return Err(FolderProblem { code: "component_too_large", reason });
        }
        Ok(bytes)
    }

    /// Where a path leads, which must be a place of the folder.
    fn inside(&self, path: &Path) -> Result<PathBuf, FolderProblem> {
        let real = |path: &Path| fs::canonicalize(path).map_err(|error| unreadable(&error));
        let (folder, path) = (real(&self.directory)?, real(path)?);
        if path.starts_with(folder) {
            return Ok(path);
        }
        let reason = "it is a link that leads out of the folder".to_owned();
        Err(FolderProblem { code: "outside", reason })
    }
}

/// What there is in a directory, but for what is hidden. A name that is no text is shown as well as
/// it can be, and then not found.
fn entries(directory: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') {
            entries.push((name, entry.path()));
        }
    }
    Ok(entries)
}

/// A file, if it is one that somebody would expect to be installed.
fn file(name: &str, tenant: Option<&str>) -> Option<FolderFile> {
    let skipped = name.ends_with(COMPILED).then(|| FolderProblem {
        code: "compiled_code",
        reason: "it is compiled code, which nobody can check; put the component here that it was \
                 made of"
            .to_owned(),
    });
    let is_component = name.ends_with(COMPONENT) || skipped.is_some();
    is_component.then(|| FolderFile {
        path: tenant.map_or_else(|| name.to_owned(), |tenant| format!("{tenant}/{name}")),
        tenant: tenant.map(str::to_owned),
        skipped,
    })
}

fn unreadable(error: &io::Error) -> FolderProblem {
    FolderProblem { code: "unreadable", reason: format!("it cannot be read: {error}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn folder(directory: &Path) -> DiskFolder {
        DiskFolder {
            directory: directory.to_owned(),
            component_bytes_max: 8,
            signature_bytes_max: 8,
        }
    }

    async fn code_of(folder: &DiskFolder, path: &str) -> &'static str {
        let files = folder.list().await.unwrap();
        let file = files.iter().find(|file| file.path == path).unwrap();
        match &file.skipped {
            Some(problem) => problem.code,
            None => folder.read(file).await.err().map_or("", |problem| problem.code),
        }
    }

    #[tokio::test]
    async fn components_are_found_with_their_tenants_and_signatures_and_nothing_else_is() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        fs::create_dir_all(root.join("acme/deeper")).unwrap();
        fs::create_dir(root.join("..data")).unwrap();
        for name in ["b.wasm", "acme/a.wasm", "acme/deeper/c.wasm", "README", ".hidden.wasm"] {
            fs::write(root.join(name), "bytes").unwrap();
        }
        fs::write(root.join("b.wasm.minisig"), "signed").unwrap();
        fs::write(root.join("..data/d.wasm"), "linked").unwrap();
        symlink("..data/d.wasm", root.join("d.wasm")).unwrap();
        let folder = folder(root);
        let files = folder.list().await.unwrap();
        let found: Vec<_> = files.iter().map(|f| (f.path.as_str(), f.tenant.as_deref())).collect();
        assert_eq!(found, [("acme/a.wasm", Some("acme")), ("b.wasm", None), ("d.wasm", None)]);
        let content = folder.read(&files[1]).await.ok().unwrap();
        assert_eq!(content.signature.as_deref(), Some("signed"));
        assert_eq!(folder.read(&files[2]).await.ok().unwrap().component, "linked");
    }

    #[tokio::test]
    async fn what_cannot_be_a_component_is_told_of_by_its_name() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("plugins");
        fs::create_dir(&root).unwrap();
        fs::write(directory.path().join("outside"), "secret").unwrap();
        symlink(directory.path().join("outside"), root.join("out.wasm")).unwrap();
        symlink(directory.path(), root.join("linked")).unwrap();
        symlink("nowhere", root.join("broken.wasm")).unwrap();
        fs::write(root.join("large.wasm"), "123456789").unwrap();
        fs::write(root.join("x.cwasm"), "").unwrap();
        fs::write(root.join("odd.wasm"), "bytes").unwrap();
        fs::write(root.join("odd.wasm.minisig"), [0xff]).unwrap();
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        let pipe = root.join("pipe.wasm");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        fs::create_dir(root.join("directory.wasm")).unwrap();
        let folder = folder(&root);
        for (path, code) in [
            ("out.wasm", "outside"),
            ("linked", "outside"),
            ("broken.wasm", "unreadable"),
            ("large.wasm", "component_too_large"),
            ("x.cwasm", "compiled_code"),
            ("odd.wasm", "signature_malformed"),
            ("pipe.wasm", "not_a_file"),
        ] {
            assert_eq!(code_of(&folder, path).await, code, "{path}");
        }
        let absent = DiskFolder { directory: root.join("absent"), ..folder };
        assert!(absent.list().await.unwrap_err().contains("absent"));
    }
}
