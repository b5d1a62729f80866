//! The header `Cordon-Signature`: the signature of a component that is sent. Whether it counts is
//! judged elsewhere.

use axum::extract::FromRequestParts;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::request::Parts;

use crate::State;
use crate::error::{ApiError, Code};

const HEADER: &str = "cordon-signature";

/// The text of a signature; none: none was sent.
pub(crate) struct Signature(pub(crate) Option<String>);

impl FromRequestParts<State> for Signature {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &State) -> Result<Self, ApiError> {
        let mut values = parts.headers.get_all(HEADER).iter();
        let Some(value) = values.next() else { return Ok(Self(None)) };
        let text = STANDARD.decode(value.as_bytes()).ok();
        let text = text.and_then(|bytes| String::from_utf8(bytes).ok());
        match (text, values.next()) {
            (Some(text), None) => Ok(Self(Some(text))),
            _ => {
                let detail = "Cordon-Signature must be the base64 of one .minisig file";
                Err(ApiError::new(Code::InvalidHeader, detail))
            }
        }
    }
}
