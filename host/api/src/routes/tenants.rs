//! `/v1/tenants`

use std::sync::Arc;

use cordon_engine::Services;
use cordon_model::api_key::Scope;
use cordon_model::tenant::Tenant;
use http::StatusCode;
use sha2::{Digest as _, Sha256};

use crate::answer::Answer;
use crate::auth::Auth;
use crate::dto::tenants::{CallbackSecretView, NewTenantBody, TenantPatchBody, TenantView};
use crate::error::{ApiError, Code};
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
        let view = view(&services, tenant);
        Ok(Answer::written(true, &view)?.at(location).tagged(revision))
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
    let services = auth.services();
    let listing = services.tenants(&auth.caller, &page).await?;
    Answer::ok(&Items::of(listing, |tenant| view(services, tenant)))
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
    Ok(Answer::ok(&view(auth.services(), tenant))?.tagged(revision))
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
    Ok(Answer::ok(&view(auth.services(), tenant))?.tagged(revision))
}

/// Remove a tenant
///
/// Takes an operator's key. Everything that is its own goes with it: requests, inputs, records,
/// packages at their destinations, connections, secrets, policies, webhooks, plugins, keys and its
/// ledger; the host's ledger says that it was removed. It is as if absent from the first moment,
/// and its name is free when this is answered. A removal that is interrupted is brought to its end
/// by the host; asking again waits for that.
#[utoipa::path(
    delete,
    path = "/v1/tenants/{tenant}",
    tag = "tenants",
    params(
        ("tenant" = String, Path, description = "Key of the tenant"),
        ("force" = Option<bool>, Query, description = "Stop and erase requests that are not final, too; without it they refuse the removal"),
    ),
    responses((status = 204, description = "Nothing of it is left"))
)]
pub(crate) async fn delete_tenant(
    auth: Auth,
    Segments(name): Segments<String>,
    mut query: QueryString,
) -> Result<StatusCode, ApiError> {
    auth.caller.require_operator()?;
    let force = query.parsed("force", "must be true or false").unwrap_or(false);
    query.finish()?;
    let (services, rates) = (auth.services().clone(), Arc::clone(&auth.state.rates));
    // Goes on although the caller hangs up.
    let work = auth.state.unfinished.spawn(async move {
        services.remove_tenant(&auth.caller, &name, force).await?;
        if let Ok(tenant) = name.parse() {
            rates.forget(&tenant);
        }
        Ok(StatusCode::NO_CONTENT)
    });
    work.await.unwrap_or_else(|_| Err(ApiError::plain(Code::Internal)))
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

fn view(services: &Services, tenant: Tenant) -> TenantView {
    let allowance = services.allowance(&tenant);
    TenantView::of(tenant, &allowance)
}
