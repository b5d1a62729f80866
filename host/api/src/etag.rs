//! `ETag` and `If-Match`: an object's revision, quoted.

use axum::extract::FromRequestParts;
use cordon_model::Revision;
use http::header::IF_MATCH;
use http::request::Parts;

use crate::State;
use crate::error::{ApiError, Code};

/// The `ETag` of a revision.
pub(crate) fn etag(revision: Revision) -> String {
    format!("\"{revision}\"")
}

/// The revision that `If-Match` names; none: the caller does not mind.
pub(crate) struct IfMatch(pub(crate) Option<Revision>);

impl FromRequestParts<State> for IfMatch {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &State) -> Result<Self, ApiError> {
        let mut values = parts.headers.get_all(IF_MATCH).iter();
        match (values.next(), values.next()) {
            (None, _) => Ok(Self(None)),
            (Some(value), None) => {
                revision_of(value.as_bytes()).map(|revision| Self(Some(revision)))
            }
            (Some(_), Some(_)) => Err(not_one_tag()),
        }
    }
}

fn revision_of(value: &[u8]) -> Result<Revision, ApiError> {
    let text = std::str::from_utf8(value).map_err(|_| not_one_tag())?.trim();
    if text.starts_with("W/\"") {
        // A weak tag never matches here (RFC 9110 §13.1.1).
        return Err(cordon_engine::Error::PreconditionFailed.into());
    }
    let tag = text
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .filter(|tag| !tag.contains('"'))
        .ok_or_else(not_one_tag)?;
    // A tag that is no revision was never handed out, so nothing matches it.
    let revision = tag.parse().map_err(|_| cordon_engine::Error::PreconditionFailed)?;
    Ok(Revision(revision))
}

fn not_one_tag() -> ApiError {
    let detail = "If-Match must be the one ETag that the object was answered with";
    ApiError::new(Code::InvalidHeader, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Result<Revision, Code> {
        revision_of(value.as_bytes()).map_err(|error| error.code())
    }

    #[test]
    fn the_tag_of_a_revision_reads_back() {
        assert_eq!(read(&etag(Revision(7))), Ok(Revision(7)));
    }

    #[test]
    fn a_tag_that_was_never_handed_out_does_not_match() {
        for tag in ["\"abc\"", "W/\"7\"", "\"\"", "\"-1\""] {
            assert_eq!(read(tag), Err(Code::PreconditionFailed), "{tag}");
        }
    }

    #[test]
    fn what_is_not_one_tag_is_refused_rather_than_ignored() {
        for value in ["*", "7", "\"7\", \"8\"", "\"7", ""] {
            assert_eq!(read(value), Err(Code::InvalidHeader), "{value}");
        }
    }
}
