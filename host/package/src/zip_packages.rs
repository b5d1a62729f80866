//! The port `Packages`: makes a package, seals it, puts it at its destination, and reads it back.
//!
//! Every answer was checked: a put that finds its package already there opens it before it says
//! so, since deletes follow, and a get compares the digest. Called by the engine.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use cordon_model::package::{PackageContents, PackageRef};
use cordon_model::port::{PackageError, Packages, SealError, Sealer};
use cordon_model::{RequestId, TenantId};
use cordon_turns::{Ended, Processors};

use crate::bundle::{bundle, sha256_hex};
use crate::destination::{Created, Destination};
use crate::{Destinations, Options};

/// A seal may add a little to what it seals: a fixed part, and one part in this many.
const SEAL_BYTES_MAX: u64 = 4096;
const SEAL_SHARE_MAX: u64 = 256;

/// Packages as zip files.
pub struct ZipPackages {
    destinations: Destinations,
    sealer: Arc<dyn Sealer>,
    options: Options,
    processors: Processors,
}

impl ZipPackages {
    /// Packages at these destinations, sealed by `sealer` where a destination wants it, made and
    /// checked when it is their tenant's turn of the processors.
    pub fn new(
        destinations: Destinations,
        sealer: Arc<dyn Sealer>,
        options: Options,
        processors: Processors,
    ) -> Self {
        Self { destinations, sealer, options, processors }
    }

    /// Compressing and hashing hundreds of megabytes would hold up every other future of the thread.
    async fn away<T: Send + 'static>(
        &self,
        tenant: &TenantId,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PackageError> {
        let done = self.processors.blocking(Some(tenant.clone()), work).await;
        done.map_err(|Ended| PackageError::Unavailable("a worker of the host stopped".to_owned()))
    }

    fn destination(&self, name: &str) -> Result<&Destination, PackageError> {
        self.destinations.get(name).ok_or_else(|| PackageError::UnknownDestination(name.to_owned()))
    }

    /// What is stored for a zip. Takes the zip, so that it and its sealed form are not both held
    /// while the destination writes.
    async fn sealed(
        &self,
        destination: &Destination,
        tenant: &TenantId,
        request: RequestId,
        package: &PackageRef,
        zip: Vec<u8>,
    ) -> Result<Vec<u8>, PackageError> {
        if !destination.is_sealed() {
            return Ok(zip);
        }
        let purpose = seal_purpose(&package.sha256);
        self.sealer.seal(tenant, request, &purpose, zip.into()).await.map_err(not_sealed)
    }
}

#[async_trait]
impl Packages for ZipPackages {
    async fn put(&self, contents: Arc<PackageContents>) -> Result<PackageRef, PackageError> {
        let destination = self.destination(&contents.destination)?;
        let bundle = {
            let (contents, options) = (Arc::clone(&contents), self.options.clone());
            self.away(&contents.tenant.clone(), move || bundle(&contents, &options)).await??
        };
        let (tenant, request) = (&contents.tenant, contents.request);
        let package = PackageRef {
            destination: contents.destination.clone(),
            object_key: object_key(tenant, request, &bundle.sha256),
            size: bundle.zip.len() as u64,
            sha256: bundle.sha256,
            files: bundle.files,
        };
        let stored = self.sealed(destination, tenant, request, &package, bundle.zip).await?;
        match destination.create(&package.object_key, stored).await? {
            Created::New => {}
            // An earlier put got this far. Its package answers for this one only if it is whole.
            Created::Existed => {
                self.get(tenant, request, &package).await?;
            }
        }
        tracing::info!(
            tenant.id = %tenant,
            request.id = %request,
            files = package.files,
            size = package.size,
            "package put"
        );
        Ok(package)
    }

    async fn get(
        &self,
        tenant: &TenantId,
        request: RequestId,
        package: &PackageRef,
    ) -> Result<Bytes, PackageError> {
        let destination = self.destination(&package.destination)?;
        // The key is made here, so that a wrong reference reaches nobody else's package.
        let key = object_key(tenant, request, &package.sha256);
        if key != package.object_key {
            return Err(PackageError::Gone);
        }
        let stored_max =
            package.size.saturating_add(SEAL_BYTES_MAX + package.size / SEAL_SHARE_MAX);
        let stored = destination.read(&key, stored_max).await?.ok_or(PackageError::Gone)?;
        let zip = if destination.is_sealed() {
            let purpose = seal_purpose(&package.sha256);
            let opened = self.sealer.open(tenant, request, &purpose, stored).await;
            Bytes::from(opened.map_err(not_sealed)?)
        } else {
            stored
        };
        let (size, sha256) = (package.size, package.sha256.clone());
        self.away(tenant, move || {
            if zip.len() as u64 == size && sha256_hex(&zip) == sha256 {
                Ok(zip)
            } else {
                Err(PackageError::Damaged)
            }
        })
        .await?
    }

    async fn remove(
        &self,
        tenant: &TenantId,
        request: RequestId,
        package: &PackageRef,
    ) -> Result<(), PackageError> {
        let key = object_key(tenant, request, &package.sha256);
        if key != package.object_key {
            return Ok(());
        }
        self.destination(&package.destination)?.remove(&key).await
    }

    fn has_destination(&self, name: &str) -> bool {
        self.destinations.get(name).is_some()
    }
}

fn object_key(tenant: &TenantId, request: RequestId, sha256: &str) -> String {
    format!("{tenant}/{request}/{sha256}.zip")
}

fn seal_purpose(sha256: &str) -> String {
    format!("package/{sha256}")
}

fn not_sealed(error: SealError) -> PackageError {
    match error {
        SealError::Damaged => PackageError::Damaged,
        SealError::NoKey => PackageError::Unavailable(error.to_string()),
    }
}
