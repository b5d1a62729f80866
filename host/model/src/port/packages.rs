//! Where packages are put.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use crate::package::{PackageContents, PackageRef};
use crate::{RequestId, TenantId};

/// Makes packages and keeps them at their destination.
#[async_trait]
pub trait Packages: Send + Sync {
    /// Makes the zip and puts it at its destination, under its digest, never over another. Doing
    /// it again with the same contents is a success with the same answer.
    ///
    /// # Errors
    /// When a name or size is over a limit, or the destination fails.
    async fn put(&self, contents: Arc<PackageContents>) -> Result<PackageRef, PackageError>;

    /// The zip.
    ///
    /// # Errors
    /// When it is not there any more, or the destination fails.
    async fn get(
        &self,
        tenant: &TenantId,
        request: RequestId,
        package: &PackageRef,
    ) -> Result<Bytes, PackageError>;

    /// Removes the package; a success when it is gone already.
    ///
    /// # Errors
    /// When the destination fails.
    async fn remove(
        &self,
        tenant: &TenantId,
        request: RequestId,
        package: &PackageRef,
    ) -> Result<(), PackageError>;

    /// Whether a destination of this name is configured.
    fn has_destination(&self, name: &str) -> bool;
}

/// Why a package could not be put or read.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// No destination has this name.
    #[error("no destination is called {0}")]
    UnknownDestination(String),
    /// Too many files, or too large.
    #[error("the package is over a limit: {0}")]
    TooLarge(String),
    /// It is not there.
    #[error("the package is gone")]
    Gone,
    /// What is there is not what was put.
    #[error("the package is damaged")]
    Damaged,
    /// The destination failed; trying again may help.
    #[error("the destination failed: {0}")]
    Unavailable(String),
}
