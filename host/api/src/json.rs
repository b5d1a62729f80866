//! Bodies: read within limits, parsed strictly, and every problem reported at once where that can
//! be done.
//!
//! First the text: bad JSON, bad UTF-8, a key twice and deep nesting are one problem with a line
//! and a column, and nothing of the content. Then the shape, by [`node`]: a member that is wrong
//! is reported and taken out, and the rest is looked at again, so that one wrong member does not
//! hide another.

mod node;

use axum::extract::{FromRequest, Request};
use bytes::{Bytes, BytesMut};
use cordon_model::json::{Json, Shape};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method};
use http_body_util::BodyExt as _;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use self::node::{Node, Reject};
use crate::State;
use crate::error::{ApiError, Code, FieldProblem};

const JSON: &str = "application/json";
const MERGE_PATCH: &str = "application/merge-patch+json";

/// A JSON object that a route takes.
pub(crate) trait Dto: DeserializeOwned {
    /// Members that the API names and the host does not do yet: refused, by name.
    const NOT_YET: &'static [&'static str] = &[];
}

/// A body of a known shape.
pub(crate) struct Body<T> {
    pub(crate) value: T,
    /// What an `Idempotency-Key` came with.
    pub(crate) sha256: [u8; 32],
}

/// A body that may be left out: then every member has its default.
pub(crate) struct OptionalBody<T>(pub(crate) T);

/// A JSON body that is looked at elsewhere.
pub(crate) struct AnyBody {
    pub(crate) value: Value,
    /// What an `Idempotency-Key` came with.
    pub(crate) sha256: [u8; 32],
}

impl FromRequest<State> for AnyBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &State) -> Result<Self, ApiError> {
        check_media_type(request.method(), request.headers())?;
        let bytes = read(request, state).await?;
        Ok(Self { value: parse(&bytes)?, sha256: Sha256::digest(&bytes).into() })
    }
}

impl<T: Dto> FromRequest<State> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &State) -> Result<Self, ApiError> {
        let AnyBody { value, sha256 } = AnyBody::from_request(request, state).await?;
        Ok(Self { value: shaped(value).map_err(ApiError::invalid)?, sha256 })
    }
}

impl<T: Dto + Default> FromRequest<State> for OptionalBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &State) -> Result<Self, ApiError> {
        let media_type = check_media_type(request.method(), request.headers());
        let bytes = read(request, state).await?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        media_type?;
        Ok(Self(shaped(parse(&bytes)?).map_err(ApiError::invalid)?))
    }
}

fn check_media_type(method: &Method, headers: &HeaderMap) -> Result<(), ApiError> {
    let essence = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .map(|essence| essence.trim().to_ascii_lowercase());
    let wanted = if method == Method::PATCH { MERGE_PATCH } else { JSON };
    match essence.as_deref() {
        Some(JSON) => Ok(()),
        Some(MERGE_PATCH) if method == Method::PATCH => Ok(()),
        Some(_) | None => {
            let detail = format!("the body must be {wanted}, and the Content-Type say so");
            Err(ApiError::new(Code::UnsupportedMediaType, detail))
        }
    }
}

/// The whole body, within its limits of size and time.
async fn read(request: Request, state: &State) -> Result<Bytes, ApiError> {
    let options = &state.options;
    let body = collect(request.into_body(), options.body_bytes_max, options.body_dropped_max);
    match tokio::time::timeout(options.body_timeout, body).await {
        Err(_) => Err(ApiError::plain(Code::Timeout)),
        Ok(Some(Ok(bytes))) => Ok(bytes),
        Ok(Some(Err(TooLarge))) => {
            let detail = format!("the body may have {} bytes at most", options.body_bytes_max);
            Err(ApiError::new(Code::BodyTooLarge, detail))
        }
        Ok(None) => Err(ApiError::new(Code::MalformedJson, "the body ended early")),
    }
}

/// More bytes than are read.
pub(crate) struct TooLarge;

/// Reads a body; none: it ended early. What is over the limit is dropped, up to a limit of its
/// own: an answer to a caller that is still sending is lost with most clients.
pub(crate) async fn collect(
    mut body: axum::body::Body,
    bytes_max: usize,
    dropped_max: usize,
) -> Option<Result<Bytes, TooLarge>> {
    let (mut bytes, mut dropped) = (BytesMut::new(), 0_usize);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.ok()?.into_data() else { continue };
        if dropped == 0 && bytes.len().saturating_add(data.len()) <= bytes_max {
            bytes.extend_from_slice(&data);
            continue;
        }
        bytes.clear();
        dropped = dropped.saturating_add(data.len());
        if dropped > dropped_max {
            break;
        }
    }
    Some(if dropped == 0 { Ok(bytes.freeze()) } else { Err(TooLarge) })
}

fn parse(bytes: &[u8]) -> Result<Value, ApiError> {
    Json::parse(bytes, Shape::Object).map_err(|error| {
        let (line, column) = place(bytes, error.offset);
        let found = error.found.as_str();
        let detail = format!("the body is {found} at line {line}, column {column}");
        ApiError::new(Code::MalformedJson, detail)
    })?;
    // Lone surrogates and numbers out of range are the only things left to be refused.
    serde_json::from_slice(bytes).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let detail = format!("the body is no JSON at line {line}, column {column}");
        ApiError::new(Code::MalformedJson, detail)
    })
}

/// Line and column of a byte, both from 1; columns count bytes.
fn place(bytes: &[u8], offset: u64) -> (usize, usize) {
    let offset = usize::try_from(offset).unwrap_or(bytes.len()).min(bytes.len());
    let before = bytes.get(..offset).unwrap_or_default();
    let line_start = before.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    (before.iter().filter(|b| **b == b'\n').count() + 1, offset - line_start + 1)
}

/// The value as a `T`, or everything that keeps it from being one.
fn shaped<T: Dto>(mut value: Value) -> Result<T, Vec<FieldProblem>> {
    let mut problems = Vec::new();
    if let Value::Object(object) = &mut value {
        for name in T::NOT_YET {
            if object.shift_remove(*name).is_some() {
                let detail = "is not supported yet; leave it out";
                problems.push(FieldProblem::at(format!("/{name}"), "not_supported_yet", detail));
            }
        }
    }
    let mut taken_out = Vec::new();
    loop {
        let reject = match T::deserialize(Node(&value)) {
            Ok(shaped) if problems.is_empty() => return Ok(shaped),
            Ok(_) => return Err(problems),
            Err(reject) => reject,
        };
        let member = reject.member().map(str::to_owned);
        // A member that was taken out is missing then, which is no news.
        if !member.as_ref().is_some_and(|member| taken_out.contains(member)) {
            problems.push(reject.into());
        }
        let removed = match (&mut value, &member) {
            (Value::Object(object), Some(member)) => object.shift_remove(member),
            _ => None,
        };
        match (removed, member) {
            (Some(_), Some(member)) => taken_out.push(member),
            _ => return Err(problems),
        }
    }
}

impl From<Reject> for FieldProblem {
    fn from(reject: Reject) -> Self {
        Self::at(reject.pointer(), reject.code, reject.detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde_json::json;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        name: String,
        #[serde(default)]
        rules: Vec<Rule>,
        count: Option<u64>,
        enabled: Option<bool>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Rule {
        action: String,
    }

    impl Dto for Sample {
        const NOT_YET: &'static [&'static str] = &["deadline"];
    }

    fn refused(value: Value) -> Vec<(String, String)> {
        let problems = shaped::<Sample>(value).unwrap_err();
        problems.into_iter().map(|p| (p.pointer.unwrap_or_default(), p.code)).collect()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
    }

    #[test]
    fn a_body_of_the_right_shape_is_read() {
        let value =
            json!({"name": "a", "rules": [{"action": "access"}], "count": 3, "enabled": null});
        let sample = shaped::<Sample>(value).unwrap();
        assert_eq!(sample.rules, [Rule { action: "access".to_owned() }]);
        assert_eq!((sample.count, sample.enabled), (Some(3), None));
    }

    #[test]
    fn every_wrong_member_is_reported_at_once() {
        let value = json!({
            "name": 5, "rules": [{"action": "access"}, {"acton": "delete"}], "count": "many",
            "enabled": 1, "nmae": "x", "deadline": 30,
        });
        assert_eq!(
            refused(value),
            pairs(&[
                ("/deadline", "not_supported_yet"),
                ("/name", "wrong_type"),
                ("/rules/1/acton", "unknown_field"),
                ("/count", "wrong_type"),
                ("/enabled", "wrong_type"),
                ("/nmae", "unknown_field"),
            ])
        );
    }

    #[test]
    fn a_missing_member_is_named() {
        assert_eq!(refused(json!({})), pairs(&[("/name", "missing_field")]));
        assert_eq!(
            refused(json!({"name": "a", "rules": [{}]})),
            pairs(&[("/rules/0/action", "missing_field")])
        );
    }

    #[test]
    fn a_body_that_is_no_object_is_refused() {
        assert_eq!(refused(json!([1])), pairs(&[("", "wrong_type")]));
    }

    #[test]
    fn an_unknown_member_is_told_the_known_ones() {
        let problems = shaped::<Sample>(json!({"name": "a", "nmae": "b"})).unwrap_err();
        assert_eq!(problems[0].detail, "unknown field; there are name, rules, count, enabled");
    }

    #[test]
    fn no_value_is_repeated() {
        let problems = shaped::<Sample>(json!({"name": "a", "count": "hunter2"})).unwrap_err();
        assert!(problems.iter().all(|p| !p.detail.contains("hunter2")));
    }

    #[test]
    fn bad_text_is_placed_by_line_and_column_and_not_repeated() {
        for (text, detail) in [
            ("{\n  \"secret\": oops}", "the body is no JSON at line 2, column 13"),
            ("", "the body is no JSON at line 1, column 1"),
            (
                "{\"a\":1,\"a\":2}",
                "the body is an object with a duplicate key at line 1, column 12",
            ),
        ] {
            let error = parse(text.as_bytes()).unwrap_err();
            assert_eq!(error.code(), Code::MalformedJson);
            assert!(!format!("{error:?}").contains("oops"));
            assert!(format!("{error:?}").contains(detail), "{error:?}");
        }
    }

    #[tokio::test]
    async fn a_body_is_read_up_to_its_limit_and_what_is_over_it_is_dropped() {
        let of = async |size: usize| {
            collect(vec![b' '; size].into(), 10, 20).await.unwrap().map(|bytes| bytes.len()).ok()
        };
        assert_eq!(of(0).await, Some(0));
        assert_eq!(of(10).await, Some(10));
        assert_eq!(of(11).await, None);
        assert_eq!(of(1000).await, None);
    }

    #[test]
    fn a_number_keeps_its_text() {
        let value = parse(b"{\"a\":1.10,\"b\":12345678901234567890123}").unwrap();
        assert_eq!(value.to_string(), "{\"a\":1.10,\"b\":12345678901234567890123}");
    }

    #[test]
    fn a_patch_is_a_merge_patch_and_anything_else_is_json() {
        let of = |method: &Method, text: &str| {
            let mut headers = HeaderMap::new();
            if !text.is_empty() {
                headers.insert(CONTENT_TYPE, text.parse().unwrap());
            }
            check_media_type(method, &headers).is_ok()
        };
        assert!(of(&Method::POST, "application/json; charset=utf-8"));
        assert!(of(&Method::PATCH, "application/merge-patch+json"));
        assert!(of(&Method::PATCH, "Application/JSON"));
        assert!(!of(&Method::PUT, "application/merge-patch+json"));
        assert!(!of(&Method::POST, "text/plain"));
        assert!(!of(&Method::POST, ""));
    }
}
