//! Keys of a tenant: made, listed, revoked. A key is shown once, when it is made; the store has
//! its SHA-256 only.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cordon_model::api_key::{ApiKey, KeyOwner, Scope};
use cordon_model::audit::AuditEvent;
use cordon_model::commit::{Change, Commit};
use cordon_model::page::{Listing, Page};
use cordon_model::{ApiKeyId, Secret, Timestamp};
use sha2::{Digest as _, Sha256};

use super::problems::{Problems, nearest};
use crate::{Access, Caller, Error, Missing, Services, new_uuid};

/// What a new key is to be.
#[derive(Debug, Clone)]
pub struct NewApiKey {
    /// For people and for the audit log.
    pub name: String,
    /// Words of scopes; at least one.
    pub scopes: Vec<String>,
    /// After this it answers 401; none: never.
    pub expires_at: Option<Timestamp>,
}

/// A key that was just made. The only time its value can be seen.
#[derive(Debug, Clone)]
pub struct CreatedApiKey {
    /// What is stored.
    pub key: ApiKey,
    /// What the holder presents.
    pub value: Secret,
}

/// A fresh key and the hash it is looked up by.
pub(super) struct Generated {
    pub(super) value: Secret,
    pub(super) hash: [u8; 32],
}

/// `cordon_` and 32 random bytes in base64url. The prefix lets secret scanners know one.
pub(super) fn generate() -> Result<Generated, Error> {
    let mut random = [0; 32];
    getrandom::fill(&mut random)
        .map_err(|_| Error::Unavailable("the system gives no randomness".to_owned()))?;
    let value = format!("cordon_{}", URL_SAFE_NO_PAD.encode(random));
    Ok(Generated { hash: Sha256::digest(value.as_bytes()).into(), value: Secret::new(value) })
}

impl Services {
    /// Makes a key of the tenant. Nobody can hand out a scope that his own key lacks.
    ///
    /// # Errors
    /// When something about it is wrong.
    pub async fn create_api_key(
        &self,
        caller: &Caller,
        access: &Access,
        new: NewApiKey,
    ) -> Result<CreatedApiKey, Error> {
        let now = self.now();
        let mut problems = Problems::default();
        problems.check_name("/name", &new.name);
        let scopes = check_scopes(caller, &new.scopes, &mut problems);
        if new.expires_at.is_some_and(|expires_at| expires_at <= now) {
            problems.error("in_the_past", "/expires_at", "must lie in the future");
        }
        problems.finish()?;
        let generated = generate()?;
        let key = ApiKey {
            id: ApiKeyId::new(new_uuid(now)),
            owner: KeyOwner::Tenant(access.tenant.clone()),
            name: new.name,
            scopes,
            hash: generated.hash,
            expires_at: new.expires_at,
            created_at: now,
        };
        let event = AuditEvent::new(&access.tenant, now, access.actor.clone(), "api_key.created")
            .with("api_key", key.id)
            .with("scopes", key.scopes.len());
        self.store().commit(Commit::of(Change::PutApiKey(key.clone()), event)).await?;
        Ok(CreatedApiKey { key, value: generated.value })
    }

    /// The tenant's keys.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn api_keys(&self, access: &Access, page: &Page) -> Result<Listing<ApiKey>, Error> {
        Ok(self.store().api_keys(Some(&access.tenant), page).await?)
    }

    /// Revokes a key of the tenant, at once.
    ///
    /// # Errors
    /// When the tenant has no such key.
    pub async fn delete_api_key(&self, access: &Access, id: ApiKeyId) -> Result<(), Error> {
        let tenant = &access.tenant;
        self.store().api_key(Some(tenant), id).await?.ok_or(Error::NotFound(Missing::ApiKey))?;
        let event = AuditEvent::new(tenant, self.now(), access.actor.clone(), "api_key.deleted")
            .with("api_key", id);
        let change = Change::DeleteApiKey(Some(tenant.clone()), id);
        Ok(self.store().commit(Commit::of(change, event)).await?)
    }
}

fn check_scopes(caller: &Caller, words: &[String], problems: &mut Problems) -> Vec<Scope> {
    if words.is_empty() {
        problems.error("empty", "/scopes", "a key needs at least one scope");
    }
    let mut scopes = Vec::new();
    for (n, word) in words.iter().enumerate() {
        let pointer = format!("/scopes/{n}");
        let Ok(scope) = word.parse::<Scope>() else {
            let known = Scope::ALL.iter().map(|scope| scope.as_str());
            let message = match nearest(word, known) {
                Some(near) => format!("no such scope; did you mean {near}?"),
                None => "no such scope".to_owned(),
            };
            problems.error("unknown_scope", pointer, message);
            continue;
        };
        if caller.require(scope).is_err() {
            problems.error("scope_not_held", pointer, "your own key lacks this scope");
        } else if scopes.contains(&scope) {
            problems.error("duplicate", pointer, "stands here twice");
        } else {
            scopes.push(scope);
        }
    }
    scopes
}

#[cfg(test)]
mod tests {
    use super::*;
    use cordon_model::TenantId;
    use cordon_model::audit::Actor;

    #[test]
    fn a_key_is_a_prefix_and_43_characters_and_never_repeats() {
        let (one, two) = (generate().unwrap(), generate().unwrap());
        let random = one.value.expose().strip_prefix("cordon_").unwrap();
        assert_eq!(random.len(), 43);
        assert!(random.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
        assert_ne!(one.value.expose(), two.value.expose());
        let hash: [u8; 32] = Sha256::digest(one.value.expose().as_bytes()).into();
        assert_eq!(one.hash, hash);
    }

    #[test]
    fn nobody_hands_out_a_scope_that_his_own_key_lacks() {
        let caller = Caller {
            actor: Actor::Host,
            owner: KeyOwner::Tenant(TenantId::default_tenant()),
            scopes: vec![Scope::TenantsWrite],
            api_requests_per_minute_max: None,
        };
        let mut problems = Problems::default();
        let words = ["tenants:write", "requests:write", "request:read"].map(str::to_owned);
        let scopes = check_scopes(&caller, &words, &mut problems);
        assert_eq!(scopes, [Scope::TenantsWrite]);
        let Err(Error::Invalid(errors)) = problems.finish() else { panic!("two are wrong") };
        let found: Vec<_> = errors.iter().map(|p| (p.code.as_str(), p.pointer.as_str())).collect();
        assert_eq!(found, [("scope_not_held", "/scopes/1"), ("unknown_scope", "/scopes/2")]);
    }
}
