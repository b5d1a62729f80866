//! Sentences for what the host answered, for the detail of a failure. They hold names, statuses,
//! shapes and sizes; there is nothing else in these types.

use crate::handles::{Shape, ShapeError};
use crate::http::HttpError;

impl ShapeError {
    /// What was expected, what was found, and where.
    ///
    /// ```
    /// # use cordon_connector_sdk::handles::{Shape, ShapeError};
    /// let (expected, found) = (Shape::ArrayOfObjects, Shape::Object);
    /// let error = ShapeError { expected, found, offset: 0, size: 27 };
    /// assert!(error.sentence().starts_with("expected an array of objects, found an object"));
    /// ```
    pub fn sentence(&self) -> String {
        let (expected, found) = (shape(self.expected), shape(self.found));
        format!("expected {expected}, found {found} at byte {} of {}", self.offset, self.size)
    }
}

impl HttpError {
    /// What went wrong.
    ///
    /// ```
    /// # use cordon_connector_sdk::http::HttpError;
    /// assert_eq!(HttpError::UnexpectedStatus(500).sentence(), "unexpected status 500");
    /// ```
    pub fn sentence(&self) -> String {
        match self {
            Self::MissingPlaceholder(name) => {
                format!("nothing is known for the placeholder {{{name}}}")
            }
            Self::AmbiguousPlaceholder(name) => {
                format!("the placeholder {{{name}}} names both a credential and an identity")
            }
            Self::ValueRefused(name) => {
                format!("the value of {{{name}}} may not stand where the template puts it")
            }
            Self::UnexpectedStatus(status) => format!("unexpected status {status}"),
            Self::Unreachable => "the upstream could not be reached".to_owned(),
            Self::Timeout => "the upstream did not answer in time".to_owned(),
            Self::TooLarge => "the response is larger than the host reads".to_owned(),
            Self::Truncated => "the response ended early".to_owned(),
        }
    }
}

const fn shape(shape: Shape) -> &'static str {
    match shape {
        Shape::ArrayOfObjects => "an array of objects",
        Shape::Array => "an array",
        Shape::Object => "an object",
        Shape::Text => "a text",
        Shape::Number => "a number",
        Shape::Boolean => "a boolean",
        Shape::Null => "null",
        Shape::NotJson => "no JSON",
        Shape::DuplicateKey => "an object with a duplicate key",
        Shape::TooDeep => "nesting that is too deep",
        Shape::Missing => "nothing",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_error_is_told_by_shapes_and_sizes() {
        let error = ShapeError {
            expected: Shape::ArrayOfObjects,
            found: Shape::Object,
            offset: 0,
            size: 27,
        };
        assert_eq!(
            error.sentence(),
            "expected an array of objects, found an object at byte 0 of 27"
        );
    }
}
