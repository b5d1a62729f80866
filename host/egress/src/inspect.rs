//! A static look at a planned request: where it goes, what it carries, and everything that is
//! wrong with it, without any value at hand.
//!
//! Called by the runtime when a configuration is written, through `Gate::inspect` where the
//! operator's settings count too.

use std::collections::BTreeSet;

use cordon_model::http_request::{HttpRequest, Piece};
use cordon_model::plan::Place;

use crate::template::{self, Part, Template};

/// What a planned request comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// `scheme://host[:port]`, lower case, without a default port.
    pub origin: String,
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

#[cfg(test)]
pub(crate) mod tests;
