//! Composing requests: texts out of pieces, and an HTTP request with sensible defaults.
//!
//! Nothing here looks at a value or escapes anything; the host does both.

use crate::handles::{Piece, Text, ValueId};
use crate::http::{Body, BodyUse, Escape, HttpRequest};
use crate::types::{Action, PlannedRequest, WhenMissing};

/// The media type of a JSON body.
pub(crate) const JSON: &str = "application/json";

/// A text of one literal. For texts with values in them see [`text!`](crate::text!).
///
/// ```
/// use cordon_connector_sdk::compose::literal;
///
/// let accept = literal("application/json");
/// # assert_eq!(accept.len(), 1);
/// ```
pub fn literal(text: impl Into<String>) -> Text {
    vec![Piece::Literal(text.into())]
}

impl HttpRequest {
    /// A request that checks certificates, counts 200 as its only success, retries no status and
    /// drops the response's body.
    ///
    /// ```
    /// use cordon_connector_sdk::http::HttpRequest;
    /// use cordon_connector_sdk::text;
    ///
    /// let ping = HttpRequest::new("ping", "GET", text!("https://api.acme.example/ping"));
    /// # assert_eq!(ping.success, [200]);
    /// ```
    pub fn new(label: impl Into<String>, method: impl Into<String>, url: Text) -> Self {
        Self {
            label: label.into(),
            method: method.into(),
            url,
            headers: Vec::new(),
            body: None,
            bind: Vec::new(),
            verify_tls: true,
            idempotent: None,
            success: vec![200],
            retry_statuses: Vec::new(),
            max_attempts: None,
            response_body: BodyUse::Discard,
        }
    }

    /// Adds a header.
    ///
    /// ```
    /// # use cordon_connector_sdk::{http::HttpRequest, text, text::secret};
    /// let ping = HttpRequest::new("ping", "GET", text!("https://api.acme.example/ping"))
    ///     .header("Authorization", text!("Bearer {}", secret("api_key")));
    /// # assert_eq!(ping.headers.len(), 1);
    /// ```
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: Text) -> Self {
        self.headers.push((name.into(), value));
        self
    }

    /// Sets the body; its pieces are escaped by the Content-Type header.
    ///
    /// ```
    /// # use cordon_connector_sdk::{compose::literal, http::HttpRequest, text, text::placeholder};
    /// let find = HttpRequest::new("find", "POST", text!("https://api.acme.example/find"))
    ///     .header("Content-Type", literal("text/plain"))
    ///     .body(text!("{}", placeholder("email")));
    /// # assert!(find.names("email"));
    /// ```
    #[must_use]
    pub fn body(mut self, content: Text) -> Self {
        self.body = Some(Body { content, escape: Escape::ByMediaType });
        self
    }

    /// Sets what will be asked of the response's body.
    ///
    /// ```
    /// # use cordon_connector_sdk::{http::{BodyUse, HttpRequest}, text};
    /// let all = HttpRequest::new("all", "GET", text!("https://api.acme.example/all"))
    ///     .response_body(BodyUse::Records);
    /// # assert_eq!(all.response_body, BodyUse::Records);
    /// ```
    #[must_use]
    pub fn response_body(mut self, body_use: BodyUse) -> Self {
        self.response_body = body_use;
        self
    }

    /// The same request for these identities.
    ///
    /// ```
    /// # use cordon_connector_sdk::{http::{self, HttpError, HttpRequest}, types::Task};
    /// fn for_each_email(task: &Task, request: &HttpRequest) -> Result<(), HttpError> {
    ///     for email in task.identities_of("email") {
    ///         http::send(&request.bound_to(vec![email.id]))?;
    ///     }
    ///     Ok(())
    /// }
    /// ```
    #[must_use]
    pub fn bound_to(&self, bind: Vec<ValueId>) -> Self {
        Self { bind, ..self.clone() }
    }

    /// Whether a placeholder of this name stands anywhere in the request.
    ///
    /// ```
    /// # use cordon_connector_sdk::{http::HttpRequest, text, text::placeholder};
    /// let url = text!("https://api.acme.example/people?email={}", placeholder("email"));
    /// assert!(HttpRequest::new("people", "GET", url).names("email"));
    /// ```
    pub fn names(&self, name: &str) -> bool {
        self.placeholders().any(|placeholder| placeholder == name)
    }

    /// The names of its placeholders, in the order in which they stand, each as often as it does.
    ///
    /// ```
    /// # use cordon_connector_sdk::{http::HttpRequest, text, text::placeholder};
    /// let url = text!("https://api.acme.example/people?email={}", placeholder("email"));
    /// let request = HttpRequest::new("people", "GET", url);
    /// assert_eq!(request.placeholders().collect::<Vec<_>>(), ["email"]);
    /// ```
    pub fn placeholders(&self) -> impl Iterator<Item = &str> {
        let headers = self.headers.iter().flat_map(|(_, value)| value);
        let body = self.body.iter().flat_map(|body| &body.content);
        self.url.iter().chain(headers).chain(body).filter_map(|piece| match piece {
            Piece::Placeholder(name) => Some(name.as_str()),
            Piece::Literal(_) | Piece::Secret(_) | Piece::Value(_) => None,
        })
    }

    /// The request as part of a plan. The task fails when an identity it names is missing.
    ///
    /// ```
    /// # use cordon_connector_sdk::{http::HttpRequest, text, types::Action};
    /// let all = HttpRequest::new("all", "GET", text!("https://api.acme.example/all"));
    /// let planned = all.planned("/config/origin", Some(Action::Access));
    /// # assert_eq!(planned.pointer, "/config/origin");
    /// ```
    pub fn planned(self, pointer: impl Into<String>, action: Option<Action>) -> PlannedRequest {
        PlannedRequest {
            pointer: pointer.into(),
            action,
            wanted: None,
            when_missing: WhenMissing::Fail,
            request: self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_found_in_url_headers_and_body() {
        let mut url = literal("https://api.acme.com/?email=");
        url.push(Piece::Placeholder("email".to_owned()));
        let request = HttpRequest::new("q", "POST", url)
            .header("Authorization", vec![Piece::Placeholder("token".to_owned())])
            .body(vec![Piece::Placeholder("user_id".to_owned()), Piece::Secret("key".to_owned())]);
        assert_eq!(request.placeholders().collect::<Vec<_>>(), ["email", "token", "user_id"]);
        assert!(request.names("token") && !request.names("key"));
    }

    #[test]
    fn a_bound_request_differs_in_its_bindings_only() {
        let request = HttpRequest::new("q", "GET", literal("https://api.acme.com/"));
        let bound = request.bound_to(vec![3]);
        assert_eq!(bound.bind, [3]);
        assert_eq!(HttpRequest { bind: vec![], ..bound }, request);
    }
}
