//! Plugins: what each is and asks for, and what a switch of versions does to connections.

use cordon_engine::service::plugins::{
    Activation, FileReport, FileState, FolderReport, Installation, Kept, KnownPlugin, Moved, Why,
};
use cordon_model::Action;
use cordon_model::plugin::{DamagedPlugin, InstalledPlugin, PluginSignature, ReadGrant};
use cordon_model::port::Readiness;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::PluginView;
use super::grants::GrantsView;
use crate::error::FieldProblem;

/// A plugin.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = InstalledPlugin)]
pub(crate) struct KnownPluginView {
    /// Its name.
    name: String,
    /// Its version.
    version: String,
    /// SHA-256 of its bytes, hexadecimal.
    digest: String,
    /// What connections name.
    connector_type: String,
    /// What it is listed under.
    category: String,
    /// A name for people.
    display_name: String,
    /// What its connections can be asked for.
    actions: Vec<&'static str>,
    /// What it asks to read: `identities`, `responses`. A connection is granted it, or runs
    /// without.
    reads: Vec<&'static str>,
    /// What the component imports; nothing for what came with the host. There is nothing behind
    /// an import of WASI.
    imports: Vec<String>,
    /// Bytes of the component; none for what came with the host.
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    /// JSON Schema of the configuration of its connections.
    #[schema(value_type = Object)]
    config_schema: Value,
    /// The tenant that it serves; null: every tenant.
    tenant: Option<String>,
    /// Whether it came with the host. It cannot be removed or switched then.
    built_in: bool,
    /// Whether connections of its type are written with it.
    active: bool,
    /// `ready`, `loading` or `unavailable`.
    state: &'static str,
    /// Why it is unavailable.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    /// Who signed it; none: nobody, as far as the host was told.
    #[serde(skip_serializing_if = "Option::is_none")]
    signed_by: Option<SignatureView>,
    /// The file of the plugins folder that it came from; none: it was uploaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    /// When it last became the active version. RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    activated_at: Option<String>,
    /// Name of the key that installed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    installed_by: Option<String>,
    /// RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    installed_at: Option<String>,
}

impl From<KnownPlugin> for KnownPluginView {
    fn from(known: KnownPlugin) -> Self {
        let KnownPlugin { plugin, installed, active, readiness } = known;
        let (state, problem) = match readiness {
            Readiness::Ready => ("ready", None),
            Readiness::Loading => ("loading", None),
            Readiness::Unavailable(problem) => ("unavailable", Some(problem)),
        };
        let (built_in, size) = (installed.is_none(), installed.as_ref().map(|plugin| plugin.size));
        let installed_at = installed.as_ref().map(|plugin| plugin.installed_at.to_string());
        let signed_by = installed.as_ref().and_then(|plugin| plugin.signature.clone());
        let file = installed.as_ref().and_then(|plugin| plugin.file.clone());
        let activated_at = installed.as_ref().and_then(|plugin| plugin.activated_at);
        let (installed_by, imports) = installed
            .map(|InstalledPlugin { installed_by, imports, .. }| (installed_by, imports))
            .unzip();
        let descriptor = plugin.descriptor;
        Self {
            name: plugin.reference.name,
            version: plugin.reference.version,
            digest: plugin.reference.digest.to_string(),
            connector_type: descriptor.connector_type,
            category: descriptor.category,
            display_name: descriptor.display_name,
            actions: descriptor.actions.into_iter().map(Action::as_str).collect(),
            reads: descriptor.reads.into_iter().map(word).collect(),
            imports: imports.unwrap_or_default(),
            size,
            // Admission reads the schema; one that is no JSON admits anything, like `true`.
            config_schema: serde_json::from_str(&descriptor.config_schema)
                .unwrap_or(Value::Bool(true)),
            tenant: plugin.scope.map(String::from),
            built_in,
            active,
            state,
            problem,
            signed_by: signed_by.map(SignatureView::from),
            file,
            activated_at: activated_at.map(|at| at.to_string()),
            installed_by,
            installed_at,
        }
    }
}

/// A signature that was found good.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PluginSignature)]
pub(crate) struct SignatureView {
    /// Whose it is, as the operator calls them.
    publisher: String,
    /// Which key: 16 hexadecimal digits.
    key_id: String,
    /// What it vouches for beside the bytes.
    trusted_comment: String,
}

impl From<PluginSignature> for SignatureView {
    fn from(signature: PluginSignature) -> Self {
        let PluginSignature { publisher, key_id, trusted_comment, text: _ } = signature;
        Self { publisher, key_id, trusted_comment }
    }
}

/// Every plugin that the caller can see.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Plugins)]
pub(crate) struct PluginsView {
    /// By name and version.
    items: Vec<KnownPluginView>,
    /// There is one page.
    next_cursor: Option<String>,
    /// Those whose stored row is damaged: they cannot run. Remove one to install it again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    damaged: Vec<DamagedView>,
    /// What became of the plugins folder when it was last read; shown to an operator who acts for
    /// every tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    folder: Option<FolderView>,
}

impl PluginsView {
    pub(crate) fn new(
        plugins: Vec<KnownPlugin>,
        damaged: Vec<DamagedPlugin>,
        folder: Option<FolderReport>,
    ) -> Self {
        Self {
            items: plugins.into_iter().map(KnownPluginView::from).collect(),
            next_cursor: None,
            damaged: damaged.into_iter().map(DamagedView::from).collect(),
            folder: folder.map(FolderView::from),
        }
    }
}

/// A plugin whose row is damaged.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DamagedPlugin)]
pub(crate) struct DamagedView {
    /// The tenant that it served; null: every tenant.
    tenant: Option<String>,
    /// Its name.
    name: String,
    /// Its version.
    version: String,
}

impl From<DamagedPlugin> for DamagedView {
    fn from(damaged: DamagedPlugin) -> Self {
        let DamagedPlugin { scope, name, version, revision: _ } = damaged;
        Self { tenant: scope.map(String::from), name, version }
    }
}

/// The plugins folder.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PluginFolder)]
pub(crate) struct FolderView {
    /// When it had been read. RFC 3339.
    read_at: String,
    /// Why it could not be.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    /// Its components.
    files: Vec<FileView>,
}

impl From<FolderReport> for FolderView {
    fn from(report: FolderReport) -> Self {
        let FolderReport { read_at, problem, files } = report;
        let files = files.into_iter().map(FileView::from).collect();
        Self { read_at: read_at.to_string(), problem, files }
    }
}

/// A file of the plugins folder.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PluginFile)]
pub(crate) struct FileView {
    /// Its path below the folder.
    file: String,
    /// `installed`; `inactive`: installed, and could not be activated; `refused`.
    state: &'static str,
    /// What it is installed as.
    #[serde(skip_serializing_if = "Option::is_none")]
    plugin: Option<PluginView>,
    /// Why it is refused, in a stable word.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// Why it is refused or inactive.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

impl From<FileReport> for FileView {
    fn from(report: FileReport) -> Self {
        let state = report.state.as_str();
        let (plugin, code, problem) = match report.state {
            FileState::Installed(plugin) => (Some(plugin), None, None),
            FileState::Inactive { plugin, problem } => (Some(plugin), None, Some(problem)),
            FileState::Refused { code, reason } => (None, Some(code), Some(reason)),
        };
        let plugin = plugin.as_ref().map(PluginView::from);
        Self { file: report.path, state, plugin, code, problem }
    }
}

const fn word(grant: ReadGrant) -> &'static str {
    match grant {
        ReadGrant::Identities => "identities",
        ReadGrant::Responses => "responses",
    }
}

/// What became of an upload.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PluginInstallation)]
pub(crate) struct InstallationView {
    /// The plugin.
    #[serde(flatten)]
    plugin: KnownPluginView,
    /// What became of the connections of its type, when it became active.
    #[serde(skip_serializing_if = "Option::is_none")]
    connections: Option<ConnectionsView>,
}

impl From<Installation> for InstallationView {
    fn from(installation: Installation) -> Self {
        Self {
            plugin: installation.plugin.into(),
            connections: installation.activation.map(ConnectionsView::from),
        }
    }
}

/// What a switch did, or would do.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PluginActivation)]
pub(crate) struct ActivationView {
    /// The version that is active now; in a dry run, the one that would be.
    plugin: KnownPluginView,
    /// Nothing was changed.
    dry_run: bool,
    /// What became of the connections of its type.
    connections: ConnectionsView,
}

impl From<Activation> for ActivationView {
    fn from(activation: Activation) -> Self {
        Self {
            plugin: activation.plugin.clone().into(),
            dry_run: activation.dry_run,
            connections: activation.into(),
        }
    }
}

/// What became of the connections of a type.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PluginConnections)]
pub(crate) struct ConnectionsView {
    /// How many are with this version, those that were before included.
    moved_count: usize,
    /// Those that came over; at most 1000 are listed.
    moved: Vec<MovedView>,
    /// How many stay with another version.
    kept_count: usize,
    /// Which, and why; at most 1000 are listed.
    kept: Vec<KeptView>,
}

impl From<Activation> for ConnectionsView {
    fn from(activation: Activation) -> Self {
        Self {
            moved_count: activation.moved_count,
            moved: activation.moved.into_iter().map(MovedView::from).collect(),
            kept_count: activation.kept_count,
            kept: activation.kept.into_iter().map(KeptView::from).collect(),
        }
    }
}

/// A connection that came over.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MovedConnection)]
pub(crate) struct MovedView {
    /// Whose.
    tenant: String,
    /// Its key.
    connection: String,
    /// Digest of the component that it was with.
    from: String,
}

impl From<Moved> for MovedView {
    fn from(moved: Moved) -> Self {
        Self {
            tenant: moved.tenant.to_string(),
            connection: moved.connection.to_string(),
            from: moved.from.to_string(),
        }
    }
}

/// A connection that stays with the version that it has.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = KeptConnection)]
pub(crate) struct KeptView {
    /// Whose.
    tenant: String,
    /// Its key.
    connection: String,
    /// The version that it stays with.
    version: String,
    /// `needs_more`: it would need more than it was granted. `refused`: the version refuses its
    /// configuration. `not_now`: it could not be looked at.
    reason: &'static str,
    /// What it would need and was not granted. To take it along, grant it and switch again.
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<GrantsView>,
    /// What is wrong with its configuration.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    problems: Vec<FieldProblem>,
    /// Why it could not be looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

impl From<Kept> for KeptView {
    fn from(kept: Kept) -> Self {
        let (mut missing, mut problems, mut detail) = (None, Vec::new(), None);
        let reason = kept.why.as_str();
        match kept.why {
            Why::NeedsMore(grants) => missing = Some(GrantsView::from(*grants)),
            Why::Refused(found) => {
                problems = found.into_iter().map(FieldProblem::from).collect();
            }
            Why::NotNow(why) => detail = Some(why),
        }
        Self {
            tenant: kept.tenant.to_string(),
            connection: kept.connection.to_string(),
            version: kept.version,
            reason,
            missing,
            problems,
            detail,
        }
    }
}
