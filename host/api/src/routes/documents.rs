//! What the host says about itself: the OpenAPI document and its metrics.

use std::sync::Arc;

use axum::Extension;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use utoipa::openapi::OpenApi;

use crate::auth::Auth;
use crate::error::ApiError;

/// The OpenAPI document as it is sent.
#[derive(Clone)]
pub(crate) struct Document(Arc<str>);

impl Document {
    pub(crate) fn new(document: &OpenApi) -> Self {
        // The document is made of strings, lists and maps: writing it as JSON cannot fail.
        Self(document.to_json().unwrap_or_default().into())
    }
}

/// The OpenAPI document
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "operation",
    security(()),
    responses((status = 200, description = "This document", content_type = "application/json", body = Object))
)]
pub(crate) async fn get_openapi(Extension(document): Extension<Document>) -> Response {
    ([(CONTENT_TYPE, "application/json")], document.0.to_string()).into_response()
}

/// The host's metrics
///
/// Takes an operator's key.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "operation",
    responses((status = 200, description = "In the text format of Prometheus", content_type = "text/plain", body = String))
)]
pub(crate) async fn get_metrics(auth: Auth) -> Result<Response, ApiError> {
    auth.caller.require_operator()?;
    let text = (auth.state.metrics)();
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response())
}
