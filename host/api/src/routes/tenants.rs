//! `/v1/tenants`

use cordon_model::api_key::Scope;
use sha2::{Digest as _, Sha256};

use crate::answer::Answer;
use crate::auth::Auth;
use crate::dto::tenants::{CallbackSecretView, NewTenantBody, TenantPatchBody, TenantView};
use crate::error::ApiError;
use crate::etag::IfMatch;
use crate::idempotency::Idempotency;
use crate::json::Body;
use crate::path::Segments;
use crate::query::{Items, QueryString};

/// Create a tenant
///
/// Takes an operator's key. The tenant starts with the policies `access`, `delete`, `optout` and
/// `identifiers`.
#[utoipa::path(
    post,
    path = "/v1/tenants",
    tag = "tenants",
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body get the same answer for 24 hours")),
    request_body = NewTenantBody,
    responses((status = 201, description = "Created", body = TenantView))
)]
pub(crate) async fn create_tenant(
    auth: Auth,
    idempotency: Idempotency,
    body: Body<NewTenantBody>,
) -> Result<Answer, ApiError> {
    auth.caller.require_operator()?;
    let (services, caller) = (auth.services().clone(), auth.caller.clone());
    let work = async move {
        let tenant = services.create_tenant(&caller, body.value.into()).await?;
        let (revision, location) = (tenant.revision, format!("/v1/tenants/{}", tenant.id));
        Ok(Answer::written(true, &TenantView::from(tenant))?.at(location).tagged(revision))
    };
    idempotency.once(&auth.state, None, body.sha256, work).await
}

/// List tenants
///
/// Takes an operator's key.
#[utoipa::path(
    get,
    path = "/v1/tenants",
    tag = "tenants",
    params(
        ("limit" = Option<u64>, Query, description = "Most items of the page, 1 to 200; 50 when left out"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
    ),
    responses((status = 200, description = "A page of tenants, newest first", body = Items<TenantView>))
)]
pub(crate) async fn list_tenants(auth: Auth, mut query: QueryString) -> Result<Answer, ApiError> {
    let page = query.page();
    query.finish()?;
    let listing = auth.services().tenants(&auth.caller, &page).await?;
    Answer::ok(&Items::of(listing, TenantView::from))
}

/// Show a tenant
///
/// Takes an operator's key, or the tenant's own with the scope `tenants:read`.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant}",
    tag = "tenants",
    params(("tenant" = String, Path, description = "Key of the tenant")),
    responses((status = 200, description = "The tenant", body = TenantView))
)]
pub(crate) async fn get_tenant(
    auth: Auth,
    Segments(name): Segments<String>,
) -> Result<Answer, ApiError> {
    let tenant = auth.services().tenant(&auth.caller, &name).await?;
    let revision = tenant.revision;
    Ok(Answer::ok(&TenantView::from(tenant))?.tagged(revision))
}

/// Change a tenant
///
/// Takes an operator's key.
#[utoipa::path(
    patch,
    path = "/v1/tenants/{tenant}",
    tag = "tenants",
    params(
        ("tenant" = String, Path, description = "Key of the tenant"),
        ("If-Match" = Option<String>, Header, description = "The ETag that the tenant must have"),
    ),
    request_body(content = TenantPatchBody, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The tenant", body = TenantView))
)]
pub(crate) async fn patch_tenant(
    auth: Auth,
    Segments(name): Segments<String>,
    IfMatch(if_match): IfMatch,
    body: Body<TenantPatchBody>,
) -> Result<Answer, ApiError> {
    let patch = body.value.into();
    let tenant = auth.services().patch_tenant(&auth.caller, &name, patch, if_match).await?;
    let revision = tenant.revision;
    Ok(Answer::ok(&TenantView::from(tenant))?.tagged(revision))
}

/// Make the callback secret of a tenant
///
/// Takes an operator's key, or the tenant's own with the scope `tenants:write`. Messages to
/// `callback_url` are signed with it as Standard Webhooks say. It is shown this once, and replaces
/// the one before, which signs nothing from then on.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant}/callback-secret",
    tag = "tenants",
    params(
        ("tenant" = String, Path, description = "Key of the tenant"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key gets the same answer for 24 hours"),
    ),
    responses((status = 201, description = "Made", body = CallbackSecretView))
)]
pub(crate) async fn make_callback_secret(
    auth: Auth,
    Segments(name): Segments<String>,
    idempotency: Idempotency,
) -> Result<Answer, ApiError> {
    let access = auth.access_to(&name, Scope::TenantsWrite).await?;
    let (services, own) = (auth.services().clone(), access.tenant().clone());
    let work = async move {
        let secret = services.make_callback_secret(&access).await?;
        Answer::written(true, &CallbackSecretView::from(secret))
    };
    // There is no body.
    idempotency.once(&auth.state, Some(&own), Sha256::digest([]).into(), work).await
}
