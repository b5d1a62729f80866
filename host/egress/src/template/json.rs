//! Places in JSON: inside strings that are no keys, and where a number may stand.
//!
//! A small lexer finds the place; whether the whole is JSON is said by the JSON parser, given a
//! probe for each value.

use cordon_model::json::{Json, Shape};

use super::{Reader, Slot};
use crate::target::Fault;

/// Reads a JSON template.
#[derive(Default)]
pub(super) struct JsonReader {
    /// The text so far, with probes.
    probed: String,
    at: At,
    /// The string that was last closed held a value: if `:` follows, it was a key.
    filled_string: bool,
    /// What stood directly before was a value outside a string.
    after_number: bool,
    key_filled: bool,
    number_glued: bool,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum At {
    #[default]
    Outside,
    String,
    /// After a backslash; so many characters of the escape are missing.
    Escape(u8),
}

impl Reader for JsonReader {
    fn literal(&mut self, text: &str) {
        for c in text.chars() {
            self.probed.push(c);
            self.at = match (self.at, c) {
                (At::Outside, c) => self.outside(c),
                (At::String, '"') => At::Outside,
                (At::String, '\\') => At::Escape(1),
                (At::Escape(1), 'u') if self.probed.ends_with("\\u") => At::Escape(4),
                (At::Escape(1), _) => At::String,
                (At::Escape(missing), _) => At::Escape(missing.saturating_sub(1)),
                (At::String, _) => At::String,
            };
        }
    }

    fn value(&mut self) -> Result<Slot, Fault> {
        match self.at {
            At::String => {
                self.filled_string = true;
                self.probed.push('x');
                Ok(Slot::JsonString)
            }
            At::Escape(_) => {
                Err(("partial_escape", "a placeholder must not stand inside an escape sequence"))
            }
            At::Outside => {
                let before = self.probed.chars().next_back();
                if before.is_some_and(|c| !c.is_ascii_whitespace() && !matches!(c, ':' | ',' | '['))
                {
                    self.number_glued = true;
                }
                self.after_number = true;
                self.filled_string = false;
                self.probed.push('0');
                Ok(Slot::JsonNumber)
            }
        }
    }

    fn finish(self) -> Result<(), Vec<Fault>> {
        let mut faults: Vec<Fault> = Vec::new();
        if self.key_filled {
            faults.push(("placeholder_in_name", "a placeholder must not stand in a key"));
        }
        if self.number_glued {
            faults.push((
                "json_number",
                "a placeholder outside a string stands alone: it is a whole number",
            ));
        }
        if let Err(error) = Json::parse(self.probed.as_bytes(), Shape::Object) {
            match error.found {
                Shape::DuplicateKey => {
                    faults.push((
                        "json_duplicate_key",
                        "the body holds an object with the same key twice",
                    ));
                }
                Shape::NotJson | Shape::TooDeep => faults.push(NOT_JSON),
                _ => {}
            }
        }
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }
}

const NOT_JSON: Fault = (
    "body_not_json",
    "the body is not JSON once its placeholders are filled in; literal braces are written {{ and }}",
);

impl JsonReader {
    fn outside(&mut self, c: char) -> At {
        if self.after_number && !c.is_ascii_whitespace() && !matches!(c, ',' | ']' | '}') {
            self.number_glued = true;
        }
        self.after_number = false;
        if c == ':' && self.filled_string {
            self.key_filled = true;
        }
        if !c.is_ascii_whitespace() {
            self.filled_string = false;
        }
        if c == '"' { At::String } else { At::Outside }
    }
}
