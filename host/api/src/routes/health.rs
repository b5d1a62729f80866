//! Health: the only answers, beside the OpenAPI document, that need no key.

use axum::extract::State as Extract;

use crate::State;
use crate::answer::Answer;
use crate::dto::HealthView;
use crate::error::ApiError;

/// Whether the process is alive
///
/// Says nothing about what it depends on.
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "operation",
    security(()),
    responses((status = 200, description = "Alive", body = HealthView))
)]
pub(crate) async fn is_alive() -> Result<Answer, ApiError> {
    Answer::ok(&HealthView::OK)
}

/// Whether requests can be served
///
/// Asks the store.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "operation",
    security(()),
    responses((status = 200, description = "Ready", body = HealthView))
)]
pub(crate) async fn is_ready(Extract(state): Extract<State>) -> Result<Answer, ApiError> {
    state.services.ready().await?;
    Answer::ok(&HealthView::OK)
}
