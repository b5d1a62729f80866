//! Connections: written, read, listed, removed.
//!
//! A connection is written whole, as one JSON object, and checked in `assess`; all problems are
//! reported together and then nothing is stored. Secrets are written in [`super::secrets`].

pub(super) mod assess;
pub(super) mod draft;
mod merge;
pub(super) mod names;
mod places;

use cordon_model::audit::AuditEvent;
use cordon_model::commit::{Change, Commit};
use cordon_model::connection::Connection;
use cordon_model::page::{Listing, Page};
use cordon_model::policy::PolicyTerms;
use cordon_model::port::CredentialsSource;
use cordon_model::{ConnectionKey, Problem, Revision};
use serde_json::Value;
use uuid::Uuid;

use self::assess::Sketch;
use super::revisions::next_revision;
use crate::{Access, Conflict, Error, Missing, Services};

/// The connector type whose connections have no secrets and take their fields from policies.
pub(super) const MANUAL_WEBHOOK: &str = "manual_webhook";

/// What a path names: a key or a UUID, which never look alike.
enum Named {
    Key(ConnectionKey),
    Uuid(Uuid),
}

/// What the path says that the object's key or UUID is.
#[derive(Default)]
struct Wanted {
    key: Option<ConnectionKey>,
    uuid: Option<Uuid>,
}

impl Services {
    /// Creates a connection.
    ///
    /// # Errors
    /// All problems of the object, or that its key or UUID is taken.
    pub async fn create_connection(
        &self,
        access: &Access,
        body: Value,
    ) -> Result<Connection, Error> {
        let connection = self.assess(access, body, None, Wanted::default()).await?;
        self.store_connection(access, &connection, None).await?;
        Ok(connection)
    }

    /// Creates or replaces a connection; true: it was created.
    ///
    /// # Errors
    /// All problems of the object, or that it was changed since it was read.
    pub async fn put_connection(
        &self,
        access: &Access,
        name: &str,
        body: Value,
        if_match: Option<Revision>,
    ) -> Result<(Connection, bool), Error> {
        let named = named(name).ok_or_else(|| {
            let message = "the path must name a key or a UUID";
            Error::problem(Problem::error("invalid_key", "/key", message))
        })?;
        let stored = self.stored_connection(access, &named).await?;
        next_revision(stored.as_ref().map(|stored| stored.revision), if_match)?;
        let wanted = match named {
            Named::Key(key) => Wanted { key: Some(key), uuid: None },
            Named::Uuid(uuid) => Wanted { key: None, uuid: Some(uuid) },
        };
        let connection = self.assess(access, body, stored.as_ref(), wanted).await?;
        self.store_connection(access, &connection, if_match).await?;
        Ok((connection, stored.is_none()))
    }

    /// Changes parts of a connection (RFC 7396). What comes out is checked as if it was written
    /// whole.
    ///
    /// # Errors
    /// As for [`Services::put_connection`], or that there is no such connection.
    pub async fn patch_connection(
        &self,
        access: &Access,
        name: &str,
        patch: Value,
        if_match: Option<Revision>,
    ) -> Result<Connection, Error> {
        let stored = self.connection(access, name).await?;
        next_revision(Some(stored.revision), if_match)?;
        let body = merge::merged(stored.config.clone(), patch);
        let connection = self.assess(access, body, Some(&stored), Wanted::default()).await?;
        self.store_connection(access, &connection, if_match).await?;
        Ok(connection)
    }

    /// One connection, by its key or UUID.
    ///
    /// # Errors
    /// When the tenant has none of this name.
    pub async fn connection(&self, access: &Access, name: &str) -> Result<Connection, Error> {
        let missing = || Error::NotFound(Missing::Connection);
        let named = named(name).ok_or_else(missing)?;
        self.stored_connection(access, &named).await?.ok_or_else(missing)
    }

    /// Where a connection's credentials come from.
    pub fn credentials_source(&self, connection: &Connection) -> CredentialsSource {
        self.ports.secrets.source(connection)
    }

    /// The tenant's connections.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn connections(
        &self,
        access: &Access,
        page: &Page,
    ) -> Result<Listing<Connection>, Error> {
        Ok(self.store().connections(&access.tenant, page).await?)
    }

    /// Removes a connection with its secrets.
    ///
    /// # Errors
    /// When a request that is not final, a manual webhook or a policy uses it.
    pub async fn delete_connection(
        &self,
        access: &Access,
        name: &str,
        if_match: Option<Revision>,
    ) -> Result<(), Error> {
        let stored = self.connection(access, name).await?;
        next_revision(Some(stored.revision), if_match)?;
        self.refuse_when_used(access, &stored.key).await?;
        let event = self.event_about(access, "connection.deleted", &stored);
        let change = Change::DeleteConnection(access.tenant.clone(), stored.key, stored.revision);
        self.commit_write(Commit::of(change, event), if_match).await
    }

    async fn refuse_when_used(&self, access: &Access, key: &ConnectionKey) -> Result<(), Error> {
        let requests = self.store().open_requests_using(&access.tenant, key).await?;
        let webhook = self.store().manual_webhook(&access.tenant, key).await?;
        let policies = self.policies_naming(access, key).await?;
        if requests == 0 && webhook.is_none() && policies == 0 {
            return Ok(());
        }
        let detail = format!(
            "the connection is used by {requests} open requests, {} manual webhooks and \
             {policies} policies that list it",
            u8::from(webhook.is_some()),
        );
        Err(Error::conflict(Conflict::InUse, detail))
    }

    async fn policies_naming(&self, access: &Access, key: &ConnectionKey) -> Result<usize, Error> {
        let (mut count, mut page) = (0, Page::first());
        loop {
            let listing = self.store().policies(&access.tenant, &page).await?;
            let lists = |terms: &PolicyTerms| {
                terms.connections.as_ref().is_some_and(|connections| connections.contains(key))
            };
            count += listing.items.iter().filter(|policy| lists(&policy.terms)).count();
            match listing.next_cursor {
                Some(cursor) => page.cursor = Some(cursor),
                None => return Ok(count),
            }
        }
    }

    async fn stored_connection(
        &self,
        access: &Access,
        named: &Named,
    ) -> Result<Option<Connection>, Error> {
        Ok(match named {
            Named::Key(key) => self.store().connection(&access.tenant, key).await?,
            Named::Uuid(uuid) => self.store().connection_by_uuid(&access.tenant, *uuid).await?,
        })
    }

    async fn store_connection(
        &self,
        access: &Access,
        connection: &Connection,
        if_match: Option<Revision>,
    ) -> Result<(), Error> {
        let created = connection.revision == Revision::FIRST;
        if created && self.store().connection(&access.tenant, &connection.key).await?.is_some() {
            let detail = format!("there is a connection {} already", connection.key);
            return Err(Error::conflict(Conflict::Exists, detail));
        }
        let (change, event) = self.writing(access, connection);
        let commit = Commit::of(change, event);
        if connection.connector_type == MANUAL_WEBHOOK {
            let key = connection.key.clone();
            return self.commit_then_review(&access.tenant, key, commit, if_match).await;
        }
        self.commit_write(commit, if_match).await
    }

    /// How a connection is written, and the event that tells of it.
    pub(super) fn writing(&self, access: &Access, connection: &Connection) -> (Change, AuditEvent) {
        let created = connection.revision == Revision::FIRST;
        let word = if created { "connection.created" } else { "connection.updated" };
        let event = self
            .event_about(access, word, connection)
            .with("connector_type", &connection.connector_type)
            .with("plugin", connection.plugin.digest)
            .with("queries", connection.queries.len())
            .with("origins", connection.grants.http.len())
            .with("problems", connection.problems.len());
        (Change::PutConnection(Box::new(connection.clone())), event)
    }

    /// The first part of the checks of a new connection; see [`Services::conclude`].
    pub(super) async fn sketch_new(&self, access: &Access, body: Value) -> Result<Sketch, Error> {
        self.sketch(access, body, None, Wanted::default(), None).await
    }

    /// The stored connection that an object says it is: of its UUID, else of its key or of the
    /// one that its name makes. What the object says wrong of itself finds nothing.
    pub(super) async fn stored_as(
        &self,
        access: &Access,
        body: &Value,
    ) -> Result<Option<Connection>, Error> {
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        if let Some(uuid) = text("uuid").and_then(|uuid| Uuid::parse_str(uuid).ok())
            && let Some(stored) = self.stored_connection(access, &Named::Uuid(uuid)).await?
        {
            return Ok(Some(stored));
        }
        let key = match text("key") {
            Some(key) => key.parse().ok(),
            None => text("name").and_then(|name| ConnectionKey::from_name(name).ok()),
        };
        let Some(key) = key else { return Ok(None) };
        self.stored_connection(access, &Named::Key(key)).await
    }

    pub(super) fn event_about(
        &self,
        access: &Access,
        word: &str,
        connection: &Connection,
    ) -> AuditEvent {
        AuditEvent::new(&access.tenant, self.now(), access.actor.clone(), word)
            .with("connection", &connection.key)
            .with("revision", connection.revision)
    }
}

fn named(name: &str) -> Option<Named> {
    match Uuid::parse_str(name) {
        Ok(uuid) => Some(Named::Uuid(uuid)),
        Err(_) => name.parse().ok().map(Named::Key),
    }
}
