//! `/v1/limits`

use crate::answer::Answer;
use crate::auth::Auth;
use crate::dto::limits::LimitsView;
use crate::error::ApiError;

/// Show the limits that apply
///
/// Of the key's tenant, or of the one that an operator names: how much it may use, who says so, and
/// how much is in use where that is known. An operator who names no tenant is shown what every
/// tenant may use and what the host as a whole may.
#[utoipa::path(
    get,
    path = "/v1/limits",
    tag = "operation",
    responses((status = 200, description = "Every limit by name", body = LimitsView))
)]
pub(crate) async fn get_limits(auth: Auth) -> Result<Answer, ApiError> {
    let limits = auth.services().limits(&auth.caller, auth.named_tenant()).await?;
    Answer::ok(&LimitsView::from(limits))
}
