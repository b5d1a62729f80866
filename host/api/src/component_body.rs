//! The body of an upload: a component, read within limits of its own. What it holds is judged
//! elsewhere.

use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use tokio::time::timeout;

use crate::State;
use crate::error::{ApiError, Code};
use crate::json::{TooLarge, collect};
use crate::uploads::Room;

/// What a component is sent as.
pub(crate) const WASM: &str = "application/wasm";

/// The bytes of a component.
pub(crate) struct ComponentBody {
    pub(crate) bytes: Bytes,
    /// Held for as long as the bytes are in memory.
    pub(crate) room: Room,
}

impl FromRequest<State> for ComponentBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &State) -> Result<Self, ApiError> {
        let media_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let essence = media_type.and_then(|text| text.split(';').next()).map(str::trim);
        if !essence.is_some_and(|essence| essence.eq_ignore_ascii_case(WASM)) {
            let detail = format!("the body must be {WASM}, and the Content-Type say so");
            return Err(ApiError::new(Code::UnsupportedMediaType, detail));
        }
        let options = &state.options;
        let room = state.uploads.room(request.extensions(), options.body_timeout).await?;
        let most = options.component_bytes_max;
        let body = collect(request.into_body(), most, options.body_dropped_max);
        match timeout(options.upload_timeout, body).await {
            Err(_) => Err(ApiError::plain(Code::Timeout)),
            Ok(Some(Ok(bytes))) => Ok(Self { bytes, room }),
            Ok(Some(Err(TooLarge))) => {
                let detail = format!("a component may have {most} bytes at most");
                Err(ApiError::new(Code::BodyTooLarge, detail))
            }
            Ok(None) => Err(ApiError::new(Code::Timeout, "the body ended early")),
        }
    }
}
