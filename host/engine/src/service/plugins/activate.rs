//! Switching to another version of a plugin, forwards or back.
//!
//! New connections are written with it from then on. Those that are there are checked with it one
//! by one: what it would refuse, or what would need more than was granted, stays with the version
//! that it was checked with, until somebody grants what is missing and switches again, or writes
//! the connection. Requests that are under way keep the version that they pin.

use cordon_model::audit::AuditEvent;
use cordon_model::commit::{Change, Commit, CommitError};
use cordon_model::connection::Connection;
use cordon_model::grant::Grants;
use cordon_model::plugin::{InstalledPlugin, Plugin};
use cordon_model::port::Readiness;
use cordon_model::{ConnectionKey, PluginDigest, Problem, Revision, TenantId};
use futures_util::{StreamExt as _, stream};

use super::{KnownPlugin, PluginAccess};
use crate::service::revisions::next_revision;
use crate::{Access, Conflict, Error, Services};

/// How often a connection is looked at again because it was written in between.
const TRIES_MAX: u32 = 3;

/// What a switch did, or would do.
#[derive(Debug, Clone)]
pub struct Activation {
    /// The version that is active now; in a dry run, that would be.
    pub plugin: KnownPlugin,
    /// Nothing was changed.
    pub dry_run: bool,
    /// Connections that are with it now, those that were before included.
    pub moved_count: usize,
    /// The first of them that were not.
    pub moved: Vec<Moved>,
    /// Connections that stay with the version that they were checked with.
    pub kept_count: usize,
    /// The first of them.
    pub kept: Vec<Kept>,
}

/// A connection that goes over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// Whose.
    pub tenant: TenantId,
    /// Which.
    pub connection: ConnectionKey,
    /// From which component.
    pub from: PluginDigest,
}

/// A connection that stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Whose.
    pub tenant: TenantId,
    /// Which.
    pub connection: ConnectionKey,
    /// The version that it stays with.
    pub version: String,
    /// Why.
    pub why: Why,
}

/// Why a connection stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// It would need this beyond what it was granted.
    NeedsMore(Box<Grants>),
    /// The version refuses its configuration.
    Refused(Vec<Problem>),
    /// It could not be looked at now.
    NotNow(String),
}

/// What one connection comes to.
enum Verdict {
    Same,
    Moved(Moved),
    Kept(Kept),
}

impl Why {
    /// The word used in the API and in the log.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::NeedsMore(_) => "needs_more",
            Self::Refused(_) => "refused",
            Self::NotNow(_) => "not_now",
        }
    }
}

impl Services {
    /// Makes a version the active one and takes the connections of its type along. A dry run
    /// says what would become of them.
    ///
    /// # Errors
    /// When there is no such plugin, it came with the host, or it cannot be loaded.
    pub async fn activate_plugin(
        &self,
        access: &PluginAccess,
        name: &str,
        version: &str,
        if_match: Option<Revision>,
        dry_run: bool,
    ) -> Result<Activation, Error> {
        let plugin = self.installed_plugin(access, name, version).await?;
        access.require_for(&plugin)?;
        next_revision(Some(plugin.revision), if_match)?;
        self.switch_to(access, plugin, dry_run).await
    }

    pub(super) async fn switch_to(
        &self,
        access: &PluginAccess,
        mut plugin: InstalledPlugin,
        dry_run: bool,
    ) -> Result<Activation, Error> {
        let digest = plugin.reference.digest;
        match self.ports.plugins.readiness(plugin.scope.as_ref(), digest) {
            Readiness::Ready => {}
            Readiness::Loading => {
                return Err(Error::Unavailable("the plugin is being loaded".to_owned()));
            }
            Readiness::Unavailable(why) => {
                let detail = format!("the plugin cannot be loaded: {why}");
                return Err(Error::conflict(Conflict::PluginUnavailable, detail));
            }
        }
        if !dry_run && !plugin.active {
            plugin = self.commit_switch(access, plugin).await?;
            self.ports.plugins.activate(plugin.scope.as_ref(), digest);
        }
        let connections = self.connections_of(&plugin).await?;
        let checks = connections.into_iter().map(|connection| {
            let plugin = plugin.plugin();
            async move { self.take_along(access, connection, plugin, dry_run).await }
        });
        let verdicts = stream::iter(checks).buffered(self.options.plugin_checks_max.max(1));
        let verdicts: Vec<Verdict> = verdicts.collect().await;
        Ok(self.summed_up(plugin, dry_run, verdicts))
    }

    /// The version that was active and the one that is to be, in one commit.
    async fn commit_switch(
        &self,
        access: &PluginAccess,
        plugin: InstalledPlugin,
    ) -> Result<InstalledPlugin, Error> {
        let put = |plugin: &InstalledPlugin| Change::PutPlugin(Box::new(plugin.clone()), None);
        let now = self.now();
        let written = |plugin: InstalledPlugin, active: bool| {
            let revision = plugin.revision.next();
            let activated_at = if active { Some(now) } else { plugin.activated_at };
            InstalledPlugin { active, activated_at, revision, ..plugin }
        };
        let siblings = self.store().plugins(plugin.scope.as_ref()).await?;
        let of_type = |other: &InstalledPlugin| {
            other.active && other.descriptor.connector_type == plugin.descriptor.connector_type
        };
        let replaced: Vec<_> = siblings.into_iter().filter(of_type).collect();
        let mut event = self.plugin_event(access, "plugin.activated", &plugin);
        for before in &replaced {
            event = event.with("replaced", &before.reference.version);
        }
        let mut changes: Vec<Change> =
            replaced.into_iter().map(|before| put(&written(before, false))).collect();
        let plugin = written(plugin, true);
        changes.push(put(&plugin));
        self.commit_write(Commit { changes, audit: vec![event] }, None).await?;
        Ok(plugin)
    }

    /// Checks one connection with a plugin, and writes it with that where it may be.
    async fn take_along(
        &self,
        access: &PluginAccess,
        mut connection: Connection,
        plugin: Plugin,
        dry_run: bool,
    ) -> Verdict {
        for _ in 0..TRIES_MAX {
            let from = connection.plugin.digest;
            if from == plugin.reference.digest {
                return Verdict::Same;
            }
            let (tenant, key) = (connection.tenant.clone(), connection.key.clone());
            let acting = Access { tenant: tenant.clone(), actor: access.actor.clone() };
            let new = match self.reassess(&acting, &connection, plugin.clone()).await {
                Ok(new) => new,
                Err(Error::Invalid(problems)) => return kept(connection, Why::Refused(problems)),
                Err(error) => return kept(connection, not_now(&error)),
            };
            if let Some(missing) = asks_for_more(&connection, &new) {
                return kept(connection, Why::NeedsMore(Box::new(missing)));
            }
            let moved = Moved { tenant: tenant.clone(), connection: key.clone(), from };
            if dry_run {
                return Verdict::Moved(moved);
            }
            match self.store().commit(self.moving(&acting, new)).await {
                Ok(()) => return Verdict::Moved(moved),
                // Written in between: what stands there now is looked at.
                Err(CommitError::Conflict(_)) => {}
                Err(error) => return kept(connection, not_now(&error.into())),
            }
            match self.store().connection(&tenant, &key).await {
                Ok(Some(written)) => connection = written,
                Ok(None) => return Verdict::Same,
                Err(error) => return kept(connection, not_now(&error.into())),
            }
        }
        kept(connection, Why::NotNow("it is being written at this moment".to_owned()))
    }

    pub(super) fn moving(&self, acting: &Access, new: Connection) -> Commit {
        let word = "connection.plugin_changed";
        let event: AuditEvent = self
            .event_about(acting, word, &new)
            .with("plugin", new.plugin.digest)
            .with("version", &new.plugin.version)
            .with("problems", new.problems.len());
        Commit::of(Change::PutConnection(Box::new(new)), event)
    }

    fn summed_up(
        &self,
        plugin: InstalledPlugin,
        dry_run: bool,
        verdicts: Vec<Verdict>,
    ) -> Activation {
        let mut activation = Activation {
            plugin: self.known(plugin),
            dry_run,
            moved_count: 0,
            moved: Vec::new(),
            kept_count: 0,
            kept: Vec::new(),
        };
        for verdict in verdicts {
            match verdict {
                Verdict::Same => activation.moved_count += 1,
                Verdict::Moved(moved) => {
                    activation.moved_count += 1;
                    activation.moved.push(moved);
                }
                Verdict::Kept(kept) => {
                    activation.kept_count += 1;
                    activation.kept.push(kept);
                }
            }
        }
        activation.moved.truncate(self.options.plugin_connections_listed_max);
        activation.kept.truncate(self.options.plugin_connections_listed_max);
        activation
    }
}

fn kept(connection: Connection, why: Why) -> Verdict {
    let Connection { tenant, key, plugin, .. } = connection;
    Verdict::Kept(Kept { tenant, connection: key, version: plugin.version, why })
}

/// The reason goes to the log.
pub(super) fn not_now(error: &Error) -> Why {
    tracing::warn!(error.reason = %error, "a connection was not checked with another version");
    Why::NotNow("the host could not look at it now; switch again".to_owned())
}

/// What a connection would need beyond its grants and did not need before. One that waits for
/// approval already, and would wait for no more, may go over.
pub(super) fn asks_for_more(old: &Connection, new: &Connection) -> Option<Grants> {
    let waited_for = old.missing();
    let more = new.needs.beyond(&old.grants.clone().and(waited_for));
    (!more.is_empty()).then(|| new.needs.beyond(&old.grants))
}
