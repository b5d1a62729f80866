//! Importing the whole configuration of an agent (`DataGrailAgentConfig`): all of it in one
//! commit, or nothing.
//!
//! Every connection is checked like one that is written by itself, but together: what one of them
//! finds, the templates of another may name. A connection that is there already and says the same
//! is left as it is, so that an import can be repeated; one that says something else is a
//! conflict, as an import replaces nothing. Connections of types that no plugin serves are listed
//! and left out. Secrets are no part of the document and are stored afterwards.

mod document;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use cordon_model::audit::AuditEvent;
use cordon_model::commit::{Change, Commit};
use cordon_model::connection::Connection;
use cordon_model::tenant::{Allowance, Tenant};
use cordon_model::{Problem, Revision};
use serde_json::Value;

use self::document::Document;
pub use self::document::Unused;
use super::connections::assess::Sketch;
use super::connections::draft::plain_type;
use super::connections::names::Identities;
use super::problems::Problems;
use crate::{Access, Conflict, Error, Services};

/// What an import made, or would make.
#[derive(Debug, Clone)]
pub struct Import {
    /// The connections that were made.
    pub created: Vec<Imported>,
    /// The connections that were there already and say the same.
    pub unchanged: Vec<Imported>,
    /// The connections that no plugin serves.
    pub not_imported: Vec<NotImported>,
    /// What else of the document has no effect here.
    pub unused: Vec<Unused>,
    /// The tenant, as it is afterwards.
    pub tenant: Tenant,
    /// Its time limit, as it is afterwards.
    pub job_timeout: Duration,
    /// Whether the import set the tenant's time limit.
    pub limit_set: bool,
    /// Nothing was written.
    pub dry_run: bool,
}

/// A connection of the document that is stored afterwards.
#[derive(Debug, Clone)]
pub struct Imported {
    /// JSON pointer into the document.
    pub pointer: String,
    /// The connection. Its problems point into itself.
    pub connection: Connection,
}

/// A connection of the document that was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotImported {
    /// JSON pointer into the document.
    pub pointer: String,
    /// Its name, when it has one.
    pub name: Option<String>,
    /// Its type.
    pub connector_type: String,
    /// Why, with the type that was probably meant.
    pub reason: String,
}

/// The connections of a document, sorted by what becomes of them.
#[derive(Default)]
struct Sorted {
    new: Vec<(String, Sketch)>,
    unchanged: Vec<Imported>,
    not_imported: Vec<NotImported>,
    conflicts: Vec<String>,
}

impl Services {
    /// Imports a document. A dry run checks everything and writes nothing.
    ///
    /// # Errors
    /// Every problem of the document, by pointer; else that something is there already and
    /// differs. Nothing is written then.
    pub async fn import_datagrail(
        &self,
        access: &Access,
        body: Value,
        dry_run: bool,
    ) -> Result<Import, Error> {
        let mut problems = Problems::default();
        let document = document::read(&body, &mut problems);
        let sorted = self.sort(access, &document, &mut problems).await?;
        let created = self.conclude_all(access, sorted.new, &mut problems).await?;
        problems.finish()?;
        let mut tenant = self.tenant_by_id(access.tenant()).await?;
        let limit_set =
            set_limit(&mut tenant, &self.options.allowance, &document, &sorted.conflicts)?;
        if !sorted.conflicts.is_empty() {
            return Err(Error::conflict(Conflict::Exists, sorted.conflicts.join("; ")));
        }
        if !dry_run {
            self.write_import(access, &created, limit_set.then_some(&tenant)).await?;
        }
        Ok(Import {
            created,
            unchanged: sorted.unchanged,
            not_imported: sorted.not_imported,
            unused: document.unused,
            job_timeout: tenant.limits.over(&self.options.allowance).job_timeout,
            tenant,
            limit_set,
            dry_run,
        })
    }

    /// Looks at each connection by itself.
    async fn sort(
        &self,
        access: &Access,
        document: &Document<'_>,
        problems: &mut Problems,
    ) -> Result<Sorted, Error> {
        let mut sorted = Sorted::default();
        let most = self.options.import_connections_max;
        if document.connections.len() > most {
            let message = format!("at most {most} connections can be imported at once");
            problems.error("too_many", "/connections", message);
            return Ok(sorted);
        }
        for (n, body) in document.connections.iter().enumerate() {
            let pointer = format!("/connections/{n}");
            if let Some(not_imported) = self.not_served(access, &pointer, body) {
                sorted.not_imported.push(not_imported);
                continue;
            }
            if let Some(stored) = self.stored_as(access, body).await? {
                if says_the_same(&stored, body) {
                    sorted.unchanged.push(Imported { pointer, connection: stored });
                } else {
                    sorted.conflicts.push(format!(
                        "{pointer}: there is a connection {} already, and it differs",
                        stored.key
                    ));
                }
                continue;
            }
            match self.sketch_new(access, body.clone()).await {
                Ok(sketch) => sorted.new.push((pointer, sketch)),
                Err(error) => refused(error, &pointer, problems)?,
            }
        }
        check_unique(&sorted, problems);
        Ok(sorted)
    }

    /// A connection whose type is written and served by no plugin.
    fn not_served(&self, access: &Access, pointer: &str, body: &Value) -> Option<NotImported> {
        let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
        let connector_type = text("connector_type")?;
        if self.ports.connectors.plugin_for(&access.tenant, plain_type(&connector_type)).is_some() {
            return None;
        }
        Some(NotImported {
            pointer: pointer.to_owned(),
            name: text("name"),
            reason: self.no_plugin_for(&access.tenant, &connector_type),
            connector_type,
        })
    }

    /// Looks at the connections together: each may name what another one finds.
    async fn conclude_all(
        &self,
        access: &Access,
        new: Vec<(String, Sketch)>,
        problems: &mut Problems,
    ) -> Result<Vec<Imported>, Error> {
        let stored = self.all_connections(access.tenant()).await?;
        let mut identities = Identities::new(self.kinds_known_to(access.tenant(), &stored).await?);
        for (_, sketch) in &new {
            identities.declare(&sketch.connection.queries);
        }
        let mut created = Vec::with_capacity(new.len());
        for (pointer, sketch) in new {
            match self.conclude(sketch, None, &identities).await {
                Ok(connection) => created.push(Imported { pointer, connection }),
                Err(error) => refused(error, &pointer, problems)?,
            }
        }
        Ok(created)
    }

    async fn write_import(
        &self,
        access: &Access,
        created: &[Imported],
        tenant: Option<&Tenant>,
    ) -> Result<(), Error> {
        let (mut changes, mut audit): (Vec<_>, Vec<_>) =
            created.iter().map(|imported| self.writing(access, &imported.connection)).unzip();
        if let Some(tenant) = tenant {
            let event =
                AuditEvent::new(&tenant.id, self.now(), access.actor.clone(), "tenant.updated")
                    .with(
                        "job_timeout_seconds",
                        tenant.limits.job_timeout.map_or(0, |t| t.as_secs()),
                    );
            changes.push(Change::PutTenant(tenant.clone()));
            audit.push(event);
        }
        if changes.is_empty() {
            return Ok(());
        }
        self.commit_write(Commit { changes, audit }, None).await
    }
}

/// Adds the problems of a connection, as problems of the document.
fn refused(error: Error, pointer: &str, problems: &mut Problems) -> Result<(), Error> {
    let Error::Invalid(found) = error else { return Err(error) };
    let located =
        |problem: Problem| Problem { pointer: format!("{pointer}{}", problem.pointer), ..problem };
    problems.extend(found.into_iter().map(located));
    Ok(())
}

/// Two connections of one document cannot have one key or one UUID.
fn check_unique(sorted: &Sorted, problems: &mut Problems) {
    let stored = sorted.unchanged.iter().map(|same| (&same.pointer, &same.connection));
    let new = sorted.new.iter().map(|(pointer, sketch)| (pointer, &sketch.connection));
    let (mut keys, mut uuids) = (BTreeSet::new(), BTreeSet::new());
    for (pointer, connection) in stored.chain(new) {
        // A key that was not written was made of the name.
        let key = if connection.config.get("key").is_some() { "key" } else { "name" };
        let twice =
            [(key, !keys.insert(&connection.key)), ("uuid", !uuids.insert(connection.uuid))];
        for (name, _) in twice.iter().filter(|(_, twice)| *twice) {
            let message = "another connection of the document has the same; give each its own";
            problems.error("duplicate", format!("{pointer}/{name}"), message);
        }
    }
}

/// Whether an object says of a stored connection what was written before. The key and the UUID
/// may be left out; both spellings of a type are one.
fn says_the_same(stored: &Connection, body: &Value) -> bool {
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    text("key").is_none_or(|key| key == stored.key.as_str())
        && text("uuid").is_none_or(|uuid| uuid.eq_ignore_ascii_case(&stored.uuid.to_string()))
        && text("connector_type").map(plain_type) == Some(&stored.connector_type)
        && told(&stored.config) == told(body)
}

/// What an object says beside what it is called and is a use of.
fn told(object: &Value) -> BTreeMap<&str, &Value> {
    let members = object.as_object().into_iter().flatten();
    members
        .map(|(name, value)| (name.as_str(), value))
        .filter(|(name, value)| {
            !value.is_null() && !["key", "uuid", "connector_type"].contains(name)
        })
        .collect()
}

/// Sets the tenant's time limit, unless somebody chose another one (BEHAVIOUR C3).
fn set_limit(
    tenant: &mut Tenant,
    usual: &Allowance,
    document: &Document<'_>,
    conflicts: &[String],
) -> Result<bool, Error> {
    let Some(wanted) = document.job_timeout else { return Ok(false) };
    if tenant.limits.over(usual).job_timeout == wanted {
        return Ok(false);
    }
    if let Some(limit) = tenant.limits.job_timeout {
        let detail = format!(
            "/job_timeout_seconds: the tenant's limit was set to {}; leave the member out, or \
             change the tenant first",
            limit.as_secs()
        );
        let detail = conflicts.iter().cloned().chain([detail]).collect::<Vec<_>>().join("; ");
        return Err(Error::conflict(Conflict::AlreadySet, detail));
    }
    tenant.limits.job_timeout = Some(wanted);
    tenant.revision = Revision::next(tenant.revision);
    Ok(true)
}
