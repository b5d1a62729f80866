//! Installing a component, from wherever it comes: who vouches for it, whether it is newer than
//! what was here, admission, one commit.

use bytes::Bytes;
use cordon_model::commit::{Change, Commit, CommitError, Target};
use cordon_model::plugin::{InstalledPlugin, PluginRef, PluginSignature};
use cordon_model::port::{Admission, AdmissionError, Candidate, Plugins, Readiness};
use cordon_model::{PluginDigest, Problem, Revision, TenantId};

use super::folder::Round;
use super::order::Step;
use super::signature::{Doubt, Vouched};
use super::{Installation, PluginAccess, Upload};
use crate::{Conflict, Error, Services};

/// How often an installation is tried because another version came in between.
const TRIES_MAX: u32 = 3;

/// A file of the operator's folder, and the look at the folder that found it.
#[derive(Clone, Copy)]
pub(super) struct FromFolder<'a> {
    pub(super) file: &'a str,
    pub(super) round: &'a Round,
}

/// What is to be installed, once it is known who vouches for it.
struct Wanted<'a> {
    name: Option<String>,
    version: Option<String>,
    activate: bool,
    allow_downgrade: bool,
    signature: Option<PluginSignature>,
    component: Bytes,
    from: Option<FromFolder<'a>>,
}

/// A plugin that was admitted and is not stored yet. Forgotten when this is dropped, whatever the
/// way, unless it was stored.
struct Admitted<'a> {
    plugins: &'a dyn Plugins,
    scope: Option<TenantId>,
    digest: PluginDigest,
    stored: bool,
}

impl Drop for Admitted<'_> {
    fn drop(&mut self) {
        if !self.stored {
            self.plugins.forget(self.scope.as_ref(), self.digest);
        }
    }
}

impl Services {
    /// Admits a component and keeps it. The same component again is what it was before.
    ///
    /// # Errors
    /// Every reason against it; that its type, its name or its version is taken; that its
    /// signature does not count, or that it is older than what was here. Nothing is kept then.
    pub async fn install_plugin(
        &self,
        access: &PluginAccess,
        upload: Upload,
    ) -> Result<Installation, Error> {
        self.install(access, upload, None).await
    }

    pub(super) async fn install(
        &self,
        access: &PluginAccess,
        upload: Upload,
        from: Option<FromFolder<'_>>,
    ) -> Result<Installation, Error> {
        check_words(&upload)?;
        let wanted = match self.wanted(upload, from).await {
            Ok(wanted) => wanted,
            Err(error) => return Err(self.note_refusal(access, error).await),
        };
        let scope = access.scope.as_ref();
        let digest = digest_of(wanted.component.clone()).await?;
        let stored = self.store().plugins(scope).await?;
        if let Some(known) = stored.iter().find(|plugin| plugin.reference.digest == digest) {
            return self.install_again(access, known.clone(), wanted).await;
        }
        let most = self.options.plugins_max;
        if stored.len() >= most {
            let message = format!("{most} plugins are installed already; remove one first");
            return Err(Error::problem(Problem::error("too_many", "", message)));
        }
        let candidate = Candidate {
            scope: scope.cloned(),
            name: wanted.name.clone(),
            version: wanted.version.clone(),
            component: wanted.component.clone(),
        };
        match self.ports.plugins.admit(candidate).await {
            Ok(admission) => self.install_new(access, admission, wanted).await,
            Err(AdmissionError::Loaded(known)) => {
                let stored = self.store().plugin(scope, &known.name, &known.version).await?;
                let stored = stored.ok_or_else(|| {
                    let detail = "this component is being installed at this moment; try again";
                    Error::conflict(Conflict::Changed, detail)
                })?;
                self.install_again(access, stored, wanted).await
            }
            Err(error) => Err(self.note_refusal(access, refusal(error)).await),
        }
    }

    /// What a signature vouches for goes before everything else that says what it is, and must not
    /// contradict what the uploader says.
    async fn wanted<'a>(
        &self,
        upload: Upload,
        from: Option<FromFolder<'a>>,
    ) -> Result<Wanted<'a>, Error> {
        let Upload { name, version, activate, allow_downgrade, signature, component } = upload;
        let vouched = self.vouched(signature, &component).await?;
        let (name, version, signature) = match vouched {
            None => (name, version, None),
            Some(Vouched { name: signed, version: signed_as, signature }) => {
                let other = name.as_ref().is_some_and(|name| *name != signed)
                    || version.as_ref().is_some_and(|version| *version != signed_as);
                if other {
                    let wanted = [name.unwrap_or(signed.clone()), version.unwrap_or_default()];
                    let (signed, wanted) = (format!("{signed} {signed_as}"), wanted.join(" "));
                    return Err(Error::problem(Doubt::Other { signed, wanted }.problem()));
                }
                (Some(signed), Some(signed_as), Some(signature))
            }
        };
        Ok(Wanted { name, version, activate, allow_downgrade, signature, component, from })
    }

    async fn install_new(
        &self,
        access: &PluginAccess,
        admission: Admission,
        wanted: Wanted<'_>,
    ) -> Result<Installation, Error> {
        let mut admitted = Admitted {
            plugins: &*self.ports.plugins,
            scope: access.scope.clone(),
            digest: admission.plugin.reference.digest,
            stored: false,
        };
        let Wanted { activate, allow_downgrade, signature, component, from, .. } = wanted;
        let Admission { plugin, imports, size } = admission;
        let plugin = InstalledPlugin {
            scope: plugin.scope,
            reference: plugin.reference,
            descriptor: plugin.descriptor,
            imports,
            size,
            active: false,
            activated_at: None,
            signature,
            file: from.map(|from| from.file.to_owned()),
            installed_by: access.actor_name(),
            installed_at: self.now(),
            revision: Revision::FIRST,
        };
        self.commit_new(access, &plugin, &component, (allow_downgrade, from)).await?;
        admitted.stored = true;
        drop(admitted);
        self.concluded(access, plugin, true, activate).await
    }

    /// The plugin and what is remembered of its versions, in one commit. Tried again when another
    /// version of it was committed in between.
    async fn commit_new(
        &self,
        access: &PluginAccess,
        plugin: &InstalledPlugin,
        component: &Bytes,
        (allow_downgrade, from): (bool, Option<FromFolder<'_>>),
    ) -> Result<(), Error> {
        let PluginRef { name, version, .. } = &plugin.reference;
        let scope = plugin.scope.as_ref();
        for _ in 0..TRIES_MAX {
            let seen = self.seen(scope, name).await?;
            let judged =
                from.map_or_else(|| seen.clone(), |from| from.round.seen(scope, name, &seen));
            let down_from = match judged.step(name, version, allow_downgrade) {
                Ok(step) => step.down_from,
                Err(error) => return Err(self.note_refusal(access, error).await),
            };
            // What is remembered is what is stored, and not what a round began with.
            let step = Step { down_from, ..seen.step(name, version, true)? };
            let mut changes =
                vec![Change::PutPlugin(Box::new(plugin.clone()), Some(component.clone()))];
            changes.extend(seen.noting(&step, scope, name));
            let mut event =
                self.plugin_event(access, "plugin.installed", plugin).with("size", plugin.size);
            if let Some(signature) = &plugin.signature {
                event = event.with("publisher", &signature.publisher);
                event = event.with("key", &signature.key_id);
            }
            let down = step.down_from.map(|newest| {
                self.plugin_event(access, "plugin.downgraded", plugin).with("newest", newest)
            });
            let audit = std::iter::once(event).chain(down).collect();
            match self.store().commit(Commit { changes, audit }).await {
                Ok(()) => return Ok(()),
                Err(CommitError::Conflict(Target::Plugin(_))) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let detail = "other versions of this plugin are being installed; try again";
        Err(Error::conflict(Conflict::Changed, detail))
    }

    /// The same bytes came again.
    async fn install_again(
        &self,
        access: &PluginAccess,
        stored: InstalledPlugin,
        again: Wanted<'_>,
    ) -> Result<Installation, Error> {
        let known = &stored.reference;
        let Wanted { name, version, activate, signature, component, from, .. } = again;
        let other = name.is_some_and(|name| name != known.name)
            || version.is_some_and(|version| version != known.version);
        if other {
            let detail = format!("this component is installed as {} {}", known.name, known.version);
            return Err(Error::conflict(Conflict::Exists, detail));
        }
        let file = from.map(|from| from.file.to_owned());
        let stored = match self.ports.plugins.readiness(stored.scope.as_ref(), known.digest) {
            Readiness::Unavailable(_) => {
                let file = file.or(stored.file);
                let stored = InstalledPlugin { signature, file, ..stored };
                self.mend(access, stored, component).await?
            }
            Readiness::Ready | Readiness::Loading => {
                self.told_more(access, stored, signature, file).await?
            }
        };
        self.concluded(access, stored, false, activate).await
    }

    /// Keeps who vouches for a plugin, and which file it is, when that was not known.
    async fn told_more(
        &self,
        access: &PluginAccess,
        stored: InstalledPlugin,
        signature: Option<PluginSignature>,
        file: Option<String>,
    ) -> Result<InstalledPlugin, Error> {
        let signature = signature.or_else(|| stored.signature.clone());
        let file = file.or_else(|| stored.file.clone());
        if (&signature, &file) == (&stored.signature, &stored.file) {
            return Ok(stored);
        }
        let is_signed = signature != stored.signature;
        let plugin =
            InstalledPlugin { signature, file, revision: stored.revision.next(), ..stored };
        let events = plugin.signature.iter().filter(|_| is_signed).map(|signature| {
            self.plugin_event(access, "plugin.signed", &plugin)
                .with("publisher", &signature.publisher)
                .with("key", &signature.key_id)
        });
        let audit = events.collect();
        let changes = vec![Change::PutPlugin(Box::new(plugin.clone()), None)];
        self.commit_write(Commit { changes, audit }, None).await?;
        Ok(plugin)
    }

    /// Puts the component of a plugin that could not be loaded in the place of what is there.
    async fn mend(
        &self,
        access: &PluginAccess,
        stored: InstalledPlugin,
        component: Bytes,
    ) -> Result<InstalledPlugin, Error> {
        let PluginRef { name, version, digest } = stored.reference.clone();
        let plugin = InstalledPlugin { revision: Revision::FIRST, ..stored.clone() };
        let changes = vec![
            Change::DeletePlugin(stored.scope, name, version, stored.revision),
            Change::PutPlugin(Box::new(plugin.clone()), Some(component.clone())),
        ];
        let audit = vec![self.plugin_event(access, "plugin.mended", &plugin)];
        self.commit_write(Commit { changes, audit }, None).await?;
        self.ports.plugins.forget(plugin.scope.as_ref(), digest);
        self.ports.plugins.announce(&plugin);
        self.ports.plugins.load(&plugin, component).await;
        Ok(plugin)
    }

    async fn concluded(
        &self,
        access: &PluginAccess,
        plugin: InstalledPlugin,
        created: bool,
        activate: bool,
    ) -> Result<Installation, Error> {
        if !activate || (plugin.active && !created) {
            return Ok(Installation { plugin: self.known(plugin), created, activation: None });
        }
        let activation = self.switch_to(access, plugin, false).await?;
        Ok(Installation {
            plugin: activation.plugin.clone(),
            created,
            activation: Some(activation),
        })
    }

    /// A component was refused, which the ledger tells too. What the host could not do is no
    /// refusal.
    async fn note_refusal(&self, access: &PluginAccess, error: Error) -> Error {
        let code = match &error {
            Error::Invalid(problems) => problems.first().map(|problem| problem.code.clone()),
            Error::Conflict { code, .. } => Some(code.as_str().to_owned()),
            _ => return error,
        };
        let code = code.unwrap_or_default();
        metrics::counter!("cordon_plugins_refused_total", "code" => code.clone()).increment(1);
        let event = self.event_of_scope(access, "plugin.refused", access.scope.clone());
        let audit = vec![event.with("code", code)];
        if let Err(error) = self.store().commit(Commit { changes: Vec::new(), audit }).await {
            tracing::warn!(%error, "the refusal of a plugin could not be written to the ledger");
        }
        error
    }
}

fn refusal(error: AdmissionError) -> Error {
    match error {
        AdmissionError::Refused(problems) => Error::Invalid(problems),
        AdmissionError::TypeTaken(detail) => Error::conflict(Conflict::TypeTaken, detail),
        AdmissionError::VersionTaken(detail) => Error::conflict(Conflict::VersionTaken, detail),
        AdmissionError::Loaded(_) => Error::Unavailable("loaded twice".to_owned()),
        AdmissionError::Host(what) => Error::Unavailable(what),
    }
}

/// Away from the threads that serve.
async fn digest_of(component: Bytes) -> Result<PluginDigest, Error> {
    let digest = tokio::task::spawn_blocking(move || PluginDigest::of(&component)).await;
    digest.map_err(|_| Error::Unavailable("a digest could not be computed".to_owned()))
}

fn check_words(upload: &Upload) -> Result<(), Error> {
    let mut problems = Vec::new();
    if upload.name.as_deref().is_some_and(|name| !PluginRef::is_name(name)) {
        let message = "?name= must be 1 to 64 characters of a-z, 0-9, _ and -, beginning with a \
                       letter or a digit";
        problems.push(Problem::error("invalid_name", "", message));
    }
    if upload.version.as_deref().is_some_and(|version| !PluginRef::is_version(version)) {
        let message = "?version= must be 1 to 64 characters of letters, digits, ., +, _ and -, \
                       beginning with a letter or a digit";
        problems.push(Problem::error("invalid_version", "", message));
    }
    if problems.is_empty() { Ok(()) } else { Err(Error::Invalid(problems)) }
}
