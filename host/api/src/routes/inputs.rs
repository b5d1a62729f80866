//! `/v1/privacy-requests/{id}/manual-inputs` and `/v1/privacy-requests/{id}/tasks/{task}/input`

use cordon_engine::Missing;
use cordon_engine::service::inputs::InputTarget;
use cordon_model::api_key::Scope;

use crate::answer::Answer;
use crate::auth::Auth;
use crate::dto::inputs::{InputList, InputView};
use crate::dto::requests::RequestView;
use crate::error::ApiError;
use crate::input_body::InputBody;
use crate::path::{Segments, id};

/// List the forms of a request
///
/// Each with who answered it, when, and for which labels; the values are not shown.
#[utoipa::path(
    get,
    path = "/v1/privacy-requests/{id}/manual-inputs",
    tag = "inputs",
    params(("id" = String, Path, description = "Id of the request")),
    responses((status = 200, description = "Every form", body = InputList))
)]
pub(crate) async fn list_manual_inputs(
    auth: Auth,
    Segments(request): Segments<String>,
) -> Result<Answer, ApiError> {
    let access = auth.access(Scope::InputsWrite).await?;
    let statuses = auth.services().manual_inputs(&access, id(&request, Missing::Request)?).await?;
    Answer::ok(&InputList { items: statuses.into_iter().map(InputView::from).collect() })
}

/// Supply the input for a manual webhook
///
/// By label: a string, or null for nothing. Files are sent as parts of a form; a label that takes
/// either is a file when its part has a filename. Nothing at all means "searched, nothing found".
/// Replaces what was given before.
#[utoipa::path(
    put,
    path = "/v1/privacy-requests/{id}/manual-inputs/{connection}",
    tag = "inputs",
    params(
        ("id" = String, Path, description = "Id of the request"),
        ("connection" = String, Path, description = "Key of the connection"),
    ),
    request_body(content((Object = "application/json"), (Object = "multipart/form-data"))),
    responses((status = 200, description = "The request", body = RequestView))
)]
pub(crate) async fn put_manual_input(
    auth: Auth,
    Segments((request, connection)): Segments<(String, String)>,
    body: InputBody,
) -> Result<Answer, ApiError> {
    let target = InputTarget::Connection(id(&connection, Missing::Input)?);
    put(&auth, &request, target, body).await
}

/// Show the form of a task
#[utoipa::path(
    get,
    path = "/v1/privacy-requests/{id}/tasks/{task}/input",
    tag = "inputs",
    params(
        ("id" = String, Path, description = "Id of the request"),
        ("task" = String, Path, description = "Id of the task"),
    ),
    responses((status = 200, description = "The form", body = InputView))
)]
pub(crate) async fn get_task_input(
    auth: Auth,
    Segments((request, task)): Segments<(String, String)>,
) -> Result<Answer, ApiError> {
    let access = auth.access(Scope::InputsWrite).await?;
    let (request, task) = (id(&request, Missing::Request)?, id(&task, Missing::Task)?);
    Answer::ok(&InputView::from(auth.services().task_input(&access, request, task).await?))
}

/// Supply the input for a task
///
/// By label: a string, or null for nothing. Files are sent as parts of a form; a label that takes
/// either is a file when its part has a filename. Nothing at all means "searched, nothing found".
/// Replaces what was given before.
#[utoipa::path(
    put,
    path = "/v1/privacy-requests/{id}/tasks/{task}/input",
    tag = "inputs",
    params(
        ("id" = String, Path, description = "Id of the request"),
        ("task" = String, Path, description = "Id of the task"),
    ),
    request_body(content((Object = "application/json"), (Object = "multipart/form-data"))),
    responses((status = 200, description = "The request", body = RequestView))
)]
pub(crate) async fn put_task_input(
    auth: Auth,
    Segments((request, task)): Segments<(String, String)>,
    body: InputBody,
) -> Result<Answer, ApiError> {
    let target = InputTarget::Task(id(&task, Missing::Task)?);
    put(&auth, &request, target, body).await
}

async fn put(
    auth: &Auth,
    request: &str,
    target: InputTarget,
    body: InputBody,
) -> Result<Answer, ApiError> {
    let access = auth.access(Scope::InputsWrite).await?;
    let InputBody { values, room } = body;
    let request = id(request, Missing::Request)?;
    let request = auth.services().put_input(&access, request, target, values).await?;
    drop(room);
    let revision = request.revision;
    Ok(Answer::ok(&RequestView::from(request))?.tagged(revision))
}
