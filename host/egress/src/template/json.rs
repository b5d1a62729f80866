//! Places in JSON: inside strings that are no keys, and where a number may stand.
//!
//! A small lexer finds the place; whether the whole is JSON is said by the JSON parser, given a
//! probe for each value.

use cordon_model::json::{Json, Shape};

use super::{Placed, Reader, Slot};
use crate::target::Fault;

/// Reads a JSON template.
#[derive(Default)]
pub(super) struct JsonReader {
    /// The text so far, with probes.
    probed: String,
    at: At,
    /// The string that was last closed held this value: if `:` follows, it was a key.
    filled_string: Option<Probe>,
    /// What stood directly before was this value, outside a string.
    after_number: Option<Probe>,
    key_filled: Option<Probe>,
    number_glued: Option<Probe>,
}

/// Where a value's probe stands: bytes before it.
type Probe = usize;

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum At {
    #[default]
    Outside,
    String,
    /// After a backslash; so many characters of the escape are missing.
    Escape(u8),
}

impl Reader for JsonReader {
    fn literal(&mut self, c: char) -> Result<(), Fault> {
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
        Ok(())
    }

    fn value(&mut self) -> Result<Slot, Fault> {
        let here = self.probed.len();
        match self.at {
            At::String => {
                self.filled_string = self.filled_string.or(Some(here));
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
                    self.number_glued = self.number_glued.or(Some(here));
                }
                self.after_number = Some(here);
                self.filled_string = None;
                self.probed.push('0');
                Ok(Slot::JsonNumber)
            }
        }
    }

    fn finish(self) -> Vec<Placed> {
        let mut faults = Vec::new();
        let mut add = |fault: Fault, bytes: usize| {
            // A probe is one character, so that characters of the probed text are those of the
            // composed one.
            let at = self.probed.get(..bytes).map(|before| before.chars().count());
            faults.push((fault, at));
        };
        if let Some(probe) = self.key_filled {
            add(("placeholder_in_name", "a placeholder must not stand in a key"), probe);
        }
        if let Some(probe) = self.number_glued {
            add(NUMBER, probe);
        }
        if let Err(error) = Json::parse(self.probed.as_bytes(), Shape::Object) {
            let offset = usize::try_from(error.offset).unwrap_or(usize::MAX);
            match error.found {
                Shape::DuplicateKey => add(DUPLICATE_KEY, offset),
                Shape::NotJson | Shape::TooDeep => add(NOT_JSON, offset),
                _ => {}
            }
        }
        faults
    }
}

const NUMBER: Fault =
    ("json_number", "a placeholder outside a string stands alone: it is a whole number");

const DUPLICATE_KEY: Fault =
    ("json_duplicate_key", "the body holds an object with the same key twice");

const NOT_JSON: Fault = (
    "body_not_json",
    "the body is not JSON once its placeholders are filled in; literal braces are written {{ and }}",
);

impl JsonReader {
    fn outside(&mut self, c: char) -> At {
        let number = self.after_number.take();
        if !c.is_ascii_whitespace() && !matches!(c, ',' | ']' | '}') {
            self.number_glued = self.number_glued.or(number);
        }
        if c == ':' {
            self.key_filled = self.key_filled.or(self.filled_string);
        }
        if !c.is_ascii_whitespace() {
            self.filled_string = None;
        }
        if c == '"' { At::String } else { At::Outside }
    }
}
