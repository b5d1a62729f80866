//! `/v1/audit`

use cordon_engine::service::audit::AuditFilter;
use cordon_model::api_key::Scope;

use crate::answer::Answer;
use crate::auth::Auth;
use crate::dto::audit::AuditView;
use crate::error::ApiError;
use crate::query::{Items, QueryString};

/// Read the ledger
///
/// Who did what, newest first, without personal data. A page can be short, even empty, and still
/// have a next one: a filter looks at so many entries at a time.
#[utoipa::path(
    get,
    path = "/v1/audit",
    tag = "audit",
    params(
        ("request" = Option<String>, Query, description = "Only about this privacy request"),
        ("event" = Option<String>, Query, description = "Only this word, like `request.submitted`"),
        ("after" = Option<String>, Query, description = "Only after this time, RFC 3339"),
        ("before" = Option<String>, Query, description = "Only before this time, RFC 3339"),
        ("ledger" = Option<String>, Query, description = "`host`: the host's own ledger, with an operator's key; left out: the tenant's"),
        ("limit" = Option<u64>, Query, description = "Most items of the page, 1 to 200; 50 when left out"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
    ),
    responses((status = 200, description = "A page of entries", body = Items<AuditView>))
)]
pub(crate) async fn list_audit(auth: Auth, mut query: QueryString) -> Result<Answer, ApiError> {
    let access = match query.parsed::<Ledger>("ledger", "must be host or tenant") {
        Some(Ledger::Host) => None,
        Some(Ledger::Tenant) | None => Some(auth.access(Scope::AuditRead).await?),
    };
    let (page, filter) = (query.page(), filter(&mut query));
    query.finish()?;
    let services = auth.services();
    let listing = match access {
        Some(access) => services.audit(&access, &filter, &page).await?,
        None => services.host_audit(&auth.caller, &filter, &page).await?,
    };
    Answer::ok(&Items::of(listing, AuditView::from))
}

enum Ledger {
    Tenant,
    Host,
}

impl std::str::FromStr for Ledger {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "tenant" => Ok(Self::Tenant),
            "host" => Ok(Self::Host),
            _ => Err(()),
        }
    }
}

fn filter(query: &mut QueryString) -> AuditFilter {
    let time = "must be a time as RFC 3339 writes it, like 2027-01-31T12:00:00Z";
    AuditFilter {
        request: query.parsed("request", "must be the id of a privacy request"),
        event: query.one("event"),
        after: query.parsed("after", time),
        before: query.parsed("before", time),
    }
}
