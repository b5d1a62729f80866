//! Credentials as a person writes them: a flat JSON object of strings or numbers.
//!
//! Called by the API when secrets are stored, and by providers that hold JSON. Knows nothing of
//! where the text came from.

use cordon_model::Secret;
use cordon_model::secret::Credentials;
use serde_json::{Map, Value};

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

/// Reads credentials. A number keeps its JSON text.
///
/// # Errors
/// Every entry that is no credential.
pub fn parse_credentials(
    object: &Map<String, Value>,
) -> Result<Credentials, Vec<CredentialsProblem>> {
    let mut credentials = Credentials::new();
    let mut problems = Vec::new();
    if object.len() > ENTRIES_MAX {
        problems.push(CredentialsProblem {
            pointer: String::new(),
            code: "too_many",
            message: "at most 100 entries",
        });
    }
    for (name, value) in object {
        match entry(name, value) {
            Ok(secret) => {
                credentials.insert(name.clone(), secret);
            }
            Err((code, message)) => problems.push(CredentialsProblem {
                pointer: format!("/{}", name.replace('~', "~0").replace('/', "~1")),
                code,
                message,
            }),
        }
    }
    if problems.is_empty() { Ok(credentials) } else { Err(problems) }
}

fn entry(name: &str, value: &Value) -> Result<Secret, (&'static str, &'static str)> {
    if !is_name(name) {
        return Err((
            "bad_name",
            "a name matches [A-Za-z_][A-Za-z0-9_-]* and has at most 64 characters",
        ));
    }
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
            return Err(("bad_type", "must be a string or a number"));
        }
    };
    if text.is_empty() {
        return Err(("empty", "must not be empty"));
    }
    if text.len() > VALUE_BYTES_MAX {
        return Err(("too_long", "must be at most 64 KiB"));
    }
    Ok(Secret::new(text))
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
        let object: Map<String, Value> = serde_json::from_str(json).unwrap();
        parse_credentials(&object)
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
    fn a_problem_does_not_repeat_the_value() {
        let object: Map<String, Value> =
            serde_json::from_str(r#"{"a":["hunter2-hunter2"]}"#).unwrap();
        let problems = parse_credentials(&object).unwrap_err();
        assert!(!format!("{problems:?}").contains("hunter2"));
    }

    #[test]
    fn too_many_entries_and_too_long_values_are_refused() {
        let long = "x".repeat(VALUE_BYTES_MAX + 1);
        assert_eq!(
            parse(&format!(r#"{{"a":"{long}"}}"#)),
            Err(vec![("/a".to_owned(), "too_long")])
        );
        let many: Map<String, Value> =
            (0..=ENTRIES_MAX).map(|i| (format!("k{i}"), Value::from("v"))).collect();
        assert_eq!(parse_credentials(&many).unwrap_err()[0].code, "too_many");
    }
}
