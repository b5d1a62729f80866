//! Which reader a body gets: decided by the literal Content-Type.

use cordon_model::http_request::{Body, Escape, Piece};
use http::HeaderName;

use super::json::JsonReader;
use super::pairs::FormReader;
use super::xml::XmlReader;
use super::{Part, Placed, Reader, Slot, first_value, probe, read};
use crate::target::Fault;

/// Finds the places in a body.
pub(super) fn read_body<'a>(
    body: &'a Body,
    headers: &[(HeaderName, Vec<Part<'a>>)],
) -> (Vec<Part<'a>>, Vec<Placed>) {
    if body.escape == Escape::Raw {
        return read(Verbatim(Slot::Raw), &body.content);
    }
    let filled = body.content.iter().any(|piece| !matches!(piece, Piece::Literal(_)));
    let content_type = headers
        .iter()
        .find(|(name, _)| name == http::header::CONTENT_TYPE)
        .map(|(_, parts)| probe(parts).to_ascii_lowercase());
    let (essence, utf8) = content_type.as_deref().map_or(("", true), split);
    if filled && !utf8 {
        let (parts, _) = read(Verbatim(Slot::Raw), &body.content);
        let fault = ("body_charset", "a body with placeholders is UTF-8");
        return (parts, vec![(fault, first_value(&body.content))]);
    }
    let subtype = essence.split_once('/').map_or("", |(_, subtype)| subtype);
    let is = |word: &str| {
        subtype == word || subtype.strip_suffix(word).is_some_and(|rest| rest.ends_with('+'))
    };
    if essence == "application/json" || essence == "text/json" || is("json") {
        read(JsonReader::default(), &body.content)
    } else if essence == "application/x-www-form-urlencoded" && filled {
        read(FormReader::default(), &body.content)
    } else if is("xml") {
        read(XmlReader::new(filled), &body.content)
    } else if essence == "text/plain" || !filled {
        read(Verbatim(Slot::PlainText), &body.content)
    } else {
        let (parts, _) = read(Verbatim(Slot::Raw), &body.content);
        (parts, vec![(UNKNOWN_TYPE, first_value(&body.content))])
    }
}

const UNKNOWN_TYPE: Fault = (
    "body_type_unknown",
    "placeholders need a Content-Type whose escaping is known: JSON, a form, XML or text/plain; or \"escape\": \"raw\"",
);

/// The media type without parameters, and whether the charset, if any, is UTF-8.
fn split(content_type: &str) -> (&str, bool) {
    let (essence, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
    let utf8 = parameters
        .split(';')
        .filter_map(|parameter| parameter.split_once('='))
        .filter(|(name, _)| name.trim() == "charset")
        .all(|(_, value)| matches!(value.trim().trim_matches('"'), "utf-8" | "utf8"));
    (essence.trim(), utf8)
}

/// Reads a text in which a value may stand anywhere.
struct Verbatim(Slot);

impl Reader for Verbatim {
    fn literal(&mut self, _: char) -> Result<(), Fault> {
        Ok(())
    }

    fn value(&mut self) -> Result<Slot, Fault> {
        Ok(self.0)
    }

    fn finish(self) -> Vec<Placed> {
        Vec::new()
    }
}
