//! Where each piece of a request stands.
//!
//! A connector composes texts out of pieces and cannot say how a value is to be escaped: the
//! place is found here, from the whole text, by one small reader per kind of text. A reader sees
//! literals and, between them, that a value stands there; it answers with the value's [`Slot`].
//! No value is looked at. Used by `inspect` and, with the same answer, by `render`.

mod body;
mod header;
mod json;
mod pairs;
mod url;
mod xml;

use std::collections::BTreeSet;

use cordon_model::http_request::{Escape, HttpRequest, Piece, Text};
use cordon_model::plan::Place;

use crate::inspect::RequestProblem;
use crate::target::{Fault, Target, check_characters};

/// The place of one value, which decides how it is escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slot {
    /// A segment of the path, or a part of one.
    Path,
    /// The value of a parameter of the query.
    Query,
    /// A header's value.
    Header,
    /// Inside a JSON string that is no key.
    JsonString,
    /// Where a JSON number may stand.
    JsonNumber,
    /// The value of a parameter of a form.
    Form,
    /// XML text.
    XmlText,
    /// A quoted XML attribute.
    XmlAttribute,
    /// A body of plain text.
    PlainText,
    /// A body that the author escapes.
    Raw,
}

impl Slot {
    /// The place as grants know it.
    pub(crate) const fn place(self) -> Place {
        match self {
            Self::Path | Self::Query => Place::Url,
            Self::Header => Place::Header,
            Self::JsonString
            | Self::JsonNumber
            | Self::Form
            | Self::XmlText
            | Self::XmlAttribute
            | Self::PlainText
            | Self::Raw => Place::Body,
        }
    }
}

/// One part of a text: a literal, or a value with its place.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Part<'a> {
    /// Stands as it is.
    Literal(&'a str),
    /// Is filled in.
    Value(&'a Piece, Slot),
}

/// A request with the place of every value.
pub(crate) struct Template<'a> {
    /// The origin of the URL, which no value can change.
    pub(crate) origin: String,
    /// The URL.
    pub(crate) url: Vec<Part<'a>>,
    /// Names, lower case, and values.
    pub(crate) headers: Vec<(http::HeaderName, Vec<Part<'a>>)>,
    /// The body; none when there is none or it is empty.
    pub(crate) body: Option<Vec<Part<'a>>>,
    /// Whether values stand verbatim in the body.
    pub(crate) raw: bool,
}

/// A fault, and how many characters stand before it, each value counted as one. None: it stands
/// nowhere in particular.
type Placed = (Fault, Option<usize>);

/// Reads one text and finds the places in it.
pub(crate) trait Reader {
    /// The next character of literal text.
    fn literal(&mut self, c: char) -> Result<(), Fault>;
    /// A value stands here: where is that?
    fn value(&mut self) -> Result<Slot, Fault>;
    /// The text is over.
    fn finish(self) -> Vec<Placed>;
}

/// Finds the place of every piece of a request, or everything that is wrong with it.
pub(crate) fn analyze(request: &HttpRequest) -> Result<Template<'_>, Vec<RequestProblem>> {
    let mut problems = Problems::default();
    problems.add_all("/verb", check_method(&request.method));
    let (url, url_faults) = read(url::UrlReader::default(), &request.url);
    let readable = url_faults.is_empty();
    problems.add_all("/url", url_faults);
    // With a value in the host the rest of the URL says nothing.
    let target = readable.then(|| {
        let probe = probe(&url);
        check_characters(&probe).map_err(|(fault, at)| (fault, Some(at)))?;
        Target::parse(&probe).map_err(|fault| (fault, None))
    });
    let origin = match target {
        Some(Ok(target)) => {
            problems.add_all("/url", url::check_host(&target));
            target.origin
        }
        Some(Err(placed)) => {
            problems.add("/url", placed);
            String::new()
        }
        None => String::new(),
    };
    let headers = header::read_all(&request.headers, &mut problems);
    let mut raw = false;
    let body = request.body.as_ref().filter(|body| !is_empty(&body.content)).map(|body| {
        let (parts, faults) = body::read_body(body, &headers);
        problems.add_all("/body", faults);
        raw = body.escape == Escape::Raw && parts.iter().any(|p| matches!(p, Part::Value(..)));
        parts
    });
    if problems.found.is_empty() {
        Ok(Template { origin, url, headers, body, raw })
    } else {
        Err(problems.found)
    }
}

fn is_empty(text: &Text) -> bool {
    text.iter().all(|piece| matches!(piece, Piece::Literal(literal) if literal.is_empty()))
}

/// RFC 9110 tokens. TRACE repeats credentials, CONNECT opens tunnels.
fn check_method(method: &str) -> Option<Placed> {
    if method.is_empty() || method.len() > 32 || !method.bytes().all(is_token_byte) {
        Some((("verb_invalid", "must be an HTTP method, such as GET or POST"), None))
    } else if method.eq_ignore_ascii_case("TRACE") || method.eq_ignore_ascii_case("CONNECT") {
        Some((("verb_refused", "TRACE and CONNECT are not sent"), None))
    } else {
        None
    }
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Runs a reader over a text.
fn read(mut reader: impl Reader, text: &Text) -> (Vec<Part<'_>>, Vec<Placed>) {
    let mut parts = Vec::with_capacity(text.len());
    let mut faults: Vec<Placed> = Vec::new();
    let mut at = 0;
    let mut add = |fault: Fault, at| {
        // One of a row is enough; a long body could have as many as it has characters.
        if faults.last().is_none_or(|(last, _)| *last != fault) {
            faults.push((fault, Some(at)));
        }
    };
    for piece in text {
        match piece {
            Piece::Literal(literal) => {
                for c in literal.chars() {
                    reader.literal(c).unwrap_or_else(|fault| add(fault, at));
                    at += 1;
                }
                parts.push(Part::Literal(literal));
            }
            Piece::Placeholder(_) | Piece::Secret(_) | Piece::Value(_) => {
                match reader.value() {
                    Ok(slot) => parts.push(Part::Value(piece, slot)),
                    Err(fault) => add(fault, at),
                }
                at += 1;
            }
        }
    }
    faults.extend(reader.finish());
    (parts, faults)
}

/// How many characters stand before the first value.
fn first_value(text: &[Piece]) -> Option<usize> {
    let mut before = 0;
    for piece in text {
        match piece {
            Piece::Literal(literal) => before += literal.chars().count(),
            Piece::Placeholder(_) | Piece::Secret(_) | Piece::Value(_) => return Some(before),
        }
    }
    None
}

/// The text with a harmless letter for each value.
fn probe(parts: &[Part<'_>]) -> String {
    parts
        .iter()
        .map(|part| match part {
            Part::Literal(literal) => literal,
            Part::Value(..) => "x",
        })
        .collect()
}

/// Collects problems, each once.
#[derive(Default)]
struct Problems {
    found: Vec<RequestProblem>,
    seen: BTreeSet<(String, &'static str)>,
}

impl Problems {
    fn add(&mut self, part: &str, ((code, message), at): Placed) {
        if self.seen.insert((part.to_owned(), code)) {
            self.found.push(RequestProblem {
                part: part.to_owned(),
                at,
                code,
                message: message.to_owned(),
            });
        }
    }

    fn add_all(&mut self, part: &str, faults: impl IntoIterator<Item = Placed>) {
        for placed in faults {
            self.add(part, placed);
        }
    }
}
