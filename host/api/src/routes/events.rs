//! `/v1/privacy-requests/{id}/events`

use cordon_engine::Missing;
use cordon_model::api_key::Scope;

use crate::answer::Answer;
use crate::auth::Auth;
use crate::dto::events::EventView;
use crate::error::ApiError;
use crate::path::{Segments, id};
use crate::query::{Items, QueryString};

/// List what happened to a request
///
/// In order, without personal data.
#[utoipa::path(
    get,
    path = "/v1/privacy-requests/{id}/events",
    tag = "privacy requests",
    params(
        ("id" = String, Path, description = "Id of the request"),
        ("limit" = Option<u64>, Query, description = "Most items of the page, 1 to 200; 50 when left out"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
    ),
    responses((status = 200, description = "A page of events, oldest first", body = Items<EventView>))
)]
pub(crate) async fn list_events(
    auth: Auth,
    Segments(request): Segments<String>,
    mut query: QueryString,
) -> Result<Answer, ApiError> {
    let access = auth.access(Scope::RequestsRead).await?;
    let page = query.page();
    query.finish()?;
    let listing = auth.services().events(&access, id(&request, Missing::Request)?, &page).await?;
    Answer::ok(&Items::of(listing, EventView::from))
}
