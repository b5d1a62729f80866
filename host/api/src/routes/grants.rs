//! `/v1/connections/{key}/grants`

use cordon_model::api_key::Scope;

use crate::answer::Answer;
use crate::auth::Auth;
use crate::dto::grants::{ConnectionGrantsView, GrantsBody};
use crate::error::ApiError;
use crate::etag::IfMatch;
use crate::json::Body;
use crate::path::Segments;

/// Show the grants of a connection
///
/// What it asks for, what it was granted, what it can do, and what is missing; and what it would
/// need beyond that with versions of its plugin that it is not with.
#[utoipa::path(
    get,
    path = "/v1/connections/{key}/grants",
    tag = "connections",
    params(("key" = String, Path, description = "Key or UUID of the connection")),
    responses((status = 200, description = "The grants", body = ConnectionGrantsView))
)]
pub(crate) async fn get_grants(
    auth: Auth,
    Segments(key): Segments<String>,
) -> Result<Answer, ApiError> {
    let access = auth.access(Scope::ConnectionsRead).await?;
    let state = auth.services().grants(&access, &key).await?;
    let revision = state.revision;
    Ok(Answer::ok(&ConnectionGrantsView::from(state))?.tagged(revision))
}

/// Replace the grants of a connection
///
/// Everything at once; what is left out is not granted. Nothing wider than the operator's egress
/// policy can be granted. The needs of a built-in connector are granted again whenever its
/// configuration is written.
#[utoipa::path(
    put,
    path = "/v1/connections/{key}/grants",
    tag = "connections",
    params(
        ("key" = String, Path, description = "Key or UUID of the connection"),
        ("If-Match" = Option<String>, Header, description = "The ETag that the connection must have"),
    ),
    request_body = GrantsBody,
    responses((status = 200, description = "The grants", body = ConnectionGrantsView))
)]
pub(crate) async fn put_grants(
    auth: Auth,
    Segments(key): Segments<String>,
    IfMatch(if_match): IfMatch,
    body: Body<GrantsBody>,
) -> Result<Answer, ApiError> {
    let access = auth.access(Scope::ConnectionsWrite).await?;
    let state = auth.services().put_grants(&access, &key, body.value.into(), if_match).await?;
    let revision = state.revision;
    Ok(Answer::ok(&ConnectionGrantsView::from(state))?.tagged(revision))
}
