//! Lossless JSON: what an upstream said, with every number as it was written.
//!
//! `serde_json::Value` drops duplicate keys in silence; here a duplicate key, bad UTF-8 and
//! nesting beyond [`DEPTH_MAX`] are errors (BEHAVIOUR D4). The tokens are read by `jiter`.

use std::collections::HashSet;
use std::fmt::Write as _;

use jiter::{Jiter, JiterError, JiterErrorType, JsonErrorType, Peek};

/// Deepest nesting that is read.
pub const DEPTH_MAX: usize = 128;

/// A JSON value. Objects keep their order, numbers their text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Json {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A number, as it was written.
    Number(String),
    /// A string, unescaped.
    String(String),
    /// An array.
    Array(Vec<Json>),
    /// An object, in its order, without duplicate keys.
    Object(Vec<(String, Json)>),
}

/// What a value is, or what kept it from being read. Mirrors the WIT enum `shape`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// An array whose every item is an object.
    ArrayOfObjects,
    /// An array.
    Array,
    /// An object.
    Object,
    /// A string.
    Text,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// `null`.
    Null,
    /// Not JSON, or not UTF-8.
    NotJson,
    /// An object with the same key twice.
    DuplicateKey,
    /// Nested deeper than [`DEPTH_MAX`].
    TooDeep,
    /// Nothing at the pointer.
    Missing,
}

impl Shape {
    /// The shape in words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ArrayOfObjects => "an array of objects",
            Self::Array => "an array",
            Self::Object => "an object",
            Self::Text => "a text",
            Self::Number => "a number",
            Self::Boolean => "a boolean",
            Self::Null => "null",
            Self::NotJson => "no JSON",
            Self::DuplicateKey => "an object with a duplicate key",
            Self::TooDeep => "nested too deeply",
            Self::Missing => "nothing",
        }
    }
}

/// What was expected, what was found, and where. Never a key or a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected {}, found {} at byte {offset} of {size}", expected.as_str(), found.as_str())]
pub struct ShapeError {
    /// What it must be.
    pub expected: Shape,
    /// What it is.
    pub found: Shape,
    /// Where, in bytes from the start.
    pub offset: u64,
    /// Size of the whole, in bytes.
    pub size: u64,
}

impl Json {
    /// Reads a whole document.
    ///
    /// # Errors
    /// `NotJson`, `DuplicateKey` or `TooDeep`, with the offset. `expected` goes into the error.
    pub fn parse(bytes: &[u8], expected: Shape) -> Result<Self, ShapeError> {
        let mut jiter = Jiter::new(bytes);
        let fail = |found: Shape, offset: usize| ShapeError {
            expected,
            found,
            offset: offset as u64,
            size: bytes.len() as u64,
        };
        let peek = jiter.peek().map_err(|e| fail(found_by(&e), e.index))?;
        let json = read(&mut jiter, peek, 0).map_err(|(found, offset)| fail(found, offset))?;
        jiter.finish().map_err(|e| fail(Shape::NotJson, e.index))?;
        Ok(json)
    }

    /// What this is.
    pub fn shape(&self) -> Shape {
        match self {
            Self::Null => Shape::Null,
            Self::Bool(_) => Shape::Boolean,
            Self::Number(_) => Shape::Number,
            Self::String(_) => Shape::Text,
            Self::Array(items) if items.iter().all(|i| matches!(i, Self::Object(_))) => {
                Shape::ArrayOfObjects
            }
            Self::Array(_) => Shape::Array,
            Self::Object(_) => Shape::Object,
        }
    }

    /// The value at a JSON pointer (RFC 6901); `""` is the whole document.
    pub fn at(&self, pointer: &str) -> Option<&Self> {
        if pointer.is_empty() {
            return Some(self);
        }
        pointer.strip_prefix('/')?.split('/').try_fold(self, |at, token| {
            let token = token.replace("~1", "/").replace("~0", "~");
            match at {
                Self::Object(entries) => entries.iter().find(|(k, _)| *k == token).map(|(_, v)| v),
                Self::Array(items) => items.get(token.parse::<usize>().ok()?),
                Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) => None,
            }
        })
    }

    /// The JSON text of a scalar as it stands in a package or in a template: a string without
    /// its quotes, a number as it was written. None for arrays, objects and `null`.
    pub fn scalar_text(&self) -> Option<String> {
        match self {
            Self::Bool(value) => Some(value.to_string()),
            Self::Number(text) | Self::String(text) => Some(text.clone()),
            Self::Null | Self::Array(_) | Self::Object(_) => None,
        }
    }

    /// The compact JSON text.
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(true) => out.push_str("true"),
            Self::Bool(false) => out.push_str("false"),
            Self::Number(text) => out.push_str(text),
            Self::String(text) => write_string(text, out),
            Self::Array(items) => {
                out.push('[');
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    item.write(out);
                }
                out.push(']');
            }
            Self::Object(entries) => {
                out.push('{');
                for (i, (key, value)) in entries.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    write_string(key, out);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }
}

/// A name as one token of a JSON pointer (RFC 6901), for the pointers of problems.
pub fn pointer_token(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Writes a JSON string with its quotes.
fn write_string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if u32::from(c) < 0x20 => {
                // Writing to a `String` cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

fn found_by(error: &JiterError) -> Shape {
    match &error.error_type {
        JiterErrorType::JsonError(JsonErrorType::RecursionLimitExceeded) => Shape::TooDeep,
        JiterErrorType::JsonError(_) | JiterErrorType::WrongType { .. } => Shape::NotJson,
    }
}

type At = (Shape, usize);

fn at(error: &JiterError) -> At {
    (found_by(error), error.index)
}

fn read(jiter: &mut Jiter<'_>, peek: Peek, depth: usize) -> Result<Json, At> {
    match peek {
        Peek::Null => jiter.known_null().map(|()| Json::Null).map_err(|e| at(&e)),
        Peek::True | Peek::False => jiter.known_bool(peek).map(Json::Bool).map_err(|e| at(&e)),
        Peek::String => {
            jiter.known_str().map(|text| Json::String(text.to_owned())).map_err(|e| at(&e))
        }
        Peek::Array => read_array(jiter, depth),
        Peek::Object => read_object(jiter, depth),
        peek if peek.is_num() => {
            let offset = jiter.current_index();
            let bytes = jiter.known_number_bytes(peek).map_err(|e| at(&e))?;
            let text = std::str::from_utf8(bytes).map_err(|_| (Shape::NotJson, offset))?;
            Ok(Json::Number(text.to_owned()))
        }
        _ => Err((Shape::NotJson, jiter.current_index())),
    }
}

fn read_array(jiter: &mut Jiter<'_>, depth: usize) -> Result<Json, At> {
    deeper(jiter, depth)?;
    let mut items = Vec::new();
    let mut next = jiter.known_array().map_err(|e| at(&e))?;
    while let Some(peek) = next {
        items.push(read(jiter, peek, depth + 1)?);
        next = jiter.array_step().map_err(|e| at(&e))?;
    }
    Ok(Json::Array(items))
}

fn read_object(jiter: &mut Jiter<'_>, depth: usize) -> Result<Json, At> {
    deeper(jiter, depth)?;
    let mut entries = Vec::new();
    let mut keys = HashSet::new();
    let mut next = jiter.known_object().map_err(|e| at(&e))?.map(str::to_owned);
    while let Some(key) = next {
        if !keys.insert(key.clone()) {
            return Err((Shape::DuplicateKey, jiter.current_index()));
        }
        let peek = jiter.peek().map_err(|e| at(&e))?;
        let value = read(jiter, peek, depth + 1)?;
        entries.push((key, value));
        next = jiter.next_key().map_err(|e| at(&e))?.map(str::to_owned);
    }
    Ok(Json::Object(entries))
}

fn deeper(jiter: &Jiter<'_>, depth: usize) -> Result<(), At> {
    if depth >= DEPTH_MAX { Err((Shape::TooDeep, jiter.current_index())) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape_of(text: &str) -> Shape {
        match Json::parse(text.as_bytes(), Shape::ArrayOfObjects) {
            Ok(json) => json.shape(),
            Err(error) => error.found,
        }
    }

    #[test]
    fn a_number_keeps_its_text() {
        let text = r#"[{"a":12345678901234567890123,"b":1.10,"c":-0.0,"d":1E+5}]"#;
        let json = Json::parse(text.as_bytes(), Shape::ArrayOfObjects).unwrap();
        assert_eq!(json.to_text(), text);
    }

    #[test]
    fn a_duplicate_key_bad_utf8_and_deep_nesting_are_errors() {
        assert_eq!(shape_of(r#"[{"a":1,"a":2}]"#), Shape::DuplicateKey);
        assert_eq!(shape_of(r#"[{"a":1,"\u0061":2}]"#), Shape::DuplicateKey);
        assert_eq!(shape_of(&"[".repeat(200)), Shape::TooDeep);
        assert_eq!(shape_of(&format!("{}{}", "[".repeat(128), "]".repeat(128))), Shape::Array);
        let error = Json::parse(b"[{\"a\":\"\xff\"}]", Shape::ArrayOfObjects).unwrap_err();
        assert_eq!(error.found, Shape::NotJson);
        for text in ["", "[1,]", "[1", "nul", "[1] x", "NaN", "Infinity", "-Infinity", "'a'", "01"]
        {
            assert_eq!(shape_of(text), Shape::NotJson, "{text}");
        }
    }

    #[test]
    fn an_error_names_shapes_and_offsets_only() {
        let error = Json::parse(b"{\"secret\": oops}", Shape::ArrayOfObjects).unwrap_err();
        assert_eq!(
            error.to_string(),
            "expected an array of objects, found no JSON at byte 11 of 16"
        );
    }

    #[test]
    fn a_name_becomes_one_token_of_a_pointer() {
        assert_eq!(pointer_token("a/b~c"), "a~1b~0c");
    }

    #[test]
    fn a_pointer_finds_its_value() {
        let json = Json::parse(br#"{"a/b":[{"~":1}]}"#, Shape::Object).unwrap();
        assert_eq!(json.at("/a~1b/0/~0"), Some(&Json::Number("1".into())));
        assert_eq!(json.at("/a~1b/1"), None);
        assert_eq!(json.at("a"), None);
        assert_eq!(json.at(""), Some(&json));
    }

    proptest::proptest! {
        #[test]
        fn any_string_survives_writing_and_reading(text in ".*") {
            let json = Json::Array(vec![Json::String(text)]);
            let read = Json::parse(json.to_text().as_bytes(), Shape::Array);
            proptest::prop_assert_eq!(read, Ok(json));
        }
    }
}
