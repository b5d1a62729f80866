//! Credentials as a person writes them: a flat JSON object of strings or numbers.
//!
//! Called by the providers that hold JSON. Knows nothing of where the text came from. What was read
//! is wiped when it is no credential; the parser's own scratch space is out of reach.

use std::collections::BTreeMap;

use cordon_model::Secret;
use cordon_model::json::{Json, Shape, pointer_token};
use cordon_model::secret::Credentials;

/// What is wrong with one entry. Names the place, never a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{pointer}: {message}")]
pub struct CredentialsProblem {
    /// JSON pointer into the object; empty for the object itself.
    pub pointer: String,
    /// A stable word, snake_case.
    pub code: &'static str,
    /// A sentence for a person.
    pub message: &'static str,
}

/// Most entries of one connection's credentials.
const ENTRIES_MAX: usize = 100;
/// Longest value, in bytes.
const VALUE_BYTES_MAX: usize = 64 * 1024;

/// Reads credentials. A number keeps its JSON text; a key that stands twice is refused.
///
/// # Errors
/// Every entry that is no credential.
pub fn parse_credentials(text: &[u8]) -> Result<Credentials, Vec<CredentialsProblem>> {
    let whole = |code, message| CredentialsProblem { pointer: String::new(), code, message };
    let entries = match Json::parse(text, Shape::ArrayOfObjects) {
        Ok(Json::Object(entries)) => entries,
        Ok(other) => {
            wipe(other);
            return Err(vec![whole("bad_type", "must be a JSON object")]);
        }
        Err(_) => return Err(vec![whole("malformed", "is no JSON, or has a key twice")]),
    };
    let mut credentials: Credentials = BTreeMap::new();
    let mut problems = Vec::new();
    if entries.is_empty() || entries.len() > ENTRIES_MAX {
        problems.push(whole("invalid_length", "must have 1 to 100 entries"));
    }
    for (name, value) in entries {
        match entry(&name, value) {
            Ok(secret) => {
                credentials.insert(name, secret);
            }
            Err((code, message)) => problems.push(CredentialsProblem {
                pointer: format!("/{}", pointer_token(&name)),
                code,
                message,
            }),
        }
    }
    if problems.is_empty() { Ok(credentials) } else { Err(problems) }
}

fn entry(name: &str, value: Json) -> Result<Secret, (&'static str, &'static str)> {
    // From here on it is wiped, whatever becomes of it.
    let secret = match value {
        Json::String(text) | Json::Number(text) => Secret::new(text),
        other @ (Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_)) => {
            wipe(other);
            return Err(("bad_type", "must be a string or a number"));
        }
    };
    if !is_name(name) {
        return Err((
            "bad_name",
            "a name matches [A-Za-z_][A-Za-z0-9_-]* and has at most 64 characters",
        ));
    }
    match secret.expose().len() {
        0 => Err(("empty", "must not be empty")),
        bytes if bytes > VALUE_BYTES_MAX => Err(("too_long", "must be at most 64 KiB")),
        _ => Ok(secret),
    }
}

/// Wipes every text of a value.
fn wipe(value: Json) {
    match value {
        Json::String(text) | Json::Number(text) => drop(Secret::new(text)),
        Json::Array(items) => items.into_iter().for_each(wipe),
        Json::Object(entries) => entries.into_iter().for_each(|(_, value)| wipe(value)),
        Json::Null | Json::Bool(_) => {}
    }
}

/// Whether a template could name it (BEHAVIOUR B2).
fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    let first = bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    first
        && name.len() <= 64
        && bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Parsed = Result<Vec<(String, String)>, Vec<(String, &'static str)>>;

    fn parse(json: &str) -> Parsed {
        parse_credentials(json.as_bytes())
            .map(|c| c.into_iter().map(|(k, v)| (k, v.expose().to_owned())).collect())
            .map_err(|p| p.into_iter().map(|p| (p.pointer, p.code)).collect())
    }

    #[test]
    fn strings_and_numbers_are_credentials_and_numbers_keep_their_text() {
        let parsed =
            parse(r#"{"Api-Key":"s3cret","_n":12345678901234567890123,"d":1.10}"#).unwrap();
        let expected = [("Api-Key", "s3cret"), ("_n", "12345678901234567890123"), ("d", "1.10")];
        assert_eq!(parsed, expected.map(|(k, v)| (k.to_owned(), v.to_owned())));
    }

    #[test]
    fn everything_else_is_a_problem_with_a_pointer() {
        let problems = parse(r#"{"a":null,"b":true,"c":[],"d":{},"e":"","a b":"x","x/y~":"z"}"#);
        let expected = [
            ("/a", "bad_type"),
            ("/b", "bad_type"),
            ("/c", "bad_type"),
            ("/d", "bad_type"),
            ("/e", "empty"),
            ("/a b", "bad_name"),
            ("/x~1y~0", "bad_name"),
        ];
        assert_eq!(problems, Err(expected.map(|(p, c)| (p.to_owned(), c)).to_vec()));
    }

    #[test]
    fn what_is_no_object_is_a_problem_as_a_whole() {
        for (json, code) in [
            ("", "malformed"),
            ("{", "malformed"),
            (r#"{"a":"1","a":"2"}"#, "malformed"),
            (r#"["a"]"#, "bad_type"),
            (r#""hunter2""#, "bad_type"),
            ("{}", "invalid_length"),
        ] {
            assert_eq!(parse(json), Err(vec![(String::new(), code)]), "{json}");
        }
    }

    #[test]
    fn a_problem_does_not_repeat_the_value() {
        let problems = parse_credentials(br#"{"a":["hunter2-hunter2"]}"#).unwrap_err();
        assert!(!format!("{problems:?}").contains("hunter2"));
    }

    #[test]
    fn too_many_entries_and_too_long_values_are_refused() {
        let long = "x".repeat(VALUE_BYTES_MAX + 1);
        assert_eq!(
            parse(&format!(r#"{{"a":"{long}"}}"#)),
            Err(vec![("/a".to_owned(), "too_long")])
        );
        let many: Vec<String> = (0..=ENTRIES_MAX).map(|i| format!(r#""k{i}":"v""#)).collect();
        let refused = parse(&format!("{{{}}}", many.join(",")));
        assert_eq!(refused, Err(vec![(String::new(), "invalid_length")]));
    }
}
