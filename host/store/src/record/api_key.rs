//! Keys of the API. The key itself is in no record, only its SHA-256.

use cordon_model::api_key::{ApiKey, KeyOwner, Scope};
use cordon_model::{ApiKeyId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Stored, Unreadable, digest, from_records, to_records};

#[derive(Serialize, Deserialize)]
pub(crate) struct ApiKeyRecord {
    id: ApiKeyId,
    /// None: the operator.
    tenant: Option<TenantId>,
    name: String,
    scopes: Vec<String>,
    hash: String,
    expires_at: Option<Timestamp>,
    created_at: Timestamp,
}

impl Stored for ApiKey {
    type Record = ApiKeyRecord;

    fn to_record(&self) -> ApiKeyRecord {
        let Self { id, owner, name, scopes, hash, expires_at, created_at } = self;
        ApiKeyRecord {
            id: *id,
            tenant: match owner {
                KeyOwner::Operator => None,
                KeyOwner::Tenant(tenant) => Some(tenant.clone()),
            },
            name: name.clone(),
            scopes: to_records(scopes),
            hash: hex::encode(hash),
            expires_at: *expires_at,
            created_at: *created_at,
        }
    }

    fn from_record(record: ApiKeyRecord) -> Result<Self, Unreadable> {
        let ApiKeyRecord { id, tenant, name, scopes, hash, expires_at, created_at } = record;
        Ok(Self {
            id,
            owner: tenant.map_or(KeyOwner::Operator, KeyOwner::Tenant),
            name,
            scopes: from_records(scopes)?,
            hash: digest(&hash, "the hash of a key")?,
            expires_at,
            created_at,
        })
    }
}

impl Stored for Scope {
    type Record = String;

    fn to_record(&self) -> String {
        self.as_str().to_owned()
    }

    fn from_record(record: String) -> Result<Self, Unreadable> {
        record.parse().map_err(|()| Unreadable("the scope of a key"))
    }
}
