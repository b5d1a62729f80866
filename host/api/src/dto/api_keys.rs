//! Keys of the API.

use cordon_engine::service::api_keys::{CreatedApiKey, NewApiKey};
use cordon_model::Timestamp;
use cordon_model::api_key::{ApiKey, Scope};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::{ApiError, FieldProblem};
use crate::json::Dto;

/// A key to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewApiKey)]
pub(crate) struct NewApiKeyBody {
    /// For people and for the audit log.
    name: String,
    /// What it may do; at least one.
    scopes: Vec<String>,
    /// RFC 3339. After this it answers 401; left out: never.
    expires_at: Option<String>,
}

impl Dto for NewApiKeyBody {}

impl TryFrom<NewApiKeyBody> for NewApiKey {
    type Error = ApiError;

    fn try_from(body: NewApiKeyBody) -> Result<Self, ApiError> {
        let expires_at = body.expires_at.map(|text| text.parse::<Timestamp>()).transpose();
        let expires_at = expires_at.map_err(|_| {
            let detail = "must be a time as RFC 3339 writes it, like 2027-01-31T12:00:00Z";
            ApiError::invalid(vec![FieldProblem::at("/expires_at", "invalid_value", detail)])
        })?;
        Ok(Self { name: body.name, scopes: body.scopes, expires_at })
    }
}

/// A key, without its value.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ApiKey)]
pub(crate) struct ApiKeyView {
    /// Its id.
    id: String,
    /// For people and for the audit log.
    name: String,
    /// What it may do.
    scopes: Vec<&'static str>,
    /// RFC 3339. After this it answers 401.
    expires_at: Option<String>,
    /// RFC 3339.
    created_at: String,
}

/// A key that was just made.
#[derive(Serialize, ToSchema)]
#[schema(as = CreatedApiKey)]
pub(crate) struct CreatedApiKeyView {
    /// Its id.
    id: String,
    /// The key itself: shown once.
    key: String,
    /// For people and for the audit log.
    name: String,
    /// What it may do.
    scopes: Vec<&'static str>,
    /// RFC 3339. After this it answers 401.
    expires_at: Option<String>,
    /// RFC 3339.
    created_at: String,
}

impl From<ApiKey> for ApiKeyView {
    fn from(key: ApiKey) -> Self {
        Self {
            id: key.id.to_string(),
            name: key.name,
            scopes: key.scopes.into_iter().map(Scope::as_str).collect(),
            expires_at: key.expires_at.map(|at| at.to_string()),
            created_at: key.created_at.to_string(),
        }
    }
}

impl From<CreatedApiKey> for CreatedApiKeyView {
    fn from(created: CreatedApiKey) -> Self {
        let ApiKeyView { id, name, scopes, expires_at, created_at } = created.key.into();
        // The one place where a key leaves the host.
        let key = created.value.expose().to_owned();
        Self { id, key, name, scopes, expires_at, created_at }
    }
}
