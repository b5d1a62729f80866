//! Sealing of what leaves the store for a file: bodies and local packages.

use async_trait::async_trait;

use bytes::Bytes;

use crate::{RequestId, TenantId};

/// Seals bytes under the key of a request. Implemented by the store, which owns the keys.
#[async_trait]
pub trait Sealer: Send + Sync {
    /// Seals `plain`. `purpose` names table and record; opening needs the same one.
    ///
    /// # Errors
    /// When the request's key cannot be had.
    async fn seal(
        &self,
        tenant: &TenantId,
        request: RequestId,
        purpose: &str,
        plain: Bytes,
    ) -> Result<Vec<u8>, SealError>;

    /// Opens what was sealed for the same tenant, request and purpose.
    ///
    /// # Errors
    /// When it was not, or was changed since.
    async fn open(
        &self,
        tenant: &TenantId,
        request: RequestId,
        purpose: &str,
        sealed: Bytes,
    ) -> Result<Vec<u8>, SealError>;
}

/// Why something could not be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The bytes are damaged, or belong elsewhere.
    #[error("sealed data is damaged, or belongs to another record")]
    Damaged,
    /// No key: it was erased, or the store failed.
    #[error("the key is not available")]
    NoKey,
}
