//! `/v1/connection-types`

use cordon_engine::service::connection_types::ConnectionTypeFilter;
use cordon_model::api_key::Scope;

use crate::answer::Answer;
use crate::auth::Auth;
use crate::dto::connection_types::ConnectionTypeView;
use crate::error::ApiError;
use crate::query::{Items, QueryString};

/// List the kinds of connection
///
/// All of them, on one page.
#[utoipa::path(
    get,
    path = "/v1/connection-types",
    tag = "connections",
    params(
        ("category" = Option<String>, Query, description = "Only this category"),
        ("search" = Option<String>, Query, description = "Only those whose type, category or name contains this"),
    ),
    responses((status = 200, description = "The kinds, by type", body = Items<ConnectionTypeView>))
)]
pub(crate) async fn list_connection_types(
    auth: Auth,
    mut query: QueryString,
) -> Result<Answer, ApiError> {
    let access = auth.access(Scope::ConnectionsRead).await?;
    let filter =
        ConnectionTypeFilter { category: query.one("category"), search: query.one("search") };
    query.finish()?;
    let kinds = auth.services().connection_types(&access, &filter);
    let items = kinds.into_iter().map(ConnectionTypeView::from).collect();
    Answer::ok(&Items { items, next_cursor: None })
}
