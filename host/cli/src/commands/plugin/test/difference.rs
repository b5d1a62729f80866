//! What a cassette says against what happened, in lines for a person. Holds names in place of
//! identities and secrets.

use serde_json::{Value, json};

/// One thing that is not as the cassette says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mismatch {
    /// JSON pointer into the cassette.
    pub(super) pointer: String,
    /// What is wrong, in a sentence.
    pub(super) message: String,
    /// What differs: the part, what the cassette holds, what came instead.
    pub(super) parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) name: String,
    /// None: nothing.
    pub(super) expected: Option<String>,
    /// None: nothing.
    pub(super) actual: Option<String>,
}

impl Mismatch {
    pub(super) fn new(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), message: message.into(), parts: Vec::new() }
    }

    /// The same, with a part that differs; nothing where it does not.
    pub(super) fn compare(
        mut self,
        name: impl Into<String>,
        expected: Option<String>,
        actual: Option<String>,
    ) -> Self {
        if expected != actual {
            self.parts.push(Part { name: name.into(), expected, actual });
        }
        self
    }

    /// As lines: where and what, then each part as in a patch.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("{}: {}", self.pointer, self.message)];
        for part in &self.parts {
            lines.push(format!("    {}", part.name));
            for (sign, side) in [('-', &part.expected), ('+', &part.actual)] {
                let lines_of = side.iter().flat_map(|text| text.lines());
                lines.extend(lines_of.map(|line| format!("      {sign} {line}")));
            }
        }
        lines
    }

    pub(super) fn to_json(&self) -> Value {
        let parts = self.parts.iter().map(
            |part| json!({ "part": part.name, "expected": part.expected, "actual": part.actual }),
        );
        json!({
            "pointer": self.pointer,
            "message": self.message,
            "parts": parts.collect::<Vec<_>>(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_shown() {
        let text = |text: &str| Some(text.to_owned());
        let mismatch = Mismatch::new("/segments/0", "another request was sent")
            .compare("method", text("GET"), text("GET"))
            .compare("url", text("https://a/{email}"), text("https://b/{email}"))
            .compare("body", None, text("x"));
        let expected = [
            "/segments/0: another request was sent",
            "    url",
            "      - https://a/{email}",
            "      + https://b/{email}",
            "    body",
            "      + x",
        ];
        assert_eq!(mismatch.lines(), expected);
    }
}
