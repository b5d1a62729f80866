//! A static look at a planned request: where it goes, what it carries, and everything that is
//! wrong with it, without any value at hand.
//!
//! Called by the runtime when a configuration is written, through `Gate::inspect` where the
//! operator's settings count too.

use std::collections::BTreeSet;

use cordon_model::grant::{PathPrefix, Paths};
use cordon_model::http_request::{HttpRequest, Piece};
use cordon_model::plan::Place;

use crate::template::{self, Part, Template};

/// What a planned request comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// `scheme://host[:port]`, lower case, without a default port.
    pub origin: String,
    /// The path where it holds no value; else the whole segments before the first one, which no
    /// value can lead out of.
    pub paths: Paths,
    /// The verb.
    pub method: String,
    /// Names of placeholders and secrets, and where they stand.
    pub names: BTreeSet<(String, Place)>,
    /// Whether a body is filled in verbatim.
    pub raw: bool,
}

/// One problem of a planned request. Never repeats a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestProblem {
    /// JSON pointer relative to the query: `/url`, `/verb`, `/body`, `/headers/<name>`.
    pub part: String,
    /// How many characters of the composed text stand before it, each value counted as one; none:
    /// it stands nowhere in particular.
    pub at: Option<usize>,
    /// A stable word, snake_case.
    pub code: &'static str,
    /// A sentence for a person.
    pub message: String,
}

/// Looks at a planned request.
///
/// # Errors
/// Every problem there is, in the order verb, URL, headers, body.
pub fn inspect(request: &HttpRequest) -> Result<Inspection, Vec<RequestProblem>> {
    let template = template::analyze(request)?;
    Ok(Inspection {
        names: names(&template),
        paths: paths(&template),
        origin: template.origin,
        method: request.method.clone(),
        raw: template.raw,
    })
}

fn names(template: &Template<'_>) -> BTreeSet<(String, Place)> {
    let headers = template.headers.iter().flat_map(|(_, parts)| parts);
    let parts = template.url.iter().chain(headers).chain(template.body.iter().flatten());
    parts
        .filter_map(|part| match part {
            Part::Value(Piece::Placeholder(name) | Piece::Secret(name), slot) => {
                Some((name.clone(), slot.place()))
            }
            Part::Value(Piece::Value(_) | Piece::Literal(_), _) | Part::Literal(_) => None,
        })
        .collect()
}

/// The least that a grant can say and that covers the path, whatever its values will be.
fn paths(template: &Template<'_>) -> Paths {
    let mut url = String::new();
    let mut ends_in_value = false;
    for part in &template.url {
        match part {
            Part::Literal(literal) => url.push_str(literal),
            Part::Value(..) => {
                ends_in_value = true;
                break;
            }
        }
    }
    let (before_query, in_query) = match url.split_once('?') {
        Some((before, _)) => (before, true),
        None => (url.as_str(), false),
    };
    let rest = before_query.split_once("://").map_or("", |(_, rest)| rest);
    // No path is sent as /.
    let path = rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/");
    if ends_in_value && !in_query {
        // The value belongs to the last segment, as far as that is known.
        Paths::Under(PathPrefix::above(parent(path)))
    } else {
        Paths::least(path)
    }
}

/// Without the last segment.
fn parent(path: &str) -> &str {
    match path.rfind('/') {
        None | Some(0) => "/",
        Some(at) => path.get(..at).unwrap_or("/"),
    }
}

#[cfg(test)]
pub(crate) mod tests;
