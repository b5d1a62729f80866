//! `/v1/limits`

use crate::answer::Answer;
use crate::auth::Auth;
use crate::dto::limits::LimitsView;
use crate::error::ApiError;

/// What this crate alone knows the use of: of all, and of one tenant.
const UPLOADS: (&str, &str) = ("server.uploads_max", "server.uploads_per_tenant_max");

/// Show the limits that apply
///
/// Of the key's tenant, or of the one that an operator names: how much it may use, who says so, and
/// how much of it is in use at this moment, where it is an amount. Limits that hold for every tenant
/// alike go by their keys in the configuration. An operator who names no tenant is shown what every
/// tenant may use and what the host as a whole may.
#[utoipa::path(
    get,
    path = "/v1/limits",
    tag = "operation",
    responses((status = 200, description = "Every limit by name", body = LimitsView))
)]
pub(crate) async fn get_limits(auth: Auth) -> Result<Answer, ApiError> {
    let mut limits = auth.services().limits(&auth.caller, auth.named_tenant()).await?;
    let uploads = auth.state.uploads.in_use(limits.tenant.as_ref());
    limits.note_use(UPLOADS, uploads);
    Answer::ok(&LimitsView::from(limits))
}
