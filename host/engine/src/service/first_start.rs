//! What a fresh store needs before anybody can use it, and whether the store can be used at all.

use cordon_model::api_key::{ApiKey, KeyOwner};
use cordon_model::audit::{Actor, AuditEvent};
use cordon_model::commit::{Change, Commit};
use cordon_model::page::Page;
use cordon_model::tenant::{Tenant, TenantLimits};
use cordon_model::{ApiKeyId, Revision, Secret, TenantId, Timestamp};

use super::tenants::creation;
use crate::{Error, Services, new_uuid};

impl Services {
    /// Creates the tenant `default` when there is no tenant, and an operator's key when there is
    /// none: under the hash that the configuration gives, else a new one. Doing it again changes
    /// nothing, except that a hash that was not seen before is added.
    ///
    /// A new key is given to `keep`, which puts it where only the operator can read it, before
    /// its hash is stored: a crash in between makes another key at the next start, and never
    /// leaves a store whose key nobody has.
    ///
    /// # Errors
    /// When the store fails, the system gives no randomness, or `keep` fails.
    pub async fn first_start<E: From<Error>>(
        &self,
        operator_key_hash: Option<[u8; 32]>,
        keep: impl FnOnce(&Secret) -> Result<(), E>,
    ) -> Result<(), E> {
        let now = self.now();
        let one = Page { limit: 1, cursor: None };
        if self.store().tenants(&one).await.map_err(Error::from)?.items.is_empty() {
            let tenant = default_tenant(now);
            let event = AuditEvent::new(&tenant.id, now, Actor::Host, "tenant.created");
            self.store().commit(creation(&tenant, event)).await.map_err(Error::from)?;
        }
        if let Some(hash) = operator_key_hash {
            if self.store().api_key_by_hash(&hash).await.map_err(Error::from)?.is_none() {
                self.store_operator_key("operator (configuration)", hash, now).await?;
            }
            return Ok(());
        }
        if self.store().api_keys(None, &one).await.map_err(Error::from)?.items.is_empty() {
            let generated = super::api_keys::generate()?;
            keep(&generated.value)?;
            self.store_operator_key("operator", generated.hash, now).await?;
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

    async fn store_operator_key(
        &self,
        name: &str,
        hash: [u8; 32],
        now: Timestamp,
    ) -> Result<(), Error> {
        let key = ApiKey {
            id: ApiKeyId::new(new_uuid(now)),
            owner: KeyOwner::Operator,
            name: name.to_owned(),
            // An operator's key has every scope by its owner.
            scopes: Vec::new(),
            hash,
            expires_at: None,
            created_at: now,
        };
        let event = AuditEvent {
            tenant: None,
            request: None,
            at: now,
            actor: Actor::Host,
            event: "operator_key.created".to_owned(),
            facts: vec![("api_key".to_owned(), key.id.to_string())],
        };
        Ok(self.store().commit(Commit::of(Change::PutApiKey(key), event)).await?)
    }
}

fn default_tenant(now: Timestamp) -> Tenant {
    Tenant {
        id: TenantId::default_tenant(),
        display_name: "Default".to_owned(),
        limits: TenantLimits::default(),
        identity_kinds: Tenant::initial_identity_kinds(),
        suspended: false,
        created_at: now,
        revision: Revision::FIRST,
    }
}
