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
        Self::read(bytes, pointer, Shape::ArrayOfObjects, |found| {
            if let Json::Array(objects) = found { objects.clone() } else { Vec::new() }
        })
    }

    /// Reads the one object at `pointer` (`""`: the whole body).
    ///
    /// # Errors
    /// As [`Records::parse`], when there is no object there; `null` and `missing` are told apart
    /// from everything else, because they may mean that there is no data.
    pub fn parse_object(bytes: &[u8], pointer: &str) -> Result<Self, ShapeError> {
        Self::read(bytes, pointer, Shape::Object, |found| vec![found.clone()])
    }

    /// `objects` makes them of what stands at the pointer, once that has the shape.
    fn read(
        bytes: &[u8],
        pointer: &str,
        expected: Shape,
        objects: impl FnOnce(&Json) -> Vec<Json>,
    ) -> Result<Self, ShapeError> {
        let document = Json::parse(bytes, expected)?;
        let found = document.at(pointer);
        match found.map_or(Shape::Missing, Json::shape) {
            shape if shape == expected => {
                Ok(Self { objects: found.map(objects).unwrap_or_default() })
            }
            found => Err(ShapeError { expected, found, offset: 0, size: bytes.len() as u64 }),
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

    #[test]
    fn one_object_is_records_of_one_and_everything_else_says_what_it_is() {
        let member = |json: &str| {
            let found = Records::parse_object(json.as_bytes(), "/member");
            found.map(|records| records.to_text()).map_err(|error| {
                assert_eq!((error.expected, error.size), (Shape::Object, json.len() as u64));
                error.found
            })
        };
        let one = r#"{"member":{"id":12345678901234567890}}"#;
        assert_eq!(member(one), Ok(r#"[{"id":12345678901234567890}]"#.to_owned()));
        assert_eq!(member(r#"{"member":{}}"#), Ok("[{}]".to_owned()));
        let whole = Records::parse_object(one.as_bytes(), "").map(|records| records.to_text());
        assert_eq!(whole, Ok(format!("[{one}]")));
        for (json, found) in [
            (r#"{"member":null}"#, Shape::Null),
            (r#"{"person":{}}"#, Shape::Missing),
            ("[]", Shape::Missing),
            (r#"{"member":[]}"#, Shape::ArrayOfObjects),
            (r#"{"member":[{}]}"#, Shape::ArrayOfObjects),
            (r#"{"member":[7]}"#, Shape::Array),
            (r#"{"member":"x"}"#, Shape::Text),
            (r#"{"member":""}"#, Shape::Text),
            (r#"{"member":0}"#, Shape::Number),
            (r#"{"member":false}"#, Shape::Boolean),
            (r#"{"member":{"a":1,"a":2}}"#, Shape::DuplicateKey),
            (r#"{"member":{}"#, Shape::NotJson),
            ("", Shape::NotJson),
        ] {
            assert_eq!(member(json), Err(found), "{json}");
        }
    }
}
