//! `/v1/tenants/{tenant}/api-keys`

use cordon_engine::Missing;
use cordon_engine::service::api_keys::NewApiKey;
use cordon_model::api_key::Scope;
use http::StatusCode;

use crate::answer::Answer;
use crate::auth::Auth;
use crate::dto::api_keys::{ApiKeyView, CreatedApiKeyView, NewApiKeyBody};
use crate::error::ApiError;
use crate::idempotency::Idempotency;
use crate::json::Body;
use crate::path::{Segments, id};
use crate::query::{Items, QueryString};

/// Make a key
///
/// The key is shown once.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant}/api-keys",
    tag = "tenants",
    params(
        ("tenant" = String, Path, description = "Key of the tenant"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body get the same answer for 24 hours"),
    ),
    request_body = NewApiKeyBody,
    responses((status = 201, description = "Made", body = CreatedApiKeyView))
)]
pub(crate) async fn create_api_key(
    auth: Auth,
    Segments(tenant): Segments<String>,
    idempotency: Idempotency,
    body: Body<NewApiKeyBody>,
) -> Result<Answer, ApiError> {
    let access = auth.access_to(&tenant, Scope::TenantsWrite).await?;
    let new = NewApiKey::try_from(body.value)?;
    let (services, caller) = (auth.services().clone(), auth.caller.clone());
    let own = access.tenant().clone();
    let work = async move {
        let created = services.create_api_key(&caller, &access, new).await?;
        let location = format!("/v1/tenants/{}/api-keys/{}", access.tenant(), created.key.id);
        Ok(Answer::written(true, &CreatedApiKeyView::from(created))?.at(location))
    };
    idempotency.once(&auth.state, Some(&own), body.sha256, work).await
}

/// List keys
///
/// Without their values.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant}/api-keys",
    tag = "tenants",
    params(
        ("tenant" = String, Path, description = "Key of the tenant"),
        ("limit" = Option<u64>, Query, description = "Most items of the page, 1 to 200; 50 when left out"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
    ),
    responses((status = 200, description = "A page of keys, newest first", body = Items<ApiKeyView>))
)]
pub(crate) async fn list_api_keys(
    auth: Auth,
    Segments(tenant): Segments<String>,
    mut query: QueryString,
) -> Result<Answer, ApiError> {
    let access = auth.access_to(&tenant, Scope::TenantsRead).await?;
    let page = query.page();
    query.finish()?;
    let listing = auth.services().api_keys(&access, &page).await?;
    Answer::ok(&Items::of(listing, ApiKeyView::from))
}

/// Revoke a key
///
/// It answers 401 from then on.
#[utoipa::path(
    delete,
    path = "/v1/tenants/{tenant}/api-keys/{id}",
    tag = "tenants",
    params(
        ("tenant" = String, Path, description = "Key of the tenant"),
        ("id" = String, Path, description = "Id of the key"),
    ),
    responses((status = 204, description = "Revoked"))
)]
pub(crate) async fn delete_api_key(
    auth: Auth,
    Segments((tenant, key)): Segments<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let access = auth.access_to(&tenant, Scope::TenantsWrite).await?;
    auth.services().delete_api_key(&access, id(&key, Missing::ApiKey)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
