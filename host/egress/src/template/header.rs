//! Header names and values of a template.

use std::collections::HashSet;

use cordon_model::http_request::Text;
use cordon_model::json::pointer_token;
use http::HeaderName;

use super::{Part, Problems, Reader, Slot, read};
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
        let (parts, faults) = read(HeaderReader::default(), text);
        problems.add_all(&part, faults);
        match check_name(name) {
            Ok(name) if seen.insert(name.clone()) => found.push((name, parts)),
            Ok(_) => problems.add(&part, ("header_duplicate", "a header may be given only once")),
            Err(fault) => problems.add(&part, fault),
        }
    }
    for (name, parts) in &found {
        if name == http::header::CONTENT_TYPE && parts.iter().any(|p| matches!(p, Part::Value(..)))
        {
            problems.add(
                &format!("/headers/{}", original(headers, name)),
                (
                    "content_type_not_literal",
                    "Content-Type decides how values are escaped and must be literal",
                ),
            );
        }
    }
    found
}

/// The name as it was written, so that the pointer finds it.
fn original<'a>(headers: &'a [(String, Text)], name: &'a HeaderName) -> &'a str {
    headers
        .iter()
        .map(|(written, _)| written.as_str())
        .find(|written| written.eq_ignore_ascii_case(name.as_str()))
        .unwrap_or(name.as_str())
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
#[derive(Default)]
struct HeaderReader {
    unprintable: bool,
}

impl Reader for HeaderReader {
    fn literal(&mut self, text: &str) {
        self.unprintable |= !text.bytes().all(|b| b == b' ' || b.is_ascii_graphic());
    }

    fn value(&mut self) -> Result<Slot, Fault> {
        Ok(Slot::Header)
    }

    fn finish(self) -> Result<(), Vec<Fault>> {
        if self.unprintable {
            Err(vec![("header_value", "a header's value is printable ASCII, on one line")])
        } else {
            Ok(())
        }
    }
}
