//! Answers that hold an object: its JSON, its `ETag`, where it is.

use axum::response::{IntoResponse, Response};
use cordon_model::Revision;
use http::header::{CONTENT_TYPE, ETAG, LOCATION};
use http::{HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};

use crate::error::{ApiError, Code};
use crate::etag::etag;

/// An answer that can be sent, and remembered under an `Idempotency-Key`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    status: StatusCode,
    parts: Parts,
}

/// What is remembered beside the status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Parts {
    location: Option<String>,
    etag: Option<String>,
    body: String,
}

impl Answer {
    pub(crate) fn new(status: StatusCode, body: &impl Serialize) -> Result<Self, ApiError> {
        let body = serde_json::to_string(body).map_err(|_| ApiError::plain(Code::Internal))?;
        Ok(Self { status, parts: Parts { location: None, etag: None, body } })
    }

    /// 200, or 201 for what was just created.
    pub(crate) fn written(created: bool, body: &impl Serialize) -> Result<Self, ApiError> {
        Self::new(if created { StatusCode::CREATED } else { StatusCode::OK }, body)
    }

    /// 200.
    pub(crate) fn ok(body: &impl Serialize) -> Result<Self, ApiError> {
        Self::new(StatusCode::OK, body)
    }

    pub(crate) fn at(mut self, location: String) -> Self {
        self.parts.location = Some(location);
        self
    }

    pub(crate) fn tagged(mut self, revision: Revision) -> Self {
        self.parts.etag = Some(etag(revision));
        self
    }

    /// Status and everything else, to be remembered.
    pub(crate) fn to_remember(&self) -> Result<(u16, Vec<u8>), ApiError> {
        let parts = serde_json::to_vec(&self.parts).map_err(|_| ApiError::plain(Code::Internal))?;
        Ok((self.status.as_u16(), parts))
    }

    /// The answer that was remembered.
    pub(crate) fn remembered(status: u16, parts: &[u8]) -> Result<Self, ApiError> {
        let damaged = || ApiError::plain(Code::Internal);
        Ok(Self {
            status: StatusCode::from_u16(status).map_err(|_| damaged())?,
            parts: serde_json::from_slice(parts).map_err(|_| damaged())?,
        })
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.parts.body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        // Both are made of keys, ids and numbers, which headers can hold.
        for (name, value) in [(LOCATION, self.parts.location), (ETAG, self.parts.etag)] {
            if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
                headers.insert(name, value);
            }
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remembered_answer_is_the_same_answer() {
        let answer = Answer::new(StatusCode::CREATED, &serde_json::json!({"key": "a"}))
            .unwrap()
            .at("/v1/connections/a".to_owned())
            .tagged(Revision(1));
        let (status, parts) = answer.to_remember().unwrap();
        assert_eq!(Answer::remembered(status, &parts).unwrap(), answer);
        let response = answer.into_response();
        assert_eq!(response.headers()[LOCATION], "/v1/connections/a");
        assert_eq!(response.headers()[ETAG], "\"1\"");
    }
}
