//! `/v1/import`

use cordon_model::api_key::Scope;

use crate::answer::Answer;
use crate::auth::Auth;
use crate::dto::import::{AgentConfigBody, ImportView};
use crate::error::ApiError;
use crate::idempotency::Idempotency;
use crate::json::AnyBody;
use crate::query::QueryString;

/// Import a DataGrailAgentConfig
///
/// All of it in one go, or nothing. Connections are checked as if each was written by itself; all
/// problems are reported together. Importing the same document again changes nothing. A connection
/// that is there already and differs is a conflict.
#[utoipa::path(
    post,
    path = "/v1/import/datagrail",
    tag = "connections",
    params(
        ("dry_run" = Option<bool>, Query, description = "Check everything and write nothing"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body get the same answer for 24 hours"),
    ),
    request_body = AgentConfigBody,
    responses((status = 200, description = "What was made, or would be", body = ImportView))
)]
pub(crate) async fn import_datagrail(
    auth: Auth,
    mut query: QueryString,
    idempotency: Idempotency,
    body: AnyBody,
) -> Result<Answer, ApiError> {
    let access = auth.access(Scope::ConnectionsWrite).await?;
    let dry_run = query.parsed("dry_run", "must be true or false").unwrap_or(false);
    query.finish()?;
    let (services, own) = (auth.services().clone(), access.tenant().clone());
    let work = async move {
        let import = services.import_datagrail(&access, body.value, dry_run).await?;
        Answer::ok(&ImportView::of(&services, import))
    };
    if dry_run {
        // Nothing is done twice; and the answer must not be taken for that of the import itself.
        return work.await;
    }
    idempotency.once(&auth.state, Some(&own), body.sha256, work).await
}
