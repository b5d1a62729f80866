//! What a fresh store needs before anybody can use it, and whether the store can be used at all.

use std::collections::BTreeSet;

use cordon_model::api_key::{ApiKey, KeyOwner};
use cordon_model::audit::{Actor, AuditEvent};
use cordon_model::commit::{Change, Commit};
use cordon_model::grant::EgressLimits;
use cordon_model::page::Page;
use cordon_model::tenant::{Tenant, TenantLimits};
use cordon_model::{ApiKeyId, Revision, Secret, TenantId, Timestamp};

use super::tenants::creation;
use crate::{Error, Services, new_uuid};

impl Services {
    /// Creates the tenant `default` when there is no tenant, and an operator's key when there is
    /// none. Doing it again changes nothing.
    ///
    /// When the configuration gives the hash of the operator's key, that is the only one: every
    /// key of the operator that is stored is removed, so that one which was replaced is worth
    /// nothing, not even when the configuration gives none any more.
    ///
    /// A new key is given to `keep`, which puts it where only the operator can read it, before
    /// its hash is stored: a crash in between makes another key at the next start, and never
    /// leaves a store whose key nobody has.
    ///
    /// # Errors
    /// When the store fails, the system gives no randomness, or `keep` fails.
    pub async fn first_start<E: From<Error>>(
        &self,
        keep: impl FnOnce(&Secret) -> Result<(), E>,
    ) -> Result<(), E> {
        let now = self.now();
        let one = Page { limit: 1, cursor: None };
        if self.store().tenants(&one).await.map_err(Error::from)?.items.is_empty() {
            let tenant = default_tenant(now);
            let event = AuditEvent::new(&tenant.id, now, Actor::Host, "tenant.created");
            self.store().commit(creation(&tenant, event)).await.map_err(Error::from)?;
        }
        if self.options.operator_key_hash.is_some() {
            self.remove_operator_keys(now).await?;
            return Ok(());
        }
        if self.store().api_keys(None, &one).await.map_err(Error::from)?.items.is_empty() {
            let generated = super::api_keys::generate()?;
            keep(&generated.value)?;
            self.store_operator_key(generated.hash, now).await?;
        }
        Ok(())
    }

    /// Whether the store answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ready(&self) -> Result<(), Error> {
        self.store().tenant(&TenantId::default_tenant()).await?;
        Ok(())
    }

    async fn remove_operator_keys(&self, now: Timestamp) -> Result<(), Error> {
        loop {
            let keys = self.store().api_keys(None, &Page::first()).await?.items;
            if keys.is_empty() {
                return Ok(());
            }
            let remove = |key: &ApiKey| Change::DeleteApiKey(None, key.id);
            let tell = |key: &ApiKey| about_key("operator_key.deleted", key.id, now);
            let changes = keys.iter().map(remove).collect();
            let audit = keys.iter().map(tell).collect();
            self.store().commit(Commit { changes, audit }).await?;
        }
    }

    async fn store_operator_key(&self, hash: [u8; 32], now: Timestamp) -> Result<(), Error> {
        let key = ApiKey {
            id: ApiKeyId::new(new_uuid(now)),
            owner: KeyOwner::Operator,
            name: "operator".to_owned(),
            // An operator's key has every scope by its owner.
            scopes: Vec::new(),
            hash,
            expires_at: None,
            created_at: now,
        };
        let event = about_key("operator_key.created", key.id, now);
        Ok(self.store().commit(Commit::of(Change::PutApiKey(key), event)).await?)
    }
}

/// An event of the host's own ledger.
fn about_key(word: &str, key: ApiKeyId, at: Timestamp) -> AuditEvent {
    AuditEvent {
        tenant: None,
        request: None,
        at,
        actor: Actor::Host,
        event: word.to_owned(),
        facts: vec![("api_key".to_owned(), key.to_string())],
    }
}

fn default_tenant(now: Timestamp) -> Tenant {
    Tenant {
        id: TenantId::default_tenant(),
        display_name: "Default".to_owned(),
        limits: TenantLimits::default(),
        identity_kinds: Tenant::initial_identity_kinds(),
        egress: EgressLimits::default(),
        webhook_hosts: BTreeSet::new(),
        callback_secret: None,
        suspended: false,
        removing_since: None,
        created_at: now,
        revision: Revision::FIRST,
    }
}
