//! `/v1/connections`

use cordon_engine::Services;
use cordon_model::api_key::Scope;
use cordon_model::connection::Connection;
use http::StatusCode;

use crate::answer::Answer;
use crate::auth::Auth;
use crate::dto::connections::{ConnectionBody, ConnectionView, SecretsView, TestView};
use crate::error::ApiError;
use crate::etag::IfMatch;
use crate::idempotency::Idempotency;
use crate::json::AnyBody;
use crate::path::Segments;
use crate::query::{Items, QueryString};

/// Create a connection
///
/// The body is the whole connection object. All problems are reported together.
#[utoipa::path(
    post,
    path = "/v1/connections",
    tag = "connections",
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body get the same answer for 24 hours")),
    request_body = ConnectionBody,
    responses((status = 201, description = "Created", body = ConnectionView))
)]
pub(crate) async fn create_connection(
    auth: Auth,
    idempotency: Idempotency,
    body: AnyBody,
) -> Result<Answer, ApiError> {
    let access = auth.access(Scope::ConnectionsWrite).await?;
    let (services, own) = (auth.services().clone(), access.tenant().clone());
    let work = async move {
        let created = services.create_connection(&access, body.value).await?;
        shown(&services, true, created)
    };
    idempotency.once(&auth.state, Some(&own), body.sha256, work).await
}

/// List connections
///
/// Newest first.
#[utoipa::path(
    get,
    path = "/v1/connections",
    tag = "connections",
    params(
        ("limit" = Option<u64>, Query, description = "Most items of the page, 1 to 200; 50 when left out"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
    ),
    responses((status = 200, description = "A page of connections", body = Items<ConnectionView>))
)]
pub(crate) async fn list_connections(
    auth: Auth,
    mut query: QueryString,
) -> Result<Answer, ApiError> {
    let access = auth.access(Scope::ConnectionsRead).await?;
    let page = query.page();
    query.finish()?;
    let services = auth.services();
    let listing = services.connections(&access, &page).await?;
    Answer::ok(&Items::of(listing, |connection| view(services, connection)))
}

/// Show a connection
///
/// Secrets are never shown, only their names.
#[utoipa::path(
    get,
    path = "/v1/connections/{key}",
    tag = "connections",
    params(("key" = String, Path, description = "Key or UUID of the connection")),
    responses((status = 200, description = "The connection", body = ConnectionView))
)]
pub(crate) async fn get_connection(
    auth: Auth,
    Segments(key): Segments<String>,
) -> Result<Answer, ApiError> {
    let access = auth.access(Scope::ConnectionsRead).await?;
    let connection = auth.services().connection(&access, &key).await?;
    shown(auth.services(), false, connection)
}

/// Create or replace a connection
///
/// The body is the whole connection object. All problems are reported together.
#[utoipa::path(
    put,
    path = "/v1/connections/{key}",
    tag = "connections",
    params(
        ("key" = String, Path, description = "Key or UUID of the connection"),
        ("If-Match" = Option<String>, Header, description = "The ETag that the connection must have"),
    ),
    request_body = ConnectionBody,
    responses(
        (status = 200, description = "Replaced", body = ConnectionView),
        (status = 201, description = "Created", body = ConnectionView),
    )
)]
pub(crate) async fn put_connection(
    auth: Auth,
    Segments(key): Segments<String>,
    IfMatch(if_match): IfMatch,
    body: AnyBody,
) -> Result<Answer, ApiError> {
    let access = auth.access(Scope::ConnectionsWrite).await?;
    let services = auth.services();
    let (written, created) = services.put_connection(&access, &key, body.value, if_match).await?;
    shown(services, created, written)
}

/// Change parts of a connection
///
/// What comes out is checked as if it was written whole.
#[utoipa::path(
    patch,
    path = "/v1/connections/{key}",
    tag = "connections",
    params(
        ("key" = String, Path, description = "Key or UUID of the connection"),
        ("If-Match" = Option<String>, Header, description = "The ETag that the connection must have"),
    ),
    request_body(content = Object, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The connection", body = ConnectionView))
)]
pub(crate) async fn patch_connection(
    auth: Auth,
    Segments(key): Segments<String>,
    IfMatch(if_match): IfMatch,
    body: AnyBody,
) -> Result<Answer, ApiError> {
    let access = auth.access(Scope::ConnectionsWrite).await?;
    let services = auth.services();
    let patched = services.patch_connection(&access, &key, body.value, if_match).await?;
    shown(services, false, patched)
}

/// Remove a connection
///
/// With its secrets. Refused while something uses it.
#[utoipa::path(
    delete,
    path = "/v1/connections/{key}",
    tag = "connections",
    params(
        ("key" = String, Path, description = "Key or UUID of the connection"),
        ("If-Match" = Option<String>, Header, description = "The ETag that the connection must have"),
    ),
    responses((status = 204, description = "Removed"))
)]
pub(crate) async fn delete_connection(
    auth: Auth,
    Segments(key): Segments<String>,
    IfMatch(if_match): IfMatch,
) -> Result<StatusCode, ApiError> {
    let access = auth.access(Scope::ConnectionsWrite).await?;
    auth.services().delete_connection(&access, &key, if_match).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Replace the secrets of a connection
///
/// A flat object of strings and numbers. Only names are answered; values are never shown again.
#[utoipa::path(
    put,
    path = "/v1/connections/{key}/secrets",
    tag = "connections",
    params(
        ("key" = String, Path, description = "Key or UUID of the connection"),
        ("If-Match" = Option<String>, Header, description = "The ETag that the connection must have"),
    ),
    request_body = Object,
    responses((status = 200, description = "Stored", body = SecretsView))
)]
pub(crate) async fn put_secrets(
    auth: Auth,
    Segments(key): Segments<String>,
    IfMatch(if_match): IfMatch,
    body: AnyBody,
) -> Result<Answer, ApiError> {
    let access = auth.access(Scope::ConnectionsWrite).await?;
    let stored = auth.services().put_secrets(&access, &key, body.value, if_match).await?;
    let revision = stored.connection.revision;
    Ok(Answer::ok(&SecretsView::from(stored))?.tagged(revision))
}

/// Test a connection
///
/// Runs its test queries; the result is kept on the connection.
#[utoipa::path(
    post,
    path = "/v1/connections/{key}/test",
    tag = "connections",
    params(("key" = String, Path, description = "Key or UUID of the connection")),
    responses((status = 200, description = "How it went", body = TestView))
)]
pub(crate) async fn test_connection(
    auth: Auth,
    Segments(key): Segments<String>,
) -> Result<Answer, ApiError> {
    let access = auth.access(Scope::ConnectionsWrite).await?;
    let result = auth.services().test_connection(&access, &key).await?;
    Answer::ok(&TestView::from(result))
}

fn view(services: &Services, connection: Connection) -> ConnectionView {
    let source = services.credentials_source(&connection);
    ConnectionView::of(connection, source)
}

fn shown(services: &Services, created: bool, connection: Connection) -> Result<Answer, ApiError> {
    let (revision, location) = (connection.revision, format!("/v1/connections/{}", connection.key));
    let answer = Answer::written(created, &view(services, connection))?.tagged(revision);
    Ok(if created { answer.at(location) } else { answer })
}
