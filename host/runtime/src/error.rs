//! What can go wrong when the runtime is started or a component admitted. How a run ends is told
//! in the model's words (`cordon_model::port::ConnectorError`), not here.

use cordon_model::plugin::PluginRef;
use cordon_model::{FailureCode, PluginDigest, TenantId};

use crate::bindings::convert::detail;

/// Starting the runtime, or admitting a component, failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The sandbox cannot be set up as it must be.
    #[error("the sandbox cannot be set up: {0}")]
    Sandbox(String),
    /// A limit cannot be enforced as it is set.
    #[error("the limit `{name}` cannot be enforced: {problem}")]
    Limit {
        /// Its name, as `Options` or an allowance has it.
        name: &'static str,
        /// Why not.
        problem: String,
    },
    /// A proposal that must be off is on: some crate of this build switched on a cargo feature.
    #[error("the sandbox accepts modules that use {0}, which must be off")]
    ProposalEnabled(&'static str),
    /// The component is larger than components may be.
    #[error("the component has {size} bytes; {max} are allowed")]
    ComponentTooLarge {
        /// Its size.
        size: usize,
        /// The limit.
        max: usize,
    },
    /// One of its functions is larger than functions may be.
    #[error("a function of the component has {size} bytes; {max} are allowed")]
    FunctionTooLarge {
        /// Its size.
        size: usize,
        /// The limit.
        max: usize,
    },
    /// It has more of something than components may have.
    #[error("the component has too many {what}; {max} are allowed")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// The limit.
        max: usize,
    },
    /// Compiling it went over a limit.
    #[error("the component cannot be compiled within the limits: {0}")]
    CompilerLimit(String),
    /// The bytes are code that was compiled from a component.
    #[error("this is compiled code (.cwasm), which nobody can check")]
    CompiledCode,
    /// The bytes are no component.
    #[error("not a WebAssembly component: {0}")]
    NotAComponent(String),
    /// It wants something that the contract does not offer: everything of that kind.
    #[error("the component imports {}, which nobody offers here", .0.join(", "))]
    ForeignImports(Vec<String>),
    /// Neither the upload nor the component says which version it is.
    #[error("the component does not say its version")]
    VersionMissing,
    /// `validate` gave no answer to an empty configuration.
    #[error("`validate` of an empty configuration failed: {}: {detail}", code.as_str())]
    ValidateFailed {
        /// How.
        code: FailureCode,
        /// More.
        detail: String,
    },
    /// The stored component is not the one that was admitted.
    #[error("the stored component has another digest than the one that was admitted")]
    OtherDigest,
    /// It is known already, as this.
    #[error("the component is loaded already, as {} {}", .0.name, .0.version)]
    Loaded(PluginRef),
    /// The name belongs to a plugin of another connector type.
    #[error("the name `{name}` belongs to the plugin of the connector type `{connector_type}`")]
    NameTaken {
        /// The name.
        name: String,
        /// What it serves.
        connector_type: String,
    },
    /// It does not compile, or does not export the contract.
    #[error("the component cannot be loaded: {0}")]
    Unloadable(String),
    /// `describe` gave no answer.
    #[error("`describe` failed: {}: {detail}", code.as_str())]
    DescribeFailed {
        /// How.
        code: FailureCode,
        /// More.
        detail: String,
    },
    /// What `describe` answered cannot be used.
    #[error("the descriptor cannot be used: {0}")]
    InvalidDescriptor(String),
    /// Another plugin serves this connector type.
    #[error("the connector type `{connector_type}` is served by the plugin `{plugin}`")]
    TypeTaken {
        /// The type.
        connector_type: String,
        /// By whom.
        plugin: String,
    },
    /// The plugin is another owner's: all tenants', or one tenant's.
    #[error("the plugin `{name}` is installed for {} already", owned_by(.scope.as_ref()))]
    OtherOwner {
        /// Its name.
        name: String,
        /// The tenant; none: all.
        scope: Option<TenantId>,
    },
    /// The same name and version were admitted with other bytes.
    #[error("{name} {version} was admitted with the digest {digest}")]
    VersionTaken {
        /// The plugin's name.
        name: String,
        /// Its version.
        version: String,
        /// Of the one that was admitted.
        digest: PluginDigest,
    },
    /// The host is stopping, or could not run the call.
    #[error("the host could not admit the component: {0}")]
    Host(String),
}

/// Longest text of a library about a component. It may repeat names that stand in the component,
/// which may be long and hold anything.
const SAID_CHARS_MAX: usize = 500;

fn owned_by(scope: Option<&TenantId>) -> String {
    scope.map_or_else(|| "all tenants".to_owned(), |tenant| format!("the tenant `{tenant}`"))
}

impl Error {
    /// With what the parser says, and where in the bytes.
    pub(crate) fn not_a_component(error: &wasmparser::BinaryReaderError) -> Self {
        let said = detail(error.message(), SAID_CHARS_MAX);
        Self::NotAComponent(format!("{said} (at offset {:#x})", error.offset()))
    }

    /// With what the compiler or the linker says.
    pub(crate) fn unloadable(said: &str) -> Self {
        Self::Unloadable(detail(said.trim(), SAID_CHARS_MAX))
    }
}
