//! What the tests of packages share: a host with two real directories, contents, a sealer.

use std::io::Read as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{ChaCha20Poly1305, KeyInit as _};
use cordon_model::package::{PackageContents, PackageRef, Section};
use cordon_model::plugin::PluginRef;
use cordon_model::port::{PackageError, Packages as _, SealError, Sealer};
use cordon_model::{PluginDigest, Records, RequestId, TenantId};
use cordon_package::{Destination, Destinations, Options, ZipPackages};
use cordon_turns::Processors;
use sha2::Digest as _;

/// The access answer that the source document shows.
pub(crate) const SEED_ACCESS: &str = r#"[
  {"first_name": "Peter", "last_name": "Gibbons", "company": "Initech", "friends": ["Samir", "Michael"]},
  {"address_type": "Home", "address": {"street": "191 N. Lamar", "city": "Flander", "state": "Illinois", "zip_code": "77070"}}
]"#;

/// Packages at `local` and `archive`, two fresh directories.
pub(crate) struct Host {
    pub(crate) packages: ZipPackages,
    directory: tempfile::TempDir,
}

impl Host {
    pub(crate) fn new() -> Self {
        Self::with_options(Options::default())
    }

    pub(crate) fn with_options(options: Options) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let destination = |name| Destination::local(directory.path().join(name)).unwrap();
        let destinations =
            Destinations::new(destination("local")).with("archive", destination("archive"));
        let packages = ZipPackages::new(
            destinations,
            Arc::new(TestSealer::default()),
            options,
            Processors::of_the_machine(),
        );
        Self { packages, directory }
    }

    pub(crate) async fn put(&self, contents: &PackageContents) -> Result<PackageRef, PackageError> {
        self.packages.put(Arc::new(contents.clone())).await
    }

    /// The files of the package that these contents make, in the order of the zip.
    pub(crate) async fn files(&self, contents: &PackageContents) -> Vec<(String, Vec<u8>)> {
        let package = self.put(contents).await.unwrap();
        let zip = self.packages.get(&contents.tenant, contents.request, &package).await.unwrap();
        unzip(&zip)
    }

    /// Where a package of the destination `local` is.
    pub(crate) fn path(&self, package: &PackageRef) -> PathBuf {
        self.directory.path().join("local").join(&package.object_key)
    }

    /// The bytes on disk.
    pub(crate) fn stored(&self, package: &PackageRef) -> Vec<u8> {
        std::fs::read(self.path(package)).unwrap()
    }

    /// How many files there are at `local`, whatever they are.
    pub(crate) fn objects(&self) -> usize {
        let mut directories = vec![self.directory.path().join("local")];
        let mut files = 0;
        while let Some(directory) = directories.pop() {
            for entry in std::fs::read_dir(directory).unwrap() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_dir() {
                    directories.push(entry.path());
                } else {
                    files += 1;
                }
            }
        }
        files
    }
}

/// What one connection returned, each text an array of objects.
pub(crate) fn section(connection: &str, answers: &[&str]) -> Section {
    Section {
        connection: connection.parse().unwrap(),
        plugin: PluginRef {
            name: "api_proxy".to_owned(),
            version: "0.1.0".to_owned(),
            digest: PluginDigest::of(b"a component"),
        },
        records: answers.iter().map(|text| Records::parse(text.as_bytes(), "").unwrap()).collect(),
        files: Vec::new(),
    }
}

/// Contents of a request of the tenant `acme`, for the destination `local`.
pub(crate) fn contents(sections: Vec<Section>) -> PackageContents {
    PackageContents {
        tenant: "acme".parse().unwrap(),
        request: "0198f2c0-0000-7000-8000-000000000001".parse().unwrap(),
        policy: "access".parse().unwrap(),
        external_id: None,
        submitted_at: "2026-03-01T09:30:00Z".parse().unwrap(),
        sections,
        identities: None,
        omissions: Vec::new(),
        destination: "local".to_owned(),
    }
}

/// Every file of a zip, in its order.
pub(crate) fn unzip(zip: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(zip)).unwrap();
    (0..archive.len())
        .map(|index| {
            let mut file = archive.by_index(index).unwrap();
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).unwrap();
            (file.name().unwrap().into_owned(), bytes)
        })
        .collect()
}

pub(crate) fn text_of(files: &[(String, Vec<u8>)], path: &str) -> String {
    let (_, bytes) = files.iter().find(|(name, _)| name == path).expect(path);
    String::from_utf8(bytes.clone()).unwrap()
}

pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(sha2::Sha256::digest(bytes))
}

/// Seals under one fixed key, bound to tenant, request and purpose as the store's sealer is. Two
/// seals of the same bytes differ, as they do there.
#[derive(Default)]
struct TestSealer {
    seals: AtomicU64,
}

fn bound_to(tenant: &TenantId, request: RequestId, purpose: &str) -> String {
    format!("{tenant}/{request}/{purpose}")
}

fn cipher() -> ChaCha20Poly1305 {
    ChaCha20Poly1305::new(&[7; 32].into())
}

#[async_trait]
impl Sealer for TestSealer {
    async fn seal(
        &self,
        tenant: &TenantId,
        request: RequestId,
        purpose: &str,
        plain: Bytes,
    ) -> Result<Vec<u8>, SealError> {
        let mut nonce = [0; 12];
        nonce[..8].copy_from_slice(&self.seals.fetch_add(1, Ordering::Relaxed).to_le_bytes());
        let aad = bound_to(tenant, request, purpose);
        let payload = Payload { msg: &plain, aad: aad.as_bytes() };
        let sealed = cipher().encrypt(&nonce.into(), payload).map_err(|_| SealError::NoKey)?;
        Ok([&nonce[..], &sealed].concat())
    }

    async fn open(
        &self,
        tenant: &TenantId,
        request: RequestId,
        purpose: &str,
        sealed: Bytes,
    ) -> Result<Vec<u8>, SealError> {
        let (nonce, sealed) = sealed.split_first_chunk::<12>().ok_or(SealError::Damaged)?;
        let aad = bound_to(tenant, request, purpose);
        let payload = Payload { msg: sealed, aad: aad.as_bytes() };
        cipher().decrypt(&(*nonce).into(), payload).map_err(|_| SealError::Damaged)
    }
}
