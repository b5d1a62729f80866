//! The operator's folder of plugins: what is in it is installed for all tenants, or for the one
//! whose subfolder it is in, and activated.
//!
//! A round reads the whole folder. Files are taken in side by side; then the newest of each name
//! becomes the active version, by the same rules as over the API. A component that is installed
//! already changes nothing, and one that was active once is not activated again: whoever switched
//! back meant it. An error of one file is its own. Nothing is removed: what leaves the folder stays
//! installed, and the log says so. Called after a start and on SIGHUP.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use cordon_model::audit::Actor;
use cordon_model::plugin::{InstalledPlugin, PluginRef};
use cordon_model::port::{FolderContent, FolderFile, FolderProblem, PluginFolder};
use cordon_model::{PluginDigest, TenantId, Timestamp};
use futures_util::{StreamExt as _, stream};

use super::install::FromFolder;
use super::order::{Seen, order};
use super::{Activation, PluginAccess, Upload};
use crate::{Error, Services};

/// What the folder came to when it was last read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderReport {
    /// When it had been read.
    pub read_at: Timestamp,
    /// Why it could not be.
    pub problem: Option<String>,
    /// Its components, by path.
    pub files: Vec<FileReport>,
}

/// What one file came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileReport {
    /// Its path below the folder.
    pub path: String,
    /// What became of it.
    pub state: FileState,
}

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileState {
    /// It is installed, as this.
    Installed(PluginRef),
    /// It is installed and could not be activated.
    Inactive {
        /// As what.
        plugin: PluginRef,
        /// Why.
        problem: String,
    },
    /// It is not installed.
    Refused {
        /// A stable word.
        code: String,
        /// Why.
        reason: String,
    },
}

impl FileState {
    /// The word used in the API.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Installed(_) => "installed",
            Self::Inactive { .. } => "inactive",
            Self::Refused { .. } => "refused",
        }
    }

    fn refused(error: &Error) -> Self {
        let (code, reason) = match error {
            Error::Invalid(problems) => {
                let code = problems.first().map(|problem| problem.code.clone());
                let reasons: Vec<_> = problems.iter().map(|p| p.message.as_str()).collect();
                (code.unwrap_or_default(), reasons.join("; "))
            }
            Error::Conflict { code, detail } => (code.as_str().to_owned(), detail.clone()),
            Error::Unavailable(reason) => ("unavailable".to_owned(), reason.clone()),
            other => ("refused".to_owned(), other.to_string()),
        };
        Self::Refused { code, reason }
    }
}

/// Whose plugin, and what it is called.
type ScopedName = (Option<TenantId>, String);

/// One look at the folder.
#[derive(Default)]
pub(super) struct Round {
    /// What had been seen of each name before.
    began_with: Mutex<BTreeMap<ScopedName, Seen>>,
}

impl Round {
    /// What was seen of a name when the round first came to it. Files of one folder have no order:
    /// the newest of them does not make the others old.
    pub(super) fn seen(&self, scope: Option<&TenantId>, name: &str, now: &Seen) -> Seen {
        let mut began = self.began_with.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (scope.cloned(), name.to_owned());
        began.entry(key).or_insert_with(|| now.clone()).clone()
    }
}

/// A file after it was taken in.
struct Taken {
    path: String,
    outcome: Result<InstalledPlugin, FileState>,
}

impl Services {
    /// What the folder came to when it was last read; none: it was not, or the caller is not an
    /// operator who acts for everybody.
    pub fn plugin_folder(&self, access: &PluginAccess) -> Option<FolderReport> {
        if !access.operator || access.scope.is_some() {
            return None;
        }
        self.plugin_folder.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the folder and takes in what is new in it. Returns when every file is installed or
    /// refused; each is told of in the log.
    pub async fn read_plugin_folder(&self, folder: &dyn PluginFolder) {
        let (problem, files) = match folder.list().await {
            Ok(files) => (None, self.take_in(folder, files).await),
            Err(problem) => {
                tracing::error!(problem, "the plugins folder cannot be read");
                (Some(problem), Vec::new())
            }
        };
        for state in ["installed", "inactive", "refused"] {
            let count = files.iter().filter(|file| file.state.as_str() == state).count();
            let gauge = metrics::gauge!("cordon_plugin_folder_files", "state" => state);
            gauge.set(u32::try_from(count).unwrap_or(u32::MAX));
        }
        let report = FolderReport { read_at: self.now(), problem, files };
        *self.plugin_folder.write().unwrap_or_else(PoisonError::into_inner) = Some(report);
    }

    async fn take_in(&self, folder: &dyn PluginFolder, files: Vec<FolderFile>) -> Vec<FileReport> {
        let (count, most) = (files.len(), self.options.plugin_folder_files_max);
        tracing::info!(files = count, "reading the plugins folder");
        if count > most {
            tracing::error!(files = count, most, "the plugins folder has too many files");
        }
        let round = Round::default();
        let takes = files.into_iter().enumerate().map(|(n, file)| {
            let round = &round;
            async move {
                let outcome = match n < most {
                    true => self.take_in_file(folder, &file, round).await,
                    false => Err(too_many(most)),
                };
                Taken { path: file.path, outcome }
            }
        });
        let taken = stream::iter(takes).buffered(self.options.plugin_loads_max.max(1));
        let taken: Vec<Taken> = taken.collect().await;
        self.warn_of_gone(&taken).await;
        let reports = self.activate_newest(taken).await;
        tracing::info!(files = count, "the plugins folder was read");
        reports
    }

    async fn take_in_file(
        &self,
        folder: &dyn PluginFolder,
        file: &FolderFile,
        round: &Round,
    ) -> Result<InstalledPlugin, FileState> {
        let taken = self.install_file(folder, file, round).await;
        if let Err(FileState::Refused { code, reason }) = &taken {
            tracing::error!(
                file = file.path,
                code,
                reason,
                "a file of the plugins folder is refused"
            );
        }
        taken
    }

    async fn install_file(
        &self,
        folder: &dyn PluginFolder,
        file: &FolderFile,
        round: &Round,
    ) -> Result<InstalledPlugin, FileState> {
        let problem =
            |FolderProblem { code, reason }| FileState::Refused { code: code.to_owned(), reason };
        if let Some(skipped) = file.skipped.clone() {
            return Err(problem(skipped));
        }
        let scope = self.scope_of(file).await?;
        let access = PluginAccess { scope, operator: true, actor: Actor::Host };
        let FolderContent { component, signature } = folder.read(file).await.map_err(problem)?;
        let upload = Upload {
            name: None,
            version: None,
            activate: false,
            allow_downgrade: false,
            signature,
            component,
        };
        let from = FromFolder { file: &file.path, round };
        let installed = self.install(&access, upload, Some(from)).await;
        let installation = installed.map_err(|error| FileState::refused(&error))?;
        let PluginRef { name, version, digest } = &installation.plugin.plugin.reference;
        if installation.created {
            tracing::info!(
                file = file.path, name, version, plugin.digest = %digest,
                "a plugin of the folder was installed"
            );
        }
        let nothing = || FileState::refused(&Error::Unavailable("it is not stored".to_owned()));
        installation.plugin.installed.ok_or_else(nothing)
    }

    async fn scope_of(&self, file: &FolderFile) -> Result<Option<TenantId>, FileState> {
        let Some(tenant) = &file.tenant else { return Ok(None) };
        let unknown = || FileState::Refused {
            code: "unknown_tenant".to_owned(),
            reason: "there is no tenant of the name of its folder".to_owned(),
        };
        let tenant: TenantId = tenant.parse().map_err(|_| unknown())?;
        let failed = |error| FileState::refused(&Error::from(error));
        let stored = self.store().tenant(&tenant).await.map_err(failed)?;
        stored.map(|stored| Some(stored.id)).ok_or_else(unknown)
    }

    /// Nothing is removed because its file is gone: connections may use it.
    async fn warn_of_gone(&self, taken: &[Taken]) {
        let here: BTreeSet<(Option<&TenantId>, PluginDigest)> = taken
            .iter()
            .filter_map(|file| file.outcome.as_ref().ok())
            .map(|plugin| (plugin.scope.as_ref(), plugin.reference.digest))
            .collect();
        let refused: BTreeSet<&str> =
            taken.iter().filter(|f| f.outcome.is_err()).map(|file| file.path.as_str()).collect();
        let stored = match self.store().plugins_of_all().await {
            Ok(stored) => stored.plugins,
            Err(error) => {
                tracing::warn!(%error, "which files left the plugins folder cannot be said");
                return;
            }
        };
        for plugin in stored.iter().filter(|plugin| plugin.active) {
            let Some(file) = plugin.file.as_deref() else { continue };
            let is_here = here.contains(&(plugin.scope.as_ref(), plugin.reference.digest));
            if !is_here && !refused.contains(file) {
                let PluginRef { name, version, .. } = &plugin.reference;
                tracing::warn!(
                    file,
                    name,
                    version,
                    "a file left the plugins folder; its plugin stays installed and active until \
                     it is removed with `cordon plugin remove`"
                );
            }
        }
    }

    async fn activate_newest(&self, taken: Vec<Taken>) -> Vec<FileReport> {
        let installed: Vec<InstalledPlugin> =
            taken.iter().filter_map(|file| file.outcome.as_ref().ok()).cloned().collect();
        let mut reports = Vec::with_capacity(taken.len());
        for Taken { path, outcome } in taken {
            let state = match outcome {
                Err(refused) => refused,
                Ok(plugin) => self.activate_file(&path, plugin, &installed).await,
            };
            reports.push(FileReport { path, state });
        }
        reports
    }

    async fn activate_file(
        &self,
        path: &str,
        plugin: InstalledPlugin,
        installed: &[InstalledPlugin],
    ) -> FileState {
        let reference = plugin.reference.clone();
        let PluginRef { name, version, .. } = &reference;
        match self.activate_if_newest(plugin, installed).await {
            Ok(Some(activation)) => {
                tell_of(path, &activation);
                FileState::Installed(reference)
            }
            Ok(None) => FileState::Installed(reference),
            Err(problem) => {
                tracing::error!(file = path, name, version, problem, "it cannot be activated");
                FileState::Inactive { plugin: reference, problem }
            }
        }
    }

    async fn activate_if_newest(
        &self,
        plugin: InstalledPlugin,
        installed: &[InstalledPlugin],
    ) -> Result<Option<Activation>, String> {
        if plugin.activated_at.is_some() && !plugin.active {
            return Ok(None);
        }
        let of_name = |other: &&InstalledPlugin| {
            other.scope == plugin.scope
                && other.reference.name == plugin.reference.name
                && other.reference != plugin.reference
        };
        for other in installed.iter().filter(of_name) {
            match order(&plugin.reference.version, &other.reference.version) {
                Some(Ordering::Greater) => {}
                Some(Ordering::Less) => return Ok(None),
                Some(Ordering::Equal) | None => {
                    return Err(format!(
                        "nobody can say whether it is newer than {} {}, which lies in the folder \
                         too; activate one with `cordon plugin activate`",
                        other.reference.name, other.reference.version
                    ));
                }
            }
        }
        let access =
            PluginAccess { scope: plugin.scope.clone(), operator: true, actor: Actor::Host };
        match self.switch_to(&access, plugin, false).await {
            Ok(activation) => Ok(Some(activation)),
            Err(Error::Unavailable(reason)) => Err(reason),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// Connections that stay with another version are told of at every look, until somebody grants
/// what they need or takes the file away.
fn tell_of(file: &str, activation: &Activation) {
    let PluginRef { name, version, .. } = &activation.plugin.plugin.reference;
    if !activation.moved.is_empty() {
        let moved = activation.moved.len();
        tracing::info!(file, name, version, moved, "connections went over to it");
    }
    for kept in &activation.kept {
        tracing::warn!(
            file, name, version,
            tenant.id = %kept.tenant,
            connection.id = %kept.connection,
            stays_with = kept.version,
            reason = kept.why.as_str(),
            "a connection stays with another version; `cordon plugin activate` says more"
        );
    }
}

fn too_many(most: usize) -> FileState {
    let reason = format!("the folder has more than {most} files");
    FileState::Refused { code: "too_many".to_owned(), reason }
}
