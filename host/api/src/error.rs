//! The one map from what went wrong to HTTP: RFC 9457 problem+json with a stable `code`.
//!
//! What a person typed is never repeated, and why the host cannot do its part goes to the log
//! only. `docs/errors.md` lists every code.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use cordon_engine::{Conflict, Missing};
use cordon_model::Problem;
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use crate::rate::TooOften;

macro_rules! codes {
    ($($variant:ident = $text:literal, $status:ident, $doc:literal;)*) => {
        /// The stable words of what can go wrong, listed in `docs/errors.md`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code { $(#[doc = $doc] $variant,)* }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word in the `code` of a problem.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The status that comes with it.
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status,)* }
            }

            /// What the word means, in a sentence.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $doc,)* }
            }
        }
    };
}

codes! {
    MalformedJson = "malformed_json", BAD_REQUEST, "The body is no JSON, or an object in it has a key twice; `detail` says where.";
    MalformedForm = "malformed_form", BAD_REQUEST, "The body is no `multipart/form-data`, or it ended early.";
    InvalidQuery = "invalid_query", BAD_REQUEST, "The query string has problems; `errors` lists them by parameter.";
    InvalidHeader = "invalid_header", BAD_REQUEST, "A header cannot be understood; `detail` names it.";
    TenantRequired = "tenant_required", BAD_REQUEST, "An operator's key must name the tenant in the header `Cordon-Tenant`.";
    Unauthenticated = "unauthenticated", UNAUTHORIZED, "A valid API key is required.";
    Forbidden = "forbidden", FORBIDDEN, "The key lacks the scope that `detail` names.";
    OperatorOnly = "operator_only", FORBIDDEN, "Only an operator's key may do this.";
    WrongToken = "wrong_token", FORBIDDEN, "The token is not the one that resumes this request.";
    TenantSuspended = "tenant_suspended", FORBIDDEN, "The tenant of the key is suspended.";
    NotFound = "not_found", NOT_FOUND, "There is no such object, or it belongs to another tenant.";
    PackageNotReady = "package_not_ready", NOT_FOUND, "The request has no package yet.";
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED, "The path does not take this method.";
    Timeout = "timeout", REQUEST_TIMEOUT, "The body did not arrive in time.";
    Exists = "exists", CONFLICT, "The key, or another value that must be unique, is taken.";
    InUse = "in_use", CONFLICT, "The object is in use; `detail` counts by what.";
    IllegalTransition = "illegal_transition", CONFLICT, "The request's status does not allow it.";
    NotWaitingForInput = "not_waiting_for_input", CONFLICT, "The request does not wait for this input.";
    NotPaused = "not_paused", CONFLICT, "No webhook halts the request, so that a token resumes nothing.";
    InputsMissing = "inputs_missing", CONFLICT, "Inputs are still missing; `detail` names them.";
    RuleUnserved = "rule_unserved", CONFLICT, "No connection serves a rule of the policy; `detail` names it.";
    IdempotencyInFlight = "idempotency_in_flight", CONFLICT, "A request with this `Idempotency-Key` is being worked on.";
    Changed = "changed", CONFLICT, "The object was changed at the same moment; read it and try again.";
    NothingToRetry = "nothing_to_retry", CONFLICT, "Nothing of the request failed.";
    AlreadySet = "already_set", CONFLICT, "An import would change a setting that was set to something else; `detail` names it.";
    TypeTaken = "type_taken", CONFLICT, "The connector type or the name of the plugin belongs to another one; `detail` names it.";
    VersionTaken = "version_taken", CONFLICT, "The plugin's name and version stand for another component.";
    PluginUnavailable = "plugin_unavailable", CONFLICT, "The plugin cannot be loaded; `detail` says why.";
    Downgrade = "downgrade", CONFLICT, "The plugin is older than the newest version that was ever here, which `detail` names.";
    VersionUnordered = "version_unordered", CONFLICT, "There is no order between the plugin's version and the newest one that was ever here.";
    Gone = "gone", GONE, "The package was there and is not kept any more.";
    PreconditionFailed = "precondition_failed", PRECONDITION_FAILED, "`If-Match` names another revision of the object.";
    BodyTooLarge = "body_too_large", PAYLOAD_TOO_LARGE, "The body is larger than the host reads.";
    UnsupportedMediaType = "unsupported_media_type", UNSUPPORTED_MEDIA_TYPE, "The body must have the media type that `detail` names.";
    Invalid = "invalid", UNPROCESSABLE_ENTITY, "What was sent has problems; `errors` lists all of them by JSON pointer.";
    RateLimited = "rate_limited", TOO_MANY_REQUESTS, "Too many calls in a minute, or too many with keys that are none; `Retry-After` says when to come again.";
    TooManyStreams = "too_many_streams", TOO_MANY_REQUESTS, "The tenant follows as many requests as it may at the same time.";
    Internal = "internal", INTERNAL_SERVER_ERROR, "The host made a mistake; the log has more.";
    Unavailable = "unavailable", SERVICE_UNAVAILABLE, "The host cannot do this now; trying again may help.";
}

/// What went wrong, on its way out.
#[derive(Debug)]
pub(crate) struct ApiError {
    code: Code,
    detail: String,
    errors: Vec<FieldProblem>,
    /// When trying again may help; none: as usual for the code.
    retry_after: Option<Duration>,
}

/// RFC 9457, with the members that every problem of this API has.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody {
    /// Always `about:blank`: `code` says what it is.
    r#type: &'static str,
    /// The words of the status.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// A stable word; `docs/errors.md` lists them.
    code: &'static str,
    /// A sentence for a person.
    detail: String,
    /// Everything that is wrong with what was sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<FieldProblem>,
}

/// One thing that is wrong with what was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct FieldProblem {
    /// JSON pointer into the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pointer: Option<String>,
    /// Name of the query parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) parameter: Option<String>,
    /// A stable word.
    pub(crate) code: String,
    /// A sentence for a person: what is wrong, and the remedy.
    pub(crate) detail: String,
    /// 1-based, in characters of the text at the pointer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) column: Option<u32>,
}

impl FieldProblem {
    pub(crate) fn at(pointer: impl Into<String>, code: &str, detail: impl Into<String>) -> Self {
        Self {
            pointer: Some(pointer.into()),
            parameter: None,
            code: code.to_owned(),
            detail: detail.into(),
            column: None,
        }
    }

    pub(crate) fn of_parameter(name: &str, code: &str, detail: impl Into<String>) -> Self {
        Self {
            pointer: None,
            parameter: Some(name.to_owned()),
            code: code.to_owned(),
            detail: detail.into(),
            column: None,
        }
    }
}

impl ApiError {
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), errors: Vec::new(), retry_after: None }
    }

    /// The caller called too often.
    pub(crate) fn rate_limited(TooOften(wait): TooOften) -> Self {
        Self { retry_after: Some(wait), ..Self::plain(Code::RateLimited) }
    }

    /// A problem with its usual sentence.
    pub(crate) fn plain(code: Code) -> Self {
        Self::new(code, code.meaning())
    }

    pub(crate) fn with_errors(code: Code, errors: Vec<FieldProblem>) -> Self {
        let detail = match errors.as_slice() {
            [one] => one.detail.clone(),
            _ => format!("what was sent has {} problems", errors.len()),
        };
        Self { code, detail, errors, retry_after: None }
    }

    /// The body has these problems.
    pub(crate) fn invalid(errors: Vec<FieldProblem>) -> Self {
        Self::with_errors(Code::Invalid, errors)
    }

    #[cfg(test)]
    pub(crate) fn code(&self) -> Code {
        self.code
    }

    #[cfg(test)]
    pub(crate) fn errors(&self) -> &[FieldProblem] {
        &self.errors
    }
}

impl From<Problem> for FieldProblem {
    fn from(problem: Problem) -> Self {
        Self { column: problem.column, ..Self::at(problem.pointer, &problem.code, problem.message) }
    }
}

impl From<cordon_engine::Error> for ApiError {
    fn from(error: cordon_engine::Error) -> Self {
        use cordon_engine::Error as Engine;
        let code = match &error {
            Engine::Unauthenticated => Code::Unauthenticated,
            Engine::Forbidden(_) => Code::Forbidden,
            Engine::OperatorOnly => Code::OperatorOnly,
            Engine::TenantRequired => Code::TenantRequired,
            Engine::TenantSuspended => Code::TenantSuspended,
            Engine::NotFound(missing) => code_of_missing(*missing),
            Engine::Conflict { code, .. } => code_of_conflict(*code),
            Engine::WrongToken => Code::WrongToken,
            Engine::PreconditionFailed => Code::PreconditionFailed,
            Engine::Gone => Code::Gone,
            Engine::TooManyStreams(_) => Code::TooManyStreams,
            Engine::Invalid(_) => Code::Invalid,
            Engine::Unavailable(reason) => {
                tracing::error!(error.reason = %reason, "a request cannot be answered now");
                return Self::plain(Code::Unavailable);
            }
        };
        match error {
            Engine::Invalid(problems) => {
                Self::invalid(problems.into_iter().map(FieldProblem::from).collect())
            }
            other => Self::new(code, other.to_string()),
        }
    }
}

fn code_of_missing(missing: Missing) -> Code {
    match missing {
        Missing::Package => Code::PackageNotReady,
        Missing::Tenant
        | Missing::ApiKey
        | Missing::Connection
        | Missing::Policy
        | Missing::ManualWebhook
        | Missing::Webhook
        | Missing::Plugin
        | Missing::Request
        | Missing::Task
        | Missing::Input => Code::NotFound,
    }
}

fn code_of_conflict(conflict: Conflict) -> Code {
    match conflict {
        Conflict::Exists => Code::Exists,
        Conflict::InUse => Code::InUse,
        Conflict::IllegalTransition => Code::IllegalTransition,
        Conflict::NotWaitingForInput => Code::NotWaitingForInput,
        Conflict::NotPaused => Code::NotPaused,
        Conflict::InputsMissing => Code::InputsMissing,
        Conflict::RuleUnserved => Code::RuleUnserved,
        Conflict::IdempotencyInFlight => Code::IdempotencyInFlight,
        Conflict::Changed => Code::Changed,
        Conflict::NothingToRetry => Code::NothingToRetry,
        Conflict::AlreadySet => Code::AlreadySet,
        Conflict::TypeTaken => Code::TypeTaken,
        Conflict::VersionTaken => Code::VersionTaken,
        Conflict::PluginUnavailable => Code::PluginUnavailable,
        Conflict::Downgrade => Code::Downgrade,
        Conflict::VersionUnordered => Code::VersionUnordered,
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = self.code.status();
        let body = ProblemBody {
            r#type: "about:blank",
            title: status.canonical_reason().unwrap_or_default(),
            status: status.as_u16(),
            code: self.code.as_str(),
            detail: self.detail,
            errors: self.errors,
        };
        // Strings and numbers only: writing them as JSON cannot fail.
        let body = serde_json::to_vec(&body).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        let soon = matches!(
            self.code,
            Code::Unavailable | Code::IdempotencyInFlight | Code::TooManyStreams
        );
        // Whole seconds, and none too few.
        let seconds = |wait: Duration| wait.as_millis().div_ceil(1_000).max(1) as u64;
        let wait = self.retry_after.map(seconds).or(soon.then_some(1));
        if let Some(seconds) = wait {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cordon_model::FailureCode;
    use cordon_model::api_key::Scope;
    use http_body_util::BodyExt as _;

    const DOCS: &str = include_str!("../../../docs/errors.md");

    async fn body_of(
        error: cordon_engine::Error,
    ) -> (StatusCode, serde_json::Value, http::HeaderMap) {
        let response = ApiError::from(error).into_response();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        (parts.status, serde_json::from_slice(&bytes).unwrap(), parts.headers)
    }

    #[test]
    fn every_code_of_a_problem_and_of_a_failure_stands_in_the_docs_with_its_meaning() {
        for code in Code::ALL {
            let row = format!(
                "| `{}` | {} | {} |",
                code.as_str(),
                code.status().as_u16(),
                code.meaning()
            );
            assert!(DOCS.contains(&row), "docs/errors.md lacks the row: {row}");
        }
        for code in FailureCode::ALL {
            let row = format!("| `{}` | {} |", code.as_str(), code.meaning());
            assert!(DOCS.contains(&row), "docs/errors.md lacks the row: {row}");
        }
    }

    #[test]
    fn every_conflict_of_the_application_keeps_its_word() {
        for conflict in Conflict::ALL {
            assert_eq!(code_of_conflict(*conflict).as_str(), conflict.as_str());
        }
    }

    #[tokio::test]
    async fn a_missing_key_is_401_and_says_how_to_authenticate() {
        let (status, body, headers) = body_of(cordon_engine::Error::Unauthenticated).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        assert_eq!(headers[WWW_AUTHENTICATE], "Bearer");
        assert_eq!(headers[CONTENT_TYPE], "application/problem+json");
        assert_eq!(body["code"], "unauthenticated");
        assert_eq!(body["type"], "about:blank");
        assert_eq!(body["title"], "Unauthorized");
        assert_eq!(body["status"], 401);
    }

    #[tokio::test]
    async fn all_problems_are_listed_with_their_pointers() {
        let mut problem = Problem::error("lone_brace", "/queries/access/0/url", "a lone brace");
        problem.column = Some(7);
        let other = Problem::error("missing_field", "/name", "is required");
        let (status, body, _) = body_of(cordon_engine::Error::Invalid(vec![problem, other])).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(body["detail"], "what was sent has 2 problems");
        assert_eq!(
            body["errors"],
            serde_json::json!([
                {"pointer": "/queries/access/0/url", "code": "lone_brace", "detail": "a lone brace", "column": 7},
                {"pointer": "/name", "code": "missing_field", "detail": "is required"},
            ])
        );
    }

    #[tokio::test]
    async fn why_the_host_cannot_do_its_part_stays_in_the_log() {
        let error = cordon_engine::Error::Unavailable("/var/lib: disk full".to_owned());
        let (status, body, headers) = body_of(error).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(!body.to_string().contains("disk"));
        assert!(headers.contains_key(RETRY_AFTER));
    }

    #[tokio::test]
    async fn a_package_that_is_not_there_yet_is_not_one_that_is_gone() {
        let (status, body, _) = body_of(cordon_engine::Error::NotFound(Missing::Package)).await;
        assert_eq!((status, &body["code"]), (StatusCode::NOT_FOUND, &"package_not_ready".into()));
        let (status, body, _) = body_of(cordon_engine::Error::Gone).await;
        assert_eq!((status, &body["code"]), (StatusCode::GONE, &"gone".into()));
    }

    #[tokio::test]
    async fn a_missing_scope_is_named() {
        let (status, body, _) = body_of(cordon_engine::Error::Forbidden(Scope::InputsWrite)).await;
        assert_eq!(status, StatusCode::FORBIDDEN);
        assert!(body["detail"].as_str().unwrap().contains("inputs:write"));
    }
}
