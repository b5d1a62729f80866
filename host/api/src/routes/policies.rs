//! `/v1/policies`

use cordon_model::api_key::Scope;
use cordon_model::policy::Policy;
use http::StatusCode;

use crate::answer::Answer;
use crate::auth::Auth;
use crate::dto::policies::{PolicyBody, PolicyView};
use crate::error::ApiError;
use crate::etag::IfMatch;
use crate::idempotency::Idempotency;
use crate::json::Body;
use crate::path::Segments;
use crate::query::{Items, QueryString};

/// Create a policy
///
/// All problems are reported together.
#[utoipa::path(
    post,
    path = "/v1/policies",
    tag = "policies",
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body get the same answer for 24 hours")),
    request_body = PolicyBody,
    responses((status = 201, description = "Created", body = PolicyView))
)]
pub(crate) async fn create_policy(
    auth: Auth,
    idempotency: Idempotency,
    body: Body<PolicyBody>,
) -> Result<Answer, ApiError> {
    let access = auth.access(Scope::PoliciesWrite).await?;
    let (services, own) = (auth.services().clone(), access.tenant().clone());
    let work =
        async move { shown(true, services.create_policy(&access, body.value.into()).await?) };
    idempotency.once(&auth.state, Some(&own), body.sha256, work).await
}

/// List policies
///
/// Newest first.
#[utoipa::path(
    get,
    path = "/v1/policies",
    tag = "policies",
    params(
        ("limit" = Option<u64>, Query, description = "Most items of the page, 1 to 200; 50 when left out"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
    ),
    responses((status = 200, description = "A page of policies", body = Items<PolicyView>))
)]
pub(crate) async fn list_policies(auth: Auth, mut query: QueryString) -> Result<Answer, ApiError> {
    let access = auth.access(Scope::PoliciesRead).await?;
    let page = query.page();
    query.finish()?;
    let listing = auth.services().policies(&access, &page).await?;
    Answer::ok(&Items::of(listing, PolicyView::from))
}

/// Show a policy
#[utoipa::path(
    get,
    path = "/v1/policies/{key}",
    tag = "policies",
    params(("key" = String, Path, description = "Key of the policy")),
    responses((status = 200, description = "The policy", body = PolicyView))
)]
pub(crate) async fn get_policy(
    auth: Auth,
    Segments(key): Segments<String>,
) -> Result<Answer, ApiError> {
    let access = auth.access(Scope::PoliciesRead).await?;
    shown(false, auth.services().policy(&access, &key).await?)
}

/// Create or replace a policy
///
/// Requests that were submitted before keep the terms of then.
#[utoipa::path(
    put,
    path = "/v1/policies/{key}",
    tag = "policies",
    params(
        ("key" = String, Path, description = "Key of the policy"),
        ("If-Match" = Option<String>, Header, description = "The ETag that the policy must have"),
    ),
    request_body = PolicyBody,
    responses(
        (status = 200, description = "Replaced", body = PolicyView),
        (status = 201, description = "Created", body = PolicyView),
    )
)]
pub(crate) async fn put_policy(
    auth: Auth,
    Segments(key): Segments<String>,
    IfMatch(if_match): IfMatch,
    body: Body<PolicyBody>,
) -> Result<Answer, ApiError> {
    let access = auth.access(Scope::PoliciesWrite).await?;
    let draft = body.value.into();
    let written = auth.services().put_policy(&access, &key, draft, if_match).await?;
    shown(written.1, written.0)
}

/// Remove a policy
///
/// Refused while requests are open under it, or it has manual webhooks.
#[utoipa::path(
    delete,
    path = "/v1/policies/{key}",
    tag = "policies",
    params(
        ("key" = String, Path, description = "Key of the policy"),
        ("If-Match" = Option<String>, Header, description = "The ETag that the policy must have"),
    ),
    responses((status = 204, description = "Removed"))
)]
pub(crate) async fn delete_policy(
    auth: Auth,
    Segments(key): Segments<String>,
    IfMatch(if_match): IfMatch,
) -> Result<StatusCode, ApiError> {
    let access = auth.access(Scope::PoliciesWrite).await?;
    auth.services().delete_policy(&access, &key, if_match).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn shown(created: bool, policy: Policy) -> Result<Answer, ApiError> {
    let (revision, location) = (policy.revision, format!("/v1/policies/{}", policy.key));
    let answer = Answer::written(created, &PolicyView::from(policy))?.tagged(revision);
    Ok(if created { answer.at(location) } else { answer })
}
