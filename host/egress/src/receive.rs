//! Reading an answer: capped, scanned, and whole or not at all.
//!
//! A body that is kept is kept whole; a short access result would be a wrong one. A body that
//! nobody looks at cannot fail a call. Called by the gate once a peer has answered.

use bytes::Bytes;
use cordon_model::http_request::BodyUse;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, RETRY_AFTER};
use http::response::Parts;
use tokio::time::{Instant, timeout_at};

use crate::client::{Answer, Chunks};
use crate::options::Options;
use crate::reflect::Scanner;
use crate::send::{Received, RetryAfter, SendError};

/// How an answer is read.
pub(crate) struct Reading<'a> {
    /// The caps.
    pub(crate) options: &'a Options,
    /// Largest body, in bytes.
    pub(crate) bytes_max: u64,
    /// When the attempt is over.
    pub(crate) deadline: Instant,
    /// What becomes of the body.
    pub(crate) body: BodyUse,
    /// Looks for the secrets that were sent.
    pub(crate) scanner: Scanner,
}

/// Reads an answer.
pub(crate) async fn receive(answer: Answer, reading: Reading<'_>) -> Result<Received, SendError> {
    let (head, body) = answer.into_parts();
    read(head, Chunks::of(body), reading).await
}

/// Reads an answer whose head is there.
pub(crate) async fn read(
    head: Parts,
    mut chunks: Chunks,
    mut reading: Reading<'_>,
) -> Result<Received, SendError> {
    let (status, headers) = (head.status.as_u16(), head.headers);
    check_headers(status, &headers, &reading)?;
    let keep = match reading.body {
        BodyUse::Records | BodyUse::Bytes => true,
        BodyUse::Discard => false,
    };
    if keep && !is_decoded(&headers) {
        return Err(SendError::Truncated { status });
    }
    let retry_after = retry_after(&headers);
    let deadline = if keep {
        reading.deadline
    } else {
        reading.deadline.min(Instant::now() + reading.options.discard_timeout)
    };
    let mut kept = Vec::new();
    let mut size: u64 = 0;
    loop {
        let chunk = match timeout_at(deadline, chunks.next()).await {
            Ok(Ok(Some(chunk))) => chunk,
            Ok(Ok(None)) => break,
            _ if !keep => break,
            Ok(Err(())) => return Err(SendError::Truncated { status }),
            Err(_) => return Err(SendError::Timeout { sent: true }),
        };
        if reading.scanner.feed(&chunk) {
            return Err(SendError::SecretReflected { status });
        }
        size = size.saturating_add(chunk.len() as u64);
        if size > reading.bytes_max {
            if keep {
                return Err(SendError::TooLarge { status });
            }
            break;
        }
        if keep {
            kept.extend_from_slice(&chunk);
        }
    }
    let body = keep.then(|| Bytes::from(kept));
    Ok(Received { status, headers, body, size, retry_after })
}

fn check_headers(status: u16, headers: &HeaderMap, reading: &Reading<'_>) -> Result<(), SendError> {
    let mut bytes = 0_usize;
    for (name, value) in headers {
        // ": " and the line's end.
        bytes = bytes.saturating_add(name.as_str().len() + value.len() + 4);
        let scanner = &reading.scanner;
        if scanner.finds_in(value.as_bytes()) || scanner.finds_in(name.as_str().as_bytes()) {
            return Err(SendError::SecretReflected { status });
        }
    }
    let options = reading.options;
    if bytes > options.response_header_bytes_max || headers.len() > options.response_headers_max {
        return Err(SendError::TooLarge { status });
    }
    Ok(())
}

/// The client takes the header away when it decodes.
fn is_decoded(headers: &HeaderMap) -> bool {
    headers.get_all(CONTENT_ENCODING).iter().all(|coding| coding.as_bytes() == b"identity")
}

/// Seconds or a date; anything else is as if absent.
fn retry_after(headers: &HeaderMap) -> Option<RetryAfter> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        // A number beyond u64 is later than any cap.
        return Some(RetryAfter::Seconds(text.parse().unwrap_or(u64::MAX)));
    }
    let parser = jiff::fmt::rfc2822::DateTimeParser::new();
    parser.parse_timestamp(text).ok().map(RetryAfter::At)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn parsed(text: &'static str) -> Option<RetryAfter> {
        retry_after(&HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(text))]))
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_or_nothing() {
        assert_eq!(parsed("120"), Some(RetryAfter::Seconds(120)));
        assert_eq!(parsed("99999999999"), Some(RetryAfter::Seconds(99_999_999_999)));
        assert_eq!(parsed("99999999999999999999999"), Some(RetryAfter::Seconds(u64::MAX)));
        let date = "2015-10-21T07:28:00Z".parse().unwrap();
        assert_eq!(parsed("Wed, 21 Oct 2015 07:28:00 GMT"), Some(RetryAfter::At(date)));
        for nothing in ["", "-5", "1.5", "soon", "+3"] {
            assert_eq!(parsed(nothing), None, "{nothing}");
        }
    }
}
