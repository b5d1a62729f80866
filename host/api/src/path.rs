//! Path parameters. What cannot name an object names none: 404, never a hint at its shape.

use std::str::FromStr;

use axum::extract::{FromRequestParts, Path};
use cordon_engine::Missing;
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::State;
use crate::error::{ApiError, Code};

/// The parameters of the path.
pub(crate) struct Segments<T>(pub(crate) T);

impl<T: DeserializeOwned + Send> FromRequestParts<State> for Segments<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, ApiError> {
        match Path::<T>::from_request_parts(parts, state).await {
            Ok(Path(segments)) => Ok(Self(segments)),
            Err(_) => Err(ApiError::plain(Code::NotFound)),
        }
    }
}

/// An id in a path.
pub(crate) fn id<T: FromStr>(text: &str, missing: Missing) -> Result<T, ApiError> {
    text.parse().map_err(|_| cordon_engine::Error::NotFound(missing).into())
}
