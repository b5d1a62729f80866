//! `/v1/connections/{key}/dry-run`

use cordon_model::api_key::Scope;

use crate::answer::Answer;
use crate::auth::Auth;
use crate::dto::dry_run::{DryRunBody, DryRunView};
use crate::error::ApiError;
use crate::json::Body;
use crate::path::Segments;

/// Show what a connection would send
///
/// Sends nothing and stores no value. The requests are shown with placeholders, and what the
/// egress gate says of each.
#[utoipa::path(
    post,
    path = "/v1/connections/{key}/dry-run",
    tag = "connections",
    params(("key" = String, Path, description = "Key or UUID of the connection")),
    request_body = DryRunBody,
    responses((status = 200, description = "What would be sent", body = DryRunView))
)]
pub(crate) async fn dry_run_connection(
    auth: Auth,
    Segments(key): Segments<String>,
    body: Body<DryRunBody>,
) -> Result<Answer, ApiError> {
    // Identities are handed in, so reading connections is not enough.
    let access = auth.access(Scope::ConnectionsWrite).await?;
    let DryRunBody { action, identities } = body.value;
    let run = auth.services().dry_run(&access, &key, &action, &identities.0).await?;
    Answer::ok(&DryRunView::from(run))
}
