//! JSON as the host reads it: records and scalars at a pointer, and what is wrong otherwise.
//!
//! Unlike the host's own reader it does not see a key that stands twice in an object.

use serde_json::Value;

use crate::handles::{Shape, ShapeError};

/// What stands at a pointer of a body.
fn at(body: Option<&[u8]>, pointer: &str, expected: Shape) -> Result<Option<Value>, ShapeError> {
    let size = body.map_or(0, <[u8]>::len) as u64;
    let error = |found| ShapeError { expected, found, offset: 0, size };
    let body = body.ok_or_else(|| error(Shape::Missing))?;
    let document: Value = serde_json::from_slice(body).map_err(|_| error(Shape::NotJson))?;
    Ok(document.pointer(pointer).cloned())
}

/// The array of objects at a pointer.
pub(super) fn records(body: Option<&[u8]>, pointer: &str) -> Result<Vec<Value>, ShapeError> {
    let size = body.map_or(0, <[u8]>::len) as u64;
    let expected = Shape::ArrayOfObjects;
    let found = match at(body, pointer, expected)? {
        Some(Value::Array(items)) if items.iter().all(Value::is_object) => return Ok(items),
        Some(other) => shape(&other),
        None => Shape::Missing,
    };
    Err(ShapeError { expected, found, offset: 0, size })
}

/// The object at a pointer.
pub(super) fn object(body: Option<&[u8]>, pointer: &str) -> Result<Value, ShapeError> {
    let size = body.map_or(0, <[u8]>::len) as u64;
    let expected = Shape::Object;
    let found = match at(body, pointer, expected)? {
        Some(object @ Value::Object(_)) => return Ok(object),
        Some(other) => shape(&other),
        None => Shape::Missing,
    };
    Err(ShapeError { expected, found, offset: 0, size })
}

/// The scalar at a pointer, as JSON. None: nothing or `null` stands there.
pub(super) fn scalar(body: Option<&[u8]>, pointer: &str) -> Result<Option<String>, ShapeError> {
    let size = body.map_or(0, <[u8]>::len) as u64;
    let expected = Shape::Text;
    match at(body, pointer, expected)? {
        None | Some(Value::Null) => Ok(None),
        Some(scalar @ (Value::String(_) | Value::Number(_) | Value::Bool(_))) => {
            Ok(Some(scalar.to_string()))
        }
        Some(other) => Err(ShapeError { expected, found: shape(&other), offset: 0, size }),
    }
}

/// The value of each object under the wanted kind, or under its category.
pub(super) fn identities(objects: &[Value], wanted: &str) -> Result<Vec<String>, ShapeError> {
    let category = wanted.strip_prefix("primary_").unwrap_or(wanted);
    let value = |object: &Value| {
        let found = match object.get(wanted).or_else(|| object.get(category)) {
            Some(Value::String(text)) if !text.is_empty() => return Ok(text.clone()),
            Some(Value::Number(number)) => return Ok(number.to_string()),
            Some(other) => shape(other),
            None => Shape::Missing,
        };
        Err(ShapeError { expected: Shape::Text, found, offset: 0, size: 0 })
    };
    objects.iter().map(value).collect()
}

fn shape(value: &Value) -> Shape {
    match value {
        Value::Null => Shape::Null,
        Value::Bool(_) => Shape::Boolean,
        Value::Number(_) => Shape::Number,
        Value::String(_) => Shape::Text,
        Value::Array(items) if items.iter().all(Value::is_object) => Shape::ArrayOfObjects,
        Value::Array(_) => Shape::Array,
        Value::Object(_) => Shape::Object,
    }
}
