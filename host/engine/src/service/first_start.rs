//! What a fresh store needs before anybody can use it, and whether the store can be used at all.

use cordon_model::api_key::{ApiKey, KeyOwner};
use cordon_model::audit::{Actor, AuditEvent};
use cordon_model::commit::{Change, Commit};
use cordon_model::page::Page;
use cordon_model::tenant::{Tenant, TenantLimits};
use cordon_model::{ApiKeyId, Revision, Secret, TenantId, Timestamp};

use super::tenants::creation;
use crate::{Error, Services, new_uuid};

/// What the start came to.
#[derive(Debug)]
pub struct FirstStart {
    /// The operator's key, when one was made: to be written where only the operator can read it.
    /// It cannot be had again.
    pub operator_key: Option<Secret>,
}

impl Services {
    /// Creates the tenant `default` when there is no tenant, and an operator's key when there is
    /// none: under the hash that the configuration gives, else a new one. Doing it again changes
    /// nothing, except that a hash that was not seen before is added.
    ///
    /// # Errors
    /// When the store fails, or the system gives no randomness.
    pub async fn first_start(
        &self,
        operator_key_hash: Option<[u8; 32]>,
    ) -> Result<FirstStart, Error> {
        let now = self.now();
        let one = Page { limit: 1, cursor: None };
        if self.store().tenants(&one).await?.items.is_empty() {
            let tenant = default_tenant(now);
            let event = AuditEvent::new(&tenant.id, now, Actor::Host, "tenant.created");
            self.store().commit(creation(&tenant, event)).await?;
        }
        if let Some(hash) = operator_key_hash {
            if self.store().api_key_by_hash(&hash).await?.is_none() {
                self.store_operator_key("operator (configuration)", hash, now).await?;
            }
            return Ok(FirstStart { operator_key: None });
        }
        if !self.store().api_keys(None, &one).await?.items.is_empty() {
            return Ok(FirstStart { operator_key: None });
        }
        let generated = super::api_keys::generate()?;
        self.store_operator_key("operator", generated.hash, now).await?;
        Ok(FirstStart { operator_key: Some(generated.value) })
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
