//! `/v1/egress`

use cordon_model::api_key::Scope;

use crate::answer::Answer;
use crate::auth::Auth;
use crate::dto::egress::{ExplainBody, ExplanationView};
use crate::error::ApiError;
use crate::json::Body;

/// Explain what would become of a request
///
/// Runs the checks of a send without sending. Addresses are told to the operator alone.
#[utoipa::path(
    post,
    path = "/v1/egress/explain",
    tag = "connections",
    request_body = ExplainBody,
    responses((status = 200, description = "What would become of it", body = ExplanationView))
)]
pub(crate) async fn explain_egress(
    auth: Auth,
    body: Body<ExplainBody>,
) -> Result<Answer, ApiError> {
    let access = auth.access(Scope::ConnectionsRead).await?;
    let ExplainBody { connection, method, url } = body.value;
    let services = auth.services();
    let explained =
        services.explain_egress(&auth.caller, &access, &connection, &method, &url).await?;
    Answer::ok(&ExplanationView::from(explained))
}
