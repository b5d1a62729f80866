//! The body of an input: JSON, or `multipart/form-data` when files are among what is given.
//!
//! Parts go by their names, which are the labels of the form; one with a filename is a file, any
//! other a text. Limits are kept while the body is read: what is over them is not held. What the
//! labels and files may be is the engine's to say. Called by the routes of inputs.

use std::collections::BTreeMap;

use axum::body::BodyDataStream;
use axum::extract::{FromRequest, Request};
use bytes::{Bytes, BytesMut};
use cordon_engine::service::inputs::{Given, GivenFile, InputLimits};
use cordon_model::json::pointer_token;
use futures_util::StreamExt as _;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use multer::{Constraints, Field, Multipart, SizeLimit};
use serde_json::Value;
use tokio::time::timeout;

use crate::State;
use crate::error::{ApiError, Code, FieldProblem};
use crate::json::AnyBody;
use crate::uploads::Room;

const JSON: &str = "application/json";
const FORM_DATA: &str = "multipart/form-data";

/// What a part may take beside its content: its boundary and its headers, with a name and a
/// filename of 200 characters each.
const PART_HEAD_BYTES: usize = 4096;

/// What is given, by label.
pub(crate) struct InputBody {
    pub(crate) values: BTreeMap<String, Given>,
    /// The room that the files take in memory, until they are stored.
    pub(crate) room: Option<Room>,
}

/// Why a form was not read to its end.
enum Refused {
    /// More than is read.
    TooLarge(String),
    Problem(FieldProblem),
    Malformed,
}

impl FromRequest<State> for InputBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &State) -> Result<Self, ApiError> {
        match essence(request.headers()).as_deref() {
            Some(FORM_DATA) => read_form(request, state).await,
            Some(JSON) => {
                let body = AnyBody::from_request(request, state).await?;
                Ok(Self { values: from_json(body.value)?, room: None })
            }
            Some(_) | None => {
                let detail =
                    format!("the body must be {JSON} or {FORM_DATA}, and the Content-Type say so");
                Err(ApiError::new(Code::UnsupportedMediaType, detail))
            }
        }
    }
}

fn essence(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    value.split(';').next().map(|essence| essence.trim().to_ascii_lowercase())
}

fn from_json(body: Value) -> Result<BTreeMap<String, Given>, ApiError> {
    let Value::Object(object) = body else {
        let detail = "must be an object of labels and values";
        return Err(ApiError::invalid(vec![FieldProblem::at("", "wrong_type", detail)]));
    };
    Ok(object.into_iter().map(|(label, value)| (label, Given::Json(value))).collect())
}

async fn read_form(request: Request, state: &State) -> Result<InputBody, ApiError> {
    let boundary = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let boundary = boundary.and_then(|text| multer::parse_boundary(text).ok());
    let Some(boundary) = boundary else {
        let detail = "the Content-Type must name the boundary of the parts";
        return Err(ApiError::new(Code::InvalidHeader, detail));
    };
    let options = &state.options;
    let room = state.uploads.room(request.extensions(), options.body_timeout).await?;
    let limits = state.services.input_limits();
    let mut body = request.into_body().into_data_stream();
    let reading = async {
        let read = parts(&mut body, boundary, &limits).await;
        if read.is_err() {
            drop_rest(&mut body, options.body_dropped_max).await;
        }
        read
    };
    let read = timeout(options.upload_timeout, reading).await;
    let values = read.map_err(|_| ApiError::plain(Code::Timeout))??;
    Ok(InputBody { values, room: Some(room) })
}

async fn parts(
    body: &mut BodyDataStream,
    boundary: String,
    limits: &InputLimits,
) -> Result<BTreeMap<String, Given>, Refused> {
    let heads = limits.labels.saturating_add(1).saturating_mul(PART_HEAD_BYTES);
    let whole = heads.saturating_add(limits.text_bytes).saturating_add(limits.files_bytes);
    let whole = SizeLimit::new().whole_stream(u64::try_from(whole).unwrap_or(u64::MAX));
    let constraints = Constraints::new().size_limit(whole);
    let mut form = Multipart::with_constraints(body, boundary, constraints);
    let mut values = BTreeMap::new();
    let (mut texts, mut files) = (limits.text_bytes, limits.files_bytes);
    while let Some(mut part) = form.next_field().await? {
        let Some(label) = part.name().map(str::to_owned) else {
            let detail = "each part must be named by a label of the form";
            return Err(Refused::Problem(FieldProblem::at("", "missing_name", detail)));
        };
        let pointer = format!("/{}", pointer_token(&label));
        if values.len() >= limits.labels {
            let detail = format!("at most {} parts", limits.labels);
            return Err(Refused::Problem(FieldProblem::at("", "too_many", detail)));
        }
        let given = match part.file_name().map(str::to_owned) {
            Some(name) => {
                let media_type = part.content_type().map(|media| media.essence_str().to_owned());
                let bytes = read_file(&mut part, limits, &mut files).await?;
                Given::File(GivenFile { name, media_type, bytes })
            }
            None => {
                let detail = || format!("the texts are over {} bytes together", limits.text_bytes);
                let bytes = read_part(&mut part, &mut texts, detail).await?;
                let text = String::from_utf8(bytes.into()).map_err(|_| {
                    let detail = "a part without a filename is a text, in UTF-8";
                    Refused::Problem(FieldProblem::at(pointer.as_str(), "not_text", detail))
                })?;
                Given::Json(Value::String(text))
            }
        };
        if values.insert(label, given).is_some() {
            let detail = "two parts have this name; a label takes one value";
            return Err(Refused::Problem(FieldProblem::at(pointer, "duplicate_label", detail)));
        }
    }
    Ok(values)
}

/// A file, within its own limit and what is left of that of all.
async fn read_file(
    part: &mut Field<'_>,
    limits: &InputLimits,
    left: &mut usize,
) -> Result<Bytes, Refused> {
    let (of_one, of_all) = (limits.file_bytes, limits.files_bytes);
    if of_one <= *left {
        let mut left_of_one = of_one;
        let detail = || format!("a file may have {of_one} bytes at most");
        let bytes = read_part(part, &mut left_of_one, detail).await?;
        *left = left.saturating_sub(bytes.len());
        return Ok(bytes);
    }
    read_part(part, left, || format!("the files may have {of_all} bytes at most together")).await
}

async fn read_part(
    part: &mut Field<'_>,
    left: &mut usize,
    too_large: impl Fn() -> String,
) -> Result<Bytes, Refused> {
    let mut bytes = BytesMut::new();
    while let Some(chunk) = part.chunk().await? {
        *left = left.checked_sub(chunk.len()).ok_or_else(|| Refused::TooLarge(too_large()))?;
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.freeze())
}

/// An answer to a caller that is still sending is lost with most clients.
async fn drop_rest(body: &mut BodyDataStream, bytes_max: usize) {
    let mut dropped = 0_usize;
    while let Some(Ok(chunk)) = body.next().await {
        dropped = dropped.saturating_add(chunk.len());
        if dropped > bytes_max {
            return;
        }
    }
}

impl From<multer::Error> for Refused {
    fn from(error: multer::Error) -> Self {
        match error {
            multer::Error::StreamSizeExceeded { limit } => {
                Self::TooLarge(format!("the body may have {limit} bytes at most"))
            }
            // What is wrong with the text may be the text.
            _ => Self::Malformed,
        }
    }
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::TooLarge(detail) => Self::new(Code::BodyTooLarge, detail),
            Refused::Problem(problem) => Self::invalid(vec![problem]),
            Refused::Malformed => Self::plain(Code::MalformedForm),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: InputLimits =
        InputLimits { text_bytes: 10, file_bytes: 8, files_bytes: 12, labels: 3 };

    /// What is read of a body in chunks of this size: a word for what was given, by label.
    async fn read_in(body: &str, chunk: usize) -> Result<Vec<String>, ApiError> {
        let chunks: Vec<_> = body.as_bytes().chunks(chunk).map(Bytes::copy_from_slice).collect();
        let chunks = futures_util::stream::iter(chunks.into_iter().map(Ok::<_, std::io::Error>));
        let mut body = axum::body::Body::from_stream(chunks).into_data_stream();
        let values = parts(&mut body, "b".to_owned(), &LIMITS).await?;
        let word = |(label, given): (String, Given)| match given {
            Given::Json(value) => format!("{label}={value}"),
            Given::File(file) => {
                let media_type = file.media_type.unwrap_or_default();
                format!("{label}={}:{media_type}:{}", file.name, file.bytes.len())
            }
        };
        Ok(values.into_iter().map(word).collect())
    }

    async fn read(body: &str) -> Result<Vec<String>, ApiError> {
        let whole = read_in(body, body.len().max(1)).await;
        let bytewise = read_in(body, 1).await;
        let code = |read: &Result<_, ApiError>| read.as_ref().err().map(ApiError::code);
        assert_eq!(code(&whole), code(&bytewise), "however the body comes");
        whole
    }

    fn text(label: &str, text: &str) -> String {
        format!("--b\r\nContent-Disposition: form-data; name=\"{label}\"\r\n\r\n{text}\r\n")
    }

    fn file(label: &str, name: &str, content: &str) -> String {
        format!(
            "--b\r\nContent-Disposition: form-data; name=\"{label}\"; filename=\"{name}\"\r\n\
             Content-Type: application/pdf; x=y\r\n\r\n{content}\r\n"
        )
    }

    #[tokio::test]
    async fn a_part_with_a_filename_is_a_file_and_any_other_a_text() {
        let body = format!("{}{}--b--\r\n", text("phone", "+1"), file("scan", "a.pdf", "%PDF"));
        assert_eq!(read(&body).await.unwrap(), ["phone=\"+1\"", "scan=a.pdf:application/pdf:4"]);
        assert_eq!(read("--b--\r\n").await.unwrap(), Vec::<String>::new());
    }

    #[tokio::test]
    async fn each_limit_is_kept_while_the_body_is_read() {
        let long = "x".repeat(9);
        for body in [
            text("a", &"x".repeat(11)),
            format!("{}{}", text("a", "123456"), text("b", "123456")),
            file("a", "a", &long),
            format!("{}{}", file("a", "a", "12345678"), file("b", "b", "12345")),
        ] {
            let error = read(&format!("{body}--b--\r\n")).await.unwrap_err();
            assert_eq!(error.code(), Code::BodyTooLarge, "{body}");
        }
        // Four parts of three, and heads that never end.
        let four: String = ["a", "b", "c", "d"].map(|label| text(label, "")).concat();
        let error = read(&format!("{four}--b--\r\n")).await.unwrap_err();
        assert_eq!((error.code(), error.errors()[0].code.as_str()), (Code::Invalid, "too_many"));
        let head = format!("--b\r\nX-Long: {}", "x".repeat(100_000));
        assert_eq!(read(&head).await.unwrap_err().code(), Code::BodyTooLarge);
    }

    #[tokio::test]
    async fn two_parts_of_one_name_and_a_part_without_are_refused() {
        let code = async |body: &str| read(body).await.unwrap_err().errors()[0].code.clone();
        let twice = format!("{}{}--b--\r\n", text("a", "1"), file("a", "f", "2"));
        assert_eq!(code(&twice).await, "duplicate_label");
        let nameless = "--b\r\nContent-Disposition: form-data\r\n\r\n1\r\n--b--\r\n";
        assert_eq!(code(nameless).await, "missing_name");
    }

    #[tokio::test]
    async fn a_form_that_ends_early_or_is_none_is_malformed_and_nothing_of_it_is_repeated() {
        for body in ["", "hunter2", "--b\r\n", "--b\r\nhunter2\r\n\r\n", &text("a", "hunter2")] {
            let error = read(body).await.unwrap_err();
            assert_eq!(error.code(), Code::MalformedForm, "{body:?}");
            assert!(!format!("{error:?}").contains("hunter2"));
        }
    }
}
