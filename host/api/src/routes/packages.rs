//! `/v1/privacy-requests/{id}/package`

use axum::response::{IntoResponse, Response};
use cordon_engine::Missing;
use cordon_model::RequestId;
use cordon_model::api_key::Scope;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, ETAG};

use crate::auth::Auth;
use crate::error::ApiError;
use crate::path::{Segments, id};

/// Take the package of a request
///
/// 404 `package_not_ready` before there is one, 410 when it is not kept any more.
#[utoipa::path(
    get,
    path = "/v1/privacy-requests/{id}/package",
    tag = "privacy requests",
    params(("id" = String, Path, description = "Id of the request")),
    responses((status = 200, description = "The zip; its ETag is its SHA-256", content_type = "application/zip", body = Vec<u8>))
)]
pub(crate) async fn get_package(
    auth: Auth,
    Segments(request): Segments<String>,
) -> Result<Response, ApiError> {
    let access = auth.access(Scope::RequestsRead).await?;
    let request: RequestId = id(&request, Missing::Request)?;
    let (package, zip) = auth.services().package(&access, request).await?;
    let headers = [
        (CONTENT_TYPE, "application/zip".to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"{request}.zip\"")),
        (ETAG, format!("\"{}\"", package.sha256)),
    ];
    Ok((headers, zip).into_response())
}
