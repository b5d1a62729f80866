//! Header names and values of a template.

use std::collections::HashSet;

use cordon_model::http_request::{Piece, Text};
use cordon_model::json::pointer_token;
use http::HeaderName;

use super::{Part, Placed, Problems, Reader, Slot, first_value, read};
use crate::target::Fault;

/// Framing, hop-by-hop and what the gate itself sets.
const HOST_OWNED: [&str; 14] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "upgrade",
    "te",
    "trailer",
    "keep-alive",
    "expect",
    "idempotency-key",
    "accept-encoding",
    "http2-settings",
    "alt-used",
    "max-forwards",
];

/// Headers that make a server see another request than the one that was granted, or that open a
/// platform's metadata service.
const MISLEADING: [&str; 14] = [
    "forwarded",
    "via",
    "x-real-ip",
    "x-original-url",
    "x-original-host",
    "x-rewrite-url",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-host",
    "metadata",
    "metadata-flavor",
    "x-google-metadata-request",
    "x-identity-header",
];

const PREFIXES: [&str; 3] = ["proxy-", "x-forwarded-", "x-aws-ec2-metadata-"];

/// Reads all headers. The names come back in lower case, as they are compared everywhere.
pub(super) fn read_all<'a>(
    headers: &'a [(String, Text)],
    problems: &mut Problems,
) -> Vec<(HeaderName, Vec<Part<'a>>)> {
    let mut seen = HashSet::new();
    let mut found = Vec::with_capacity(headers.len());
    for (name, text) in headers {
        let part = format!("/headers/{}", pointer_token(name));
        let (parts, faults) = read(HeaderReader, text);
        problems.add_all(&part, faults);
        match check_name(name) {
            Ok(name) if seen.insert(name.clone()) => found.push((name, parts)),
            Ok(_) => {
                let fault = ("header_duplicate", "a header may be given only once");
                problems.add(&part, (fault, None));
            }
            Err(fault) => problems.add(&part, (fault, None)),
        }
    }
    for (name, parts) in &found {
        if name == http::header::CONTENT_TYPE && parts.iter().any(|p| matches!(p, Part::Value(..)))
        {
            let (written, text) = original(headers, name);
            let fault = (
                "content_type_not_literal",
                "Content-Type decides how values are escaped and must be literal",
            );
            problems.add(&format!("/headers/{written}"), (fault, first_value(text)));
        }
    }
    found
}

/// The header as it was written, so that the pointer finds it.
fn original<'a>(headers: &'a [(String, Text)], name: &'a HeaderName) -> (&'a str, &'a [Piece]) {
    headers
        .iter()
        .find(|(written, _)| written.eq_ignore_ascii_case(name.as_str()))
        .map_or((name.as_str(), &[]), |(written, text)| (written, text))
}

fn check_name(name: &str) -> Result<HeaderName, Fault> {
    let name = HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| ("header_name", "is no header name"))?;
    let text = name.as_str();
    if HOST_OWNED.contains(&text)
        || MISLEADING.contains(&text)
        || PREFIXES.iter().any(|prefix| text.starts_with(prefix))
    {
        return Err(("header_reserved", "this header is set by the host, or never sent"));
    }
    Ok(name)
}

/// Reads a header's value: printable ASCII.
struct HeaderReader;

impl Reader for HeaderReader {
    fn literal(&mut self, c: char) -> Result<(), Fault> {
        if c == ' ' || c.is_ascii_graphic() {
            return Ok(());
        }
        Err(("header_value", "a header's value is printable ASCII, on one line"))
    }

    fn value(&mut self) -> Result<Slot, Fault> {
        Ok(Slot::Header)
    }

    fn finish(self) -> Vec<Placed> {
        Vec::new()
    }
}
