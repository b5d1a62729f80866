//! Composing requests: texts out of pieces, and an HTTP request with sensible defaults.
//!
//! Nothing here looks at a value or escapes anything; the host does both.

use crate::handles::{Piece, Text, ValueId};
use crate::http::{Body, BodyUse, Escape, HttpRequest};
use crate::types::{Action, PlannedRequest, WhenMissing};

/// A text of one literal.
pub fn literal(text: impl Into<String>) -> Text {
    vec![Piece::Literal(text.into())]
}

impl HttpRequest {
    /// A request that checks certificates, counts 200 as its only success, retries no status and
    /// drops the response's body.
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
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: Text) -> Self {
        self.headers.push((name.into(), value));
        self
    }

    /// Sets the body; its pieces are escaped by the Content-Type header.
    #[must_use]
    pub fn body(mut self, content: Text) -> Self {
        self.body = Some(Body { content, escape: Escape::ByMediaType });
        self
    }

    /// Sets what will be asked of the response's body.
    #[must_use]
    pub fn response_body(mut self, body_use: BodyUse) -> Self {
        self.response_body = body_use;
        self
    }

    /// The same request for these identities.
    #[must_use]
    pub fn bound_to(&self, bind: Vec<ValueId>) -> Self {
        Self { bind, ..self.clone() }
    }

    /// Whether a placeholder of this name stands anywhere in the request.
    pub fn names(&self, name: &str) -> bool {
        self.placeholders().any(|placeholder| placeholder == name)
    }

    /// The names of its placeholders, in the order in which they stand, each as often as it does.
    pub fn placeholders(&self) -> impl Iterator<Item = &str> {
        let headers = self.headers.iter().flat_map(|(_, value)| value);
        let body = self.body.iter().flat_map(|body| &body.content);
        self.url.iter().chain(headers).chain(body).filter_map(|piece| match piece {
            Piece::Placeholder(name) => Some(name.as_str()),
            Piece::Literal(_) | Piece::Secret(_) | Piece::Value(_) => None,
        })
    }

    /// The request as part of a plan. The task fails when an identity it names is missing.
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
