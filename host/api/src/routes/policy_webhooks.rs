//! `/v1/policies/{key}/webhooks`

use cordon_engine::Missing;
use cordon_engine::service::policy_webhooks::WrittenPolicyWebhook;
use cordon_model::api_key::Scope;
use http::StatusCode;

use crate::answer::Answer;
use crate::auth::Auth;
use crate::dto::policy_webhooks::{PolicyWebhookBody, PolicyWebhookView, WrittenPolicyWebhookView};
use crate::error::ApiError;
use crate::etag::IfMatch;
use crate::idempotency::Idempotency;
use crate::json::Body;
use crate::path::{Segments, id};
use crate::query::{Items, QueryString};

/// Create a webhook of a policy
///
/// Requests that start from now on tell it. Messages are signed as Standard Webhooks say; a
/// secret that the host makes is shown once.
#[utoipa::path(
    post,
    path = "/v1/policies/{key}/webhooks",
    tag = "policies",
    params(
        ("key" = String, Path, description = "Key of the policy"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body get the same answer for 24 hours"),
    ),
    request_body = PolicyWebhookBody,
    responses((status = 201, description = "Created", body = WrittenPolicyWebhookView))
)]
pub(crate) async fn create_policy_webhook(
    auth: Auth,
    Segments(key): Segments<String>,
    idempotency: Idempotency,
    body: Body<PolicyWebhookBody>,
) -> Result<Answer, ApiError> {
    let access = auth.access(Scope::PoliciesWrite).await?;
    let (services, own) = (auth.services().clone(), access.tenant().clone());
    let work = async move {
        let draft = body.value.into();
        written(true, services.create_policy_webhook(&access, &key, draft).await?)
    };
    idempotency.once(&auth.state, Some(&own), body.sha256, work).await
}

/// List the webhooks of a policy
///
/// Newest first, without their secrets.
#[utoipa::path(
    get,
    path = "/v1/policies/{key}/webhooks",
    tag = "policies",
    params(
        ("key" = String, Path, description = "Key of the policy"),
        ("limit" = Option<u64>, Query, description = "Most items of the page, 1 to 200; 50 when left out"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
    ),
    responses((status = 200, description = "A page of webhooks", body = Items<PolicyWebhookView>))
)]
pub(crate) async fn list_policy_webhooks(
    auth: Auth,
    Segments(key): Segments<String>,
    mut query: QueryString,
) -> Result<Answer, ApiError> {
    let access = auth.access(Scope::PoliciesRead).await?;
    let page = query.page();
    query.finish()?;
    let listing = auth.services().policy_webhooks(&access, &key, &page).await?;
    Answer::ok(&Items::of(listing, PolicyWebhookView::from))
}

/// Show a webhook of a policy
///
/// Without its secret.
#[utoipa::path(
    get,
    path = "/v1/policies/{key}/webhooks/{id}",
    tag = "policies",
    params(
        ("key" = String, Path, description = "Key of the policy"),
        ("id" = String, Path, description = "Id of the webhook"),
    ),
    responses((status = 200, description = "The webhook", body = PolicyWebhookView))
)]
pub(crate) async fn get_policy_webhook(
    auth: Auth,
    Segments((key, webhook)): Segments<(String, String)>,
) -> Result<Answer, ApiError> {
    let access = auth.access(Scope::PoliciesRead).await?;
    let webhook = id(&webhook, Missing::Webhook)?;
    let webhook = auth.services().policy_webhook(&access, &key, webhook).await?;
    let revision = webhook.revision;
    Ok(Answer::ok(&PolicyWebhookView::from(webhook))?.tagged(revision))
}

/// Replace a webhook of a policy
///
/// URL and secret count at the next try, also for requests under way; resume those that are
/// paused because it failed. The rest counts for requests that start from now on.
#[utoipa::path(
    put,
    path = "/v1/policies/{key}/webhooks/{id}",
    tag = "policies",
    params(
        ("key" = String, Path, description = "Key of the policy"),
        ("id" = String, Path, description = "Id of the webhook"),
        ("If-Match" = Option<String>, Header, description = "The ETag that the webhook must have"),
    ),
    request_body = PolicyWebhookBody,
    responses((status = 200, description = "Replaced", body = WrittenPolicyWebhookView))
)]
pub(crate) async fn put_policy_webhook(
    auth: Auth,
    Segments((key, webhook)): Segments<(String, String)>,
    IfMatch(if_match): IfMatch,
    body: Body<PolicyWebhookBody>,
) -> Result<Answer, ApiError> {
    let access = auth.access(Scope::PoliciesWrite).await?;
    let webhook = id(&webhook, Missing::Webhook)?;
    let draft = body.value.into();
    let services = auth.services();
    written(false, services.put_policy_webhook(&access, &key, webhook, draft, if_match).await?)
}

/// Remove a webhook of a policy
///
/// No request waits for it any more: those that it holds as `paused` go on.
#[utoipa::path(
    delete,
    path = "/v1/policies/{key}/webhooks/{id}",
    tag = "policies",
    params(
        ("key" = String, Path, description = "Key of the policy"),
        ("id" = String, Path, description = "Id of the webhook"),
        ("If-Match" = Option<String>, Header, description = "The ETag that the webhook must have"),
    ),
    responses((status = 204, description = "Removed"))
)]
pub(crate) async fn delete_policy_webhook(
    auth: Auth,
    Segments((key, webhook)): Segments<(String, String)>,
    IfMatch(if_match): IfMatch,
) -> Result<StatusCode, ApiError> {
    let access = auth.access(Scope::PoliciesWrite).await?;
    let webhook = id(&webhook, Missing::Webhook)?;
    auth.services().delete_policy_webhook(&access, &key, webhook, if_match).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn written(created: bool, written: WrittenPolicyWebhook) -> Result<Answer, ApiError> {
    let webhook = &written.webhook;
    let (revision, location) =
        (webhook.revision, format!("/v1/policies/{}/webhooks/{}", webhook.policy, webhook.id));
    let answer = Answer::written(created, &WrittenPolicyWebhookView::from(written))?;
    let answer = answer.tagged(revision);
    Ok(if created { answer.at(location) } else { answer })
}
