//! `/v1/policies/{key}/manual-webhooks`

use cordon_model::api_key::Scope;
use cordon_model::policy::ManualWebhook;
use http::StatusCode;

use crate::answer::Answer;
use crate::auth::Auth;
use crate::dto::manual_webhooks::{ManualWebhookBody, ManualWebhookView};
use crate::error::ApiError;
use crate::etag::IfMatch;
use crate::idempotency::Idempotency;
use crate::json::Body;
use crate::path::Segments;
use crate::query::{Items, QueryString};

/// Create a manual webhook
///
/// A connection has one across all policies.
#[utoipa::path(
    post,
    path = "/v1/policies/{key}/manual-webhooks",
    tag = "policies",
    params(
        ("key" = String, Path, description = "Key of the policy"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body get the same answer for 24 hours"),
    ),
    request_body = ManualWebhookBody,
    responses((status = 201, description = "Created", body = ManualWebhookView))
)]
pub(crate) async fn create_manual_webhook(
    auth: Auth,
    Segments(key): Segments<String>,
    idempotency: Idempotency,
    body: Body<ManualWebhookBody>,
) -> Result<Answer, ApiError> {
    let access = auth.access(Scope::PoliciesWrite).await?;
    let (services, own) = (auth.services().clone(), access.tenant().clone());
    let work = async move {
        shown(true, services.create_manual_webhook(&access, &key, body.value.into()).await?)
    };
    idempotency.once(&auth.state, Some(&own), body.sha256, work).await
}

/// List the manual webhooks of a policy
///
/// Newest first.
#[utoipa::path(
    get,
    path = "/v1/policies/{key}/manual-webhooks",
    tag = "policies",
    params(
        ("key" = String, Path, description = "Key of the policy"),
        ("limit" = Option<u64>, Query, description = "Most items of the page, 1 to 200; 50 when left out"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
    ),
    responses((status = 200, description = "A page of manual webhooks", body = Items<ManualWebhookView>))
)]
pub(crate) async fn list_manual_webhooks(
    auth: Auth,
    Segments(key): Segments<String>,
    mut query: QueryString,
) -> Result<Answer, ApiError> {
    let access = auth.access(Scope::PoliciesRead).await?;
    let page = query.page();
    query.finish()?;
    let listing = auth.services().manual_webhooks(&access, &key, &page).await?;
    Answer::ok(&Items::of(listing, ManualWebhookView::from))
}

/// Show a manual webhook
#[utoipa::path(
    get,
    path = "/v1/policies/{key}/manual-webhooks/{connection}",
    tag = "policies",
    params(
        ("key" = String, Path, description = "Key of the policy"),
        ("connection" = String, Path, description = "Key or UUID of the connection"),
    ),
    responses((status = 200, description = "The manual webhook", body = ManualWebhookView))
)]
pub(crate) async fn get_manual_webhook(
    auth: Auth,
    Segments((key, connection)): Segments<(String, String)>,
) -> Result<Answer, ApiError> {
    let access = auth.access(Scope::PoliciesRead).await?;
    shown(false, auth.services().manual_webhook(&access, &key, &connection).await?)
}

/// Create or replace a manual webhook
///
/// Requests that wait are asked what is defined now: input for other labels counts as not
/// provided until they are back. Requests that waited only for one that is disabled go on.
#[utoipa::path(
    put,
    path = "/v1/policies/{key}/manual-webhooks/{connection}",
    tag = "policies",
    params(
        ("key" = String, Path, description = "Key of the policy"),
        ("connection" = String, Path, description = "Key or UUID of the connection"),
        ("If-Match" = Option<String>, Header, description = "The ETag that the manual webhook must have"),
    ),
    request_body = ManualWebhookBody,
    responses(
        (status = 200, description = "Replaced", body = ManualWebhookView),
        (status = 201, description = "Created", body = ManualWebhookView),
    )
)]
pub(crate) async fn put_manual_webhook(
    auth: Auth,
    Segments((key, connection)): Segments<(String, String)>,
    IfMatch(if_match): IfMatch,
    body: Body<ManualWebhookBody>,
) -> Result<Answer, ApiError> {
    let access = auth.access(Scope::PoliciesWrite).await?;
    let draft = body.value.into();
    let services = auth.services();
    let written = services.put_manual_webhook(&access, &key, &connection, draft, if_match).await?;
    shown(written.1, written.0)
}

/// Remove a manual webhook
///
/// Requests that waited only for it go on.
#[utoipa::path(
    delete,
    path = "/v1/policies/{key}/manual-webhooks/{connection}",
    tag = "policies",
    params(
        ("key" = String, Path, description = "Key of the policy"),
        ("connection" = String, Path, description = "Key or UUID of the connection"),
        ("If-Match" = Option<String>, Header, description = "The ETag that the manual webhook must have"),
    ),
    responses((status = 204, description = "Removed"))
)]
pub(crate) async fn delete_manual_webhook(
    auth: Auth,
    Segments((key, connection)): Segments<(String, String)>,
    IfMatch(if_match): IfMatch,
) -> Result<StatusCode, ApiError> {
    let access = auth.access(Scope::PoliciesWrite).await?;
    auth.services().delete_manual_webhook(&access, &key, &connection, if_match).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn shown(created: bool, webhook: ManualWebhook) -> Result<Answer, ApiError> {
    let revision = webhook.revision;
    let location =
        format!("/v1/policies/{}/manual-webhooks/{}", webhook.policy, webhook.connection);
    let answer = Answer::written(created, &ManualWebhookView::from(webhook))?.tagged(revision);
    Ok(if created { answer.at(location) } else { answer })
}
