//! The operator's folder of plugins. Implemented by `cordon-cli`, which reads the disk; what its
//! files come to is the application's.

use async_trait::async_trait;
use bytes::Bytes;

/// A folder that holds components.
#[async_trait]
pub trait PluginFolder: Send + Sync {
    /// The components in it, in the order of their names, each with what is wrong with it already.
    ///
    /// # Errors
    /// Why the folder cannot be read.
    async fn list(&self) -> Result<Vec<FolderFile>, String>;

    /// Reads one of them.
    ///
    /// # Errors
    /// What is wrong with it.
    async fn read(&self, file: &FolderFile) -> Result<FolderContent, FolderProblem>;
}

/// A component in the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderFile {
    /// Its path below the folder: `shop.wasm`, `acme/shop.wasm`.
    pub path: String,
    /// The tenant that it is for, as its subfolder is called; none: every tenant.
    pub tenant: Option<String>,
    /// Why it is not read.
    pub skipped: Option<FolderProblem>,
}

/// What is in a file, and in the one beside it.
#[derive(Clone)]
pub struct FolderContent {
    /// The component.
    pub component: Bytes,
    /// The text of its signature; none: no file of that name lies beside it.
    pub signature: Option<String>,
}

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderProblem {
    /// A stable word.
    pub code: &'static str,
    /// A sentence for the operator.
    pub reason: String,
}
