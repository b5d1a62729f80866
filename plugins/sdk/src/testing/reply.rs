//! What the upstream of a test answers.

use std::fmt::Display;

use crate::http::HttpError;

/// One answer of the upstream, or what came in its place.
///
/// ```
/// use cordon_connector_sdk::testing::Reply;
///
/// let busy = Reply::status(429);
/// let page = Reply::json(r#"{"items": []}"#).with_header("ETag", "7");
/// # let _ = (busy, page);
/// ```
#[derive(Debug, Clone)]
pub struct Reply {
    pub(super) content: Result<Content, HttpError>,
}

/// An answer.
#[derive(Debug, Clone)]
pub(super) struct Content {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Reply {
    /// A status without a body.
    ///
    /// ```
    /// # let _ =
    /// cordon_connector_sdk::testing::Reply::status(204)
    /// # ;
    /// ```
    pub fn status(status: u16) -> Self {
        Self { content: Ok(Content { status, headers: Vec::new(), body: Vec::new() }) }
    }

    /// 200 and a body of JSON: a text, or a `serde_json::Value`.
    ///
    /// ```
    /// # use cordon_connector_sdk::testing::Reply;
    /// let found = Reply::json(serde_json::json!([{"id": 7}]));
    /// # let _ = found;
    /// ```
    pub fn json(body: impl Display) -> Self {
        Self::status(200)
            .with_header("Content-Type", "application/json")
            .with_body(body.to_string())
    }

    /// No usable answer.
    ///
    /// ```
    /// # use cordon_connector_sdk::{http::HttpError, testing::Reply};
    /// let late = Reply::error(HttpError::Timeout);
    /// # let _ = late;
    /// ```
    pub const fn error(error: HttpError) -> Self {
        Self { content: Err(error) }
    }

    /// With another status.
    ///
    /// ```
    /// # use cordon_connector_sdk::testing::Reply;
    /// let accepted = Reply::json(r#"{"job": "e-1"}"#).with_status(202);
    /// # let _ = accepted;
    /// ```
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        if let Ok(content) = &mut self.content {
            content.status = status;
        }
        self
    }

    /// With a header.
    ///
    /// ```
    /// # use cordon_connector_sdk::testing::Reply;
    /// let later = Reply::status(202).with_header("Retry-After", "30");
    /// # let _ = later;
    /// ```
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        if let Ok(content) = &mut self.content {
            content.headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// With a body of any kind.
    ///
    /// ```
    /// # use cordon_connector_sdk::testing::Reply;
    /// let csv = Reply::status(200).with_body("id,name\n7,Ada\n");
    /// # let _ = csv;
    /// ```
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        if let Ok(content) = &mut self.content {
            content.body = body.into();
        }
        self
    }
}
