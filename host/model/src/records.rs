//! JSON objects that a connection returned for a subject. Parsed and held by the host.

use std::fmt;

use crate::json::{Json, Shape, ShapeError};

/// An array of JSON objects. `Debug` shows the count only.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Records {
    objects: Vec<Json>,
}

impl Records {
    /// Reads the array of objects at `pointer` (`""`: the whole body).
    ///
    /// # Errors
    /// A shape error when there is no array of objects there, or the document is no JSON that
    /// can be kept without loss (BEHAVIOUR D4).
    pub fn parse(bytes: &[u8], pointer: &str) -> Result<Self, ShapeError> {
        let document = Json::parse(bytes, Shape::ArrayOfObjects)?;
        let wrong = |found: Shape| ShapeError {
            expected: Shape::ArrayOfObjects,
            found,
            offset: 0,
            size: bytes.len() as u64,
        };
        let found = document.at(pointer).ok_or_else(|| wrong(Shape::Missing))?;
        match found {
            Json::Array(objects) if found.shape() == Shape::ArrayOfObjects => {
                Ok(Self { objects: objects.clone() })
            }
            Json::Null
            | Json::Bool(_)
            | Json::Number(_)
            | Json::String(_)
            | Json::Array(_)
            | Json::Object(_) => Err(wrong(found.shape())),
        }
    }

    /// One object made from text values, as a form's input is.
    pub fn from_fields(fields: impl IntoIterator<Item = (String, Json)>) -> Self {
        Self { objects: vec![Json::Object(fields.into_iter().collect())] }
    }

    /// The objects; each is a [`Json::Object`].
    pub fn objects(&self) -> &[Json] {
        &self.objects
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// The JSON text of the whole array.
    pub fn to_text(&self) -> String {
        Json::Array(self.objects.clone()).to_text()
    }
}

impl fmt::Debug for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Records({})", self.objects.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_array_of_objects_is_records() {
        assert_eq!(Records::parse(b"[]", "").map(|r| r.len()), Ok(0));
        assert_eq!(Records::parse(br#"{"data":[{},{}]}"#, "/data").map(|r| r.len()), Ok(2));
        for (text, found) in [
            ("{}", Shape::Object),
            ("[1]", Shape::Array),
            ("[{},null]", Shape::Array),
            ("\"x\"", Shape::Text),
            ("", Shape::NotJson),
        ] {
            assert_eq!(
                Records::parse(text.as_bytes(), "").map_err(|e| e.found),
                Err(found),
                "{text}"
            );
        }
        assert_eq!(Records::parse(b"{}", "/data").map_err(|e| e.found), Err(Shape::Missing));
    }
}
