//! `/v1/privacy-requests`

use axum::response::{IntoResponse as _, Response};
use cordon_engine::{Access, Missing, Services};
use cordon_model::api_key::Scope;
use cordon_model::commit::RequestFilter;
use cordon_model::request::{PrivacyRequest, Status};
use http::StatusCode;

use crate::answer::Answer;
use crate::auth::Auth;
use crate::dto::requests::{
    DenialBody, RequestView, ResumptionBody, RetryBody, SearchBody, SettlementBody, SubmissionBody,
};
use crate::error::ApiError;
use crate::idempotency::Idempotency;
use crate::json::{Body, OptionalBody};
use crate::path::{Segments, id};
use crate::query::{Items, QueryString};

/// Submit a privacy request
///
/// Once this answers, the request is stored and will be worked on.
#[utoipa::path(
    post,
    path = "/v1/privacy-requests",
    tag = "privacy requests",
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body get the same answer for 24 hours")),
    request_body = SubmissionBody,
    responses((status = 202, description = "Accepted", body = RequestView))
)]
pub(crate) async fn submit_privacy_request(
    auth: Auth,
    idempotency: Idempotency,
    body: Body<SubmissionBody>,
) -> Result<Answer, ApiError> {
    let access = auth.access(Scope::RequestsWrite).await?;
    let (services, own) = (auth.services().clone(), access.tenant().clone());
    let work = async move {
        let request = services.submit(&access, body.value.into()).await?;
        let (revision, location) =
            (request.revision, format!("/v1/privacy-requests/{}", request.id));
        let answer = Answer::new(StatusCode::ACCEPTED, &RequestView::from(request))?;
        Ok(answer.at(location).tagged(revision))
    };
    idempotency.once(&auth.state, Some(&own), body.sha256, work).await
}

/// List privacy requests
///
/// Newest first.
#[utoipa::path(
    get,
    path = "/v1/privacy-requests",
    tag = "privacy requests",
    params(
        ("status" = Option<String>, Query, description = "Only these, separated by commas"),
        ("policy" = Option<String>, Query, description = "Only under this policy"),
        ("external_id" = Option<String>, Query, description = "Only with this external id"),
        ("created_after" = Option<String>, Query, description = "Only submitted after this time, RFC 3339"),
        ("created_before" = Option<String>, Query, description = "Only submitted before this time, RFC 3339"),
        ("due_before" = Option<String>, Query, description = "Only due before this time, RFC 3339, and not final"),
        ("limit" = Option<u64>, Query, description = "Most items of the page, 1 to 200; 50 when left out"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
    ),
    responses((status = 200, description = "A page of requests", body = Items<RequestView>))
)]
pub(crate) async fn list_privacy_requests(
    auth: Auth,
    mut query: QueryString,
) -> Result<Answer, ApiError> {
    let access = auth.access(Scope::RequestsRead).await?;
    let (page, filter) = (query.page(), filter(&mut query));
    query.finish()?;
    let listing = auth.services().requests(&access, &filter, &page).await?;
    Answer::ok(&Items::of(listing, RequestView::from))
}

/// Search for a person's requests
///
/// Any of the identities will do, submitted, found or added; newest first. Identities are looked
/// up by keyed hashes, and stand in no log; that somebody searched stands in the ledger.
#[utoipa::path(
    post,
    path = "/v1/privacy-requests/search",
    tag = "privacy requests",
    params(
        ("limit" = Option<u64>, Query, description = "Most items of the page, 1 to 200; 50 when left out"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
    ),
    request_body = SearchBody,
    responses((status = 200, description = "A page of requests", body = Items<RequestView>))
)]
pub(crate) async fn search_privacy_requests(
    auth: Auth,
    mut query: QueryString,
    body: Body<SearchBody>,
) -> Result<Answer, ApiError> {
    let access = auth.access(Scope::RequestsRead).await?;
    let page = query.page();
    query.finish()?;
    let identities = body.value.identities.0;
    let listing = auth.services().search_requests(&access, &identities, &page).await?;
    Answer::ok(&Items::of(listing, RequestView::from))
}

/// Show a privacy request
///
/// Identities are counted by kind, never shown.
#[utoipa::path(
    get,
    path = "/v1/privacy-requests/{id}",
    tag = "privacy requests",
    params(("id" = String, Path, description = "Id of the request")),
    responses((status = 200, description = "The request", body = RequestView))
)]
pub(crate) async fn get_privacy_request(
    auth: Auth,
    Segments(request): Segments<String>,
) -> Result<Answer, ApiError> {
    let access = auth.access(Scope::RequestsRead).await?;
    shown(auth.services().request(&access, id(&request, Missing::Request)?).await?)
}

/// Approve a pending request
#[utoipa::path(
    post,
    path = "/v1/privacy-requests/{id}/approve",
    tag = "privacy requests",
    params(("id" = String, Path, description = "Id of the request")),
    responses((status = 200, description = "The request", body = RequestView))
)]
pub(crate) async fn approve_privacy_request(
    auth: Auth,
    Segments(request): Segments<String>,
) -> Result<Answer, ApiError> {
    let (services, access) = writing(&auth).await?;
    shown(services.approve(&access, id(&request, Missing::Request)?).await?)
}

/// Deny a pending request
#[utoipa::path(
    post,
    path = "/v1/privacy-requests/{id}/deny",
    tag = "privacy requests",
    params(("id" = String, Path, description = "Id of the request")),
    request_body = Option<DenialBody>,
    responses((status = 200, description = "The request", body = RequestView))
)]
pub(crate) async fn deny_privacy_request(
    auth: Auth,
    Segments(request): Segments<String>,
    OptionalBody(body): OptionalBody<DenialBody>,
) -> Result<Answer, ApiError> {
    let (services, access) = writing(&auth).await?;
    shown(services.deny(&access, id(&request, Missing::Request)?, body.reason).await?)
}

/// Cancel a request
///
/// Any that is not final.
#[utoipa::path(
    post,
    path = "/v1/privacy-requests/{id}/cancel",
    tag = "privacy requests",
    params(("id" = String, Path, description = "Id of the request")),
    responses((status = 200, description = "The request", body = RequestView))
)]
pub(crate) async fn cancel_privacy_request(
    auth: Auth,
    Segments(request): Segments<String>,
) -> Result<Answer, ApiError> {
    let (services, access) = writing(&auth).await?;
    shown(services.cancel(&access, id(&request, Missing::Request)?).await?)
}

/// Try failed tasks again
///
/// What succeeded is not sent again.
#[utoipa::path(
    post,
    path = "/v1/privacy-requests/{id}/retry",
    tag = "privacy requests",
    params(("id" = String, Path, description = "Id of the request")),
    request_body = Option<RetryBody>,
    responses((status = 200, description = "The request", body = RequestView))
)]
pub(crate) async fn retry_privacy_request(
    auth: Auth,
    Segments(request): Segments<String>,
    OptionalBody(body): OptionalBody<RetryBody>,
) -> Result<Answer, ApiError> {
    let (services, access) = writing(&auth).await?;
    let tasks = body.tasks()?;
    shown(services.retry(&access, id(&request, Missing::Request)?, tasks).await?)
}

/// Let a request go on that waits for a person
///
/// One that waits for input goes on when nothing is missing; one that is paused because a webhook
/// halted it goes past that webhook; one that is paused because a webhook failed tries it again.
/// Takes the scope `requests:write`, or the one-time token that the halting webhook was told: then
/// any key of the tenant will do, and one that may not read requests is answered 204.
#[utoipa::path(
    post,
    path = "/v1/privacy-requests/{id}/resume",
    tag = "privacy requests",
    params(("id" = String, Path, description = "Id of the request")),
    request_body = Option<ResumptionBody>,
    responses(
        (status = 200, description = "The request", body = RequestView),
        (status = 204, description = "It goes on; the key may not read requests"),
    )
)]
pub(crate) async fn resume_privacy_request(
    auth: Auth,
    Segments(request): Segments<String>,
    OptionalBody(body): OptionalBody<ResumptionBody>,
) -> Result<Response, ApiError> {
    let Some(token) = body.token() else {
        let (services, access) = writing(&auth).await?;
        let request = services.resume(&access, id(&request, Missing::Request)?).await?;
        return Ok(shown(request)?.into_response());
    };
    let (services, access) = (auth.services(), auth.access_of_any_scope().await?);
    let id = id(&request, Missing::Request)?;
    let request = services.resume_by_token(&access, id, &token).await?;
    let may_read = [Scope::RequestsRead, Scope::RequestsWrite]
        .into_iter()
        .any(|scope| auth.caller.require(scope).is_ok());
    if may_read {
        return Ok(shown(request)?.into_response());
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Say what became of a call in doubt
///
/// A call that was done is not sent again, one that was not is.
#[utoipa::path(
    post,
    path = "/v1/privacy-requests/{id}/settle",
    tag = "privacy requests",
    params(("id" = String, Path, description = "Id of the request")),
    request_body = SettlementBody,
    responses((status = 200, description = "The request", body = RequestView))
)]
pub(crate) async fn settle_privacy_request(
    auth: Auth,
    Segments(request): Segments<String>,
    body: Body<SettlementBody>,
) -> Result<Answer, ApiError> {
    let (services, access) = writing(&auth).await?;
    let settlement = body.value.try_into()?;
    shown(services.settle(&access, id(&request, Missing::Request)?, settlement).await?)
}

async fn writing(auth: &Auth) -> Result<(&Services, Access), ApiError> {
    Ok((auth.services(), auth.access(Scope::RequestsWrite).await?))
}

fn shown(request: PrivacyRequest) -> Result<Answer, ApiError> {
    let revision = request.revision;
    Ok(Answer::ok(&RequestView::from(request))?.tagged(revision))
}

fn filter(query: &mut QueryString) -> RequestFilter {
    let time = "must be a time as RFC 3339 writes it, like 2027-01-31T12:00:00Z";
    let known = Status::ALL.map(Status::as_str).join(", ");
    let status = format!("must be of {known}");
    let words = query.all("status");
    let words = words.iter().flat_map(|value| value.split(','));
    RequestFilter {
        statuses: words.filter_map(|word| query.parse("status", word, &status)).collect(),
        policy: query.parsed("policy", "must be the key of a policy"),
        external_id: query.one("external_id"),
        created_after: query.parsed("created_after", time),
        created_before: query.parsed("created_before", time),
        due_before: query.parsed("due_before", time),
    }
}
