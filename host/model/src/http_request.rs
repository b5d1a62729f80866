//! An HTTP request as a connector composes it: texts made of pieces, no value in sight.
//!
//! Mirrors the WIT interface `http`. The egress gate finds the place of each piece from the
//! whole text and escapes for it; nobody else looks inside.

/// Number of a value that the host holds for a run.
pub type ValueId = u32;

/// One piece of a text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Piece {
    /// Stands as it is.
    Literal(String),
    /// A name of the author's template: a key of the credentials, or the kind of a bound identity.
    Placeholder(String),
    /// A key of the credentials.
    Secret(String),
    /// A host-held value: an identity, or a scalar of an earlier response.
    Value(ValueId),
}

/// A text, in pieces.
pub type Text = Vec<Piece>;

/// An HTTP request in pieces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// Names the query in reports and in the journal.
    pub label: String,
    /// The verb, sent as written.
    pub method: String,
    /// The URL.
    pub url: Text,
    /// Header names and values, in order.
    pub headers: Vec<(String, Text)>,
    /// The body.
    pub body: Option<Body>,
    /// One value for each kind of identity that a placeholder names.
    pub bind: Vec<ValueId>,
    /// False: certificates are not checked, for this request alone.
    pub verify_tls: bool,
    /// None: by method, RFC 9110.
    pub idempotent: Option<bool>,
    /// Statuses that are a success.
    pub success: Vec<u16>,
    /// Statuses that are tried again.
    pub retry_statuses: Vec<u16>,
    /// None: the host's default.
    pub max_attempts: Option<u8>,
    /// What becomes of the response's body.
    pub response_body: BodyUse,
}

/// The body of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// The text.
    pub content: Text,
    /// How values are escaped in it.
    pub escape: Escape,
}

/// How values in a body are escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escape {
    /// From the literal Content-Type header.
    ByMediaType,
    /// Verbatim; a need of its own.
    Raw,
}

/// What becomes of a response's body. Only what is asked for is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyUse {
    /// Read to its end, counted, dropped.
    Discard,
    /// Parsed as records.
    Records,
    /// Kept as it is.
    Bytes,
}

impl HttpRequest {
    /// Whether sending it twice is as good as once: what the query says, else the method
    /// (RFC 9110 §9.2.2), else whether the run only reads (BEHAVIOUR C2).
    pub fn is_idempotent(&self, run_only_reads: bool) -> bool {
        self.idempotent.unwrap_or_else(|| run_only_reads || is_idempotent_method(&self.method))
    }

    /// Whether it changes nothing upstream, so that the journal need not announce it before it
    /// goes out: a safe method (RFC 9110 §9.2.1), or a run that only reads.
    pub fn is_safe(&self, run_only_reads: bool) -> bool {
        match self.idempotent {
            Some(false) => false,
            Some(true) | None => run_only_reads || is_safe_method(&self.method),
        }
    }
}

/// RFC 9110 §9.2.1, without TRACE, which is refused. Methods are case-sensitive.
fn is_safe_method(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "OPTIONS")
}

/// RFC 9110 §9.2.2.
fn is_idempotent_method(method: &str) -> bool {
    is_safe_method(method) || matches!(method, "PUT" | "DELETE")
}

/// Why a call has no usable response. Mirrors the WIT variant `http-error`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// No bound identity and no key of the credentials has this name.
    #[error("nothing is known for the placeholder {{{0}}}")]
    MissingPlaceholder(String),
    /// A key of the credentials and a bound identity share the name.
    #[error("the placeholder {{{0}}} names both a credential and an identity")]
    AmbiguousPlaceholder(String),
    /// The value of this placeholder may not stand where the text puts it.
    #[error("the value of {{{0}}} may not stand where the text puts it")]
    ValueRefused(String),
    /// The status is in no list of the query.
    #[error("unexpected status {0}")]
    UnexpectedStatus(u16),
    /// No connection, or it broke before an answer.
    #[error("unreachable")]
    Unreachable,
    /// No answer in time.
    #[error("timed out")]
    Timeout,
    /// The body is larger than the host reads.
    #[error("the response is too large")]
    TooLarge,
    /// The body ended early.
    #[error("the response is truncated")]
    Truncated,
}

impl CallError {
    /// The stable word for reports, the journal and logs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::MissingPlaceholder(_) => "missing_placeholder",
            Self::AmbiguousPlaceholder(_) => "ambiguous_placeholder",
            Self::ValueRefused(_) => "value_refused",
            Self::UnexpectedStatus(_) => "unexpected_status",
            Self::Unreachable => "unreachable",
            Self::Timeout => "timeout",
            Self::TooLarge => "too_large",
            Self::Truncated => "truncated",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, idempotent: Option<bool>) -> HttpRequest {
        HttpRequest {
            label: "q".into(),
            method: method.into(),
            url: vec![],
            headers: vec![],
            body: None,
            bind: vec![],
            verify_tls: true,
            idempotent,
            success: vec![200],
            retry_statuses: vec![],
            max_attempts: None,
            response_body: BodyUse::Discard,
        }
    }

    #[test]
    fn a_post_that_searches_counts_as_idempotent_in_access_unless_the_query_says_otherwise() {
        assert!(request("POST", None).is_idempotent(true));
        assert!(!request("POST", Some(false)).is_idempotent(true));
        assert!(!request("POST", None).is_idempotent(false));
        assert!(request("POST", Some(true)).is_idempotent(false));
    }

    #[test]
    fn a_delete_is_idempotent_and_not_safe() {
        assert!(request("DELETE", None).is_idempotent(false));
        assert!(!request("DELETE", None).is_safe(false));
        assert!(request("GET", None).is_safe(false));
        assert!(!request("PATCH", None).is_idempotent(false));
        assert!(!request("get", None).is_safe(false), "methods are case-sensitive");
    }
}
