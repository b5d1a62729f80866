//! Filling a request in: every value escaped for its place, in a single pass.
//!
//! A substituted value is never scanned again. Deliberately knows nothing of grants: what may be
//! sent where is decided in `send`. Called by the runtime, once per attempt at most.

mod sketch;

use std::collections::BTreeMap;

use bytes::Bytes;
use cordon_model::Secret;
use cordon_model::http_request::{HttpRequest, Piece, ValueId};
use cordon_model::journal::Fingerprint;
use cordon_model::plan::Place;
use http::{HeaderName, HeaderValue};
use zeroize::Zeroizing;

use crate::escape::{self, Refused};
use crate::inspect::RequestProblem;
use crate::target::Target;
use crate::template::{self, Part, Slot};
use sketch::Sketch;

/// What a piece stands for.
pub enum Substitute<'a> {
    /// A bound identity.
    Identity(&'a str),
    /// A key of the credentials.
    Secret(&'a Secret),
    /// A scalar of an earlier response; it may go back only to where it came from.
    Held {
        /// The value.
        value: &'a str,
        /// The origin it came from.
        origin: &'a str,
    },
}

/// Why a name stands for nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// Nothing has this name.
    #[error("nothing has this name")]
    Missing,
    /// A credential and an identity have it.
    #[error("a credential and an identity have this name")]
    Ambiguous,
}

/// Knows what the pieces of one run stand for.
pub trait Lookup {
    /// A name of the author's template.
    ///
    /// # Errors
    /// When the name stands for nothing, or for two things.
    fn placeholder(&self, name: &str) -> Result<Substitute<'_>, LookupError>;

    /// A key of the credentials.
    ///
    /// # Errors
    /// When there is no such key.
    fn secret(&self, name: &str) -> Result<Substitute<'_>, LookupError>;

    /// A value the host holds.
    ///
    /// # Errors
    /// When there is no such value.
    fn value(&self, id: ValueId) -> Result<Substitute<'_>, LookupError>;
}

/// Why a request cannot be filled in. Holds names, never values. A value that the host holds is
/// named by its number: `#3`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// Nothing has this name.
    #[error("nothing is known for {{{0}}}")]
    Missing(String),
    /// A credential and an identity have it.
    #[error("{{{0}}} names both a credential and an identity")]
    Ambiguous(String),
    /// Its value may not stand there.
    #[error("the value of {{{0}}} may not stand where the text puts it")]
    ValueRefused(String),
    /// The request itself is refused.
    #[error("the request is refused as it is written")]
    Problems(Vec<RequestProblem>),
}

/// A request as it goes out. No `Debug`: it holds identities and secrets.
pub struct Rendered {
    pub(crate) target: Target,
    pub(crate) method: http::Method,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Option<Bytes>,
    /// Whether a body was filled in verbatim.
    pub(crate) raw: bool,
    /// The secrets it carries, by name and place.
    pub(crate) secrets: BTreeMap<(String, Place), Secret>,
    sketch: Sketch,
}

/// Fills a request in.
///
/// # Errors
/// See [`RenderError`].
pub fn render(request: &HttpRequest, lookup: &dyn Lookup) -> Result<Rendered, RenderError> {
    let template = template::analyze(request).map_err(RenderError::Problems)?;
    let mut filler = Filler {
        lookup,
        origin: &template.origin,
        secrets: BTreeMap::new(),
        sketch: Sketch::default(),
    };
    filler.sketch.begin(b'm');
    filler.sketch.plain(&request.method);
    filler.sketch.begin(b'u');
    let url = filler.fill(&template.url)?;
    check_segments(&template.url, filler.lookup)?;
    let mut headers = Vec::with_capacity(template.headers.len());
    for (name, parts) in &template.headers {
        filler.sketch.begin(b'h');
        filler.sketch.plain(name.as_str());
        filler.sketch.begin(b'v');
        let value = filler.fill(parts)?;
        let mut value = HeaderValue::from_str(&value).map_err(|_| refused(parts))?;
        value.set_sensitive(parts.iter().any(|part| matches!(part, Part::Value(..))));
        headers.push((name.clone(), value));
    }
    let mut body = None;
    if let Some(parts) = &template.body {
        filler.sketch.begin(b'b');
        let text = filler.fill(parts)?;
        body = Some(Bytes::copy_from_slice(text.as_bytes()));
    }
    // The template passed the same reading, so only a value can have changed the outcome.
    let target = Target::parse(&url).map_err(|_| refused(&template.url))?;
    if target.origin != template.origin {
        return Err(refused(&template.url));
    }
    let method = http::Method::from_bytes(request.method.as_bytes())
        .map_err(|_| RenderError::Problems(Vec::new()))?;
    let (secrets, sketch) = (filler.secrets, filler.sketch);
    Ok(Rendered { target, method, headers, body, raw: template.raw, secrets, sketch })
}

impl Rendered {
    /// `scheme://host[:port]`, lower case, without a default port.
    pub fn origin(&self) -> &str {
        &self.target.origin
    }

    /// The verb.
    pub fn method(&self) -> &str {
        self.method.as_str()
    }

    /// The path as it is sent. It may hold identities and secrets: not for logs.
    pub fn path(&self) -> &str {
        self.target.url.path()
    }

    /// HMAC-SHA256 over the request with every secret's value replaced by its name, so that a
    /// rotated secret changes nothing.
    pub fn fingerprint(&self, key: &[u8]) -> Fingerprint {
        self.sketch.mac(key)
    }
}

/// Fills texts in and keeps what was used.
struct Filler<'a> {
    lookup: &'a dyn Lookup,
    origin: &'a str,
    secrets: BTreeMap<(String, Place), Secret>,
    sketch: Sketch,
}

impl Filler<'_> {
    fn fill(&mut self, parts: &[Part<'_>]) -> Result<Zeroizing<String>, RenderError> {
        let mut out = Zeroizing::new(String::new());
        for part in parts {
            match part {
                Part::Literal(literal) => {
                    out.push_str(literal);
                    self.sketch.plain(literal);
                }
                Part::Value(piece, slot) => self.value(piece, *slot, &mut out)?,
            }
        }
        Ok(out)
    }

    fn value(&mut self, piece: &Piece, slot: Slot, out: &mut String) -> Result<(), RenderError> {
        let refused = |Refused| RenderError::ValueRefused(name_of(piece));
        let mut escaped = Zeroizing::new(String::new());
        match find(self.lookup, piece)? {
            Substitute::Secret(secret) => {
                escape::write(slot, secret.expose(), &mut escaped).map_err(refused)?;
                self.secrets.insert((name_of(piece), slot.place()), secret.clone());
                self.sketch.secret(&name_of(piece));
            }
            Substitute::Identity(value) => {
                escape::check_identity(value).map_err(refused)?;
                escape::write(slot, value, &mut escaped).map_err(refused)?;
                self.sketch.plain(&escaped);
            }
            Substitute::Held { value, origin } if origin == self.origin => {
                escape::write(slot, value, &mut escaped).map_err(refused)?;
                self.sketch.plain(&escaped);
            }
            Substitute::Held { .. } => return Err(refused(Refused)),
        }
        out.push_str(&escaped);
        Ok(())
    }
}

fn find<'a>(lookup: &'a dyn Lookup, piece: &Piece) -> Result<Substitute<'a>, RenderError> {
    let found = match piece {
        Piece::Placeholder(name) => lookup.placeholder(name),
        Piece::Secret(name) => lookup.secret(name),
        Piece::Value(id) => lookup.value(*id),
        Piece::Literal(_) => Err(LookupError::Missing),
    };
    found.map_err(|error| match error {
        LookupError::Missing => RenderError::Missing(name_of(piece)),
        LookupError::Ambiguous => RenderError::Ambiguous(name_of(piece)),
    })
}

fn name_of(piece: &Piece) -> String {
    match piece {
        Piece::Placeholder(name) | Piece::Secret(name) => name.clone(),
        Piece::Value(id) => format!("#{id}"),
        Piece::Literal(_) => String::new(),
    }
}

/// Names the last value of a text that came out wrong.
fn refused(parts: &[Part<'_>]) -> RenderError {
    let last = parts.iter().rev().find_map(|part| match part {
        Part::Value(piece, _) => Some(name_of(piece)),
        Part::Literal(_) => None,
    });
    RenderError::ValueRefused(last.unwrap_or_default())
}

/// No segment becomes `.` or `..`, not even for a server that folds look-alikes: `{a}{b}` and
/// `.{a}` could, although each value alone is harmless.
fn check_segments(url: &[Part<'_>], lookup: &dyn Lookup) -> Result<(), RenderError> {
    let mut segment = Zeroizing::new(String::new());
    let mut last = None;
    for part in url {
        match part {
            Part::Value(piece, Slot::Path) => {
                let value = match find(lookup, piece)? {
                    Substitute::Identity(value) | Substitute::Held { value, .. } => value,
                    Substitute::Secret(secret) => secret.expose(),
                };
                segment.push_str(&Zeroizing::new(escape::folded(value)));
                last = Some(*piece);
            }
            Part::Value(..) => break,
            Part::Literal(literal) => {
                for c in literal.chars() {
                    if matches!(c, '/' | '?') {
                        check_segment(&segment, last)?;
                        segment.clear();
                        last = None;
                    } else {
                        segment.push(c);
                    }
                }
            }
        }
    }
    check_segment(&segment, last)
}

fn check_segment(segment: &str, last: Option<&Piece>) -> Result<(), RenderError> {
    match last {
        Some(piece) if escape::is_dot_segment(segment) => {
            Err(RenderError::ValueRefused(name_of(piece)))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
pub(crate) mod tests;
