//! What a cassette says against what happened, in lines for a person. Holds names in place of
//! identities and secrets.

use serde_json::{Value, json};

use super::document;

/// Lines of one part that are shown; all of it stands in the JSON.
const LINES_MAX: usize = 80;

/// One thing that is not as the cassette says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mismatch {
    /// JSON pointer into the cassette.
    pub(super) pointer: String,
    /// What is wrong, in a sentence.
    pub(super) message: String,
    /// What differs: the part, what the cassette holds, what came instead.
    pub(super) parts: Vec<Part>,
    /// Why the run failed, in a sentence; none: it did not.
    pub(super) failure: Option<String>,
    /// What the connector logged in that run.
    pub(super) log: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) name: String,
    /// None: nothing.
    pub(super) expected: Option<String>,
    /// None: nothing.
    pub(super) actual: Option<String>,
    /// The lines for a person.
    lines: Vec<String>,
}

impl Mismatch {
    pub(super) fn new(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        let (pointer, message) = (pointer.into(), message.into());
        Self { pointer, message, parts: Vec::new(), failure: None, log: Vec::new() }
    }

    /// The same, with a text that differs; nothing where it does not.
    pub(super) fn compare(
        mut self,
        name: impl Into<String>,
        expected: Option<String>,
        actual: Option<String>,
    ) -> Self {
        if expected != actual {
            let name = name.into();
            let mut lines = vec![name.clone()];
            for (sign, side) in [('-', &expected), ('+', &actual)] {
                let lines_of = side.iter().flat_map(|text| text.lines());
                lines.extend(lines_of.map(|line| format!("  {sign} {line}")));
            }
            self.parts.push(Part { name, expected, actual, lines });
        }
        self
    }

    /// The same, with a document that differs; nothing where it does not.
    pub(super) fn compare_documents(
        mut self,
        name: impl Into<String>,
        expected: &Value,
        actual: &Value,
    ) -> Self {
        let name = name.into();
        let mut lines = Vec::new();
        for change in document::changes(expected, actual) {
            lines.push(format!("{name}{}", change.pointer));
            lines.extend(change.lines.into_iter().map(|line| format!("  {line}")));
        }
        if !lines.is_empty() {
            let [expected, actual] = [expected, actual].map(|side| Some(format!("{side:#}")));
            self.parts.push(Part { name, expected, actual, lines });
        }
        self
    }

    /// The same, with two documents that are not of one kind: their lines say nothing more, but
    /// the JSON holds them.
    pub(super) fn compare_kinds(
        mut self,
        name: impl Into<String>,
        [old, new]: [String; 2],
        documents: [&Value; 2],
    ) -> Self {
        let name = name.into();
        let lines = vec![name.clone(), format!("  - {old}"), format!("  + {new}")];
        let [expected, actual] = documents.map(|side| Some(format!("{side:#}")));
        self.parts.push(Part { name, expected, actual, lines });
        self
    }

    /// The same, with why the run failed.
    pub(super) fn failed(mut self, why: Option<String>) -> Self {
        self.failure = why;
        self
    }

    /// The same, with what the connector logged.
    pub(super) fn logged(mut self, log: Vec<String>) -> Self {
        self.log = log;
        self
    }

    /// As lines: the cause where there is one, where and what, each part as in a patch, and at
    /// last what the connector logged.
    pub(super) fn lines(&self) -> Vec<String> {
        let cause = self.failure.iter().map(|why| format!("the run failed: {why}"));
        let mut lines: Vec<_> = cause.collect();
        lines.push(format!("{}: {}", self.pointer, self.message));
        for part in &self.parts {
            lines.extend(part.lines.iter().take(LINES_MAX).map(|line| format!("    {line}")));
            let more = part.lines.len().saturating_sub(LINES_MAX);
            if more > 0 {
                lines.push(format!(
                    "    and {more} lines more; cordon plugin test --json holds them all"
                ));
            }
        }
        if !self.log.is_empty() {
            lines.push("    the connector logged".to_owned());
            lines.extend(self.log.iter().map(|line| format!("      {line}")));
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
            "failure": self.failure,
            "log": self.log,
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
            .compare("header x", None, text("x"))
            .compare_documents("query", &json!({ "a": 1 }), &json!({ "a": 1 }))
            .compare_documents("body", &json!({ "to": "{email}" }), &json!({ "to": "b" }))
            .failed(text("query_failed: unexpected status 401"))
            .logged(vec!["info: asked twice".to_owned()]);
        let expected = [
            "the run failed: query_failed: unexpected status 401",
            "/segments/0: another request was sent",
            "    url",
            "      - https://a/{email}",
            "      + https://b/{email}",
            "    header x",
            "      + x",
            "    body/to",
            "        {",
            "      -   \"to\": \"{email}\"",
            "      +   \"to\": \"b\"",
            "        }",
            "    the connector logged",
            "      info: asked twice",
        ];
        assert_eq!(mismatch.lines(), expected);
    }

    #[test]
    fn documents_of_two_kinds_are_told_by_their_kinds_and_held_by_the_json() {
        let kinds = ["records", "failed with timeout"].map(str::to_owned);
        let mismatch = Mismatch::new("/segments/0/expect", "the run came to something else");
        let (old, new) = (json!({ "records": [[1, 2]] }), json!({ "outcome": "failed" }));
        let mismatch = mismatch.compare_kinds("expect", kinds, [&old, &new]);
        let expected = [
            "/segments/0/expect: the run came to something else",
            "    expect",
            "      - records",
            "      + failed with timeout",
        ];
        assert_eq!(mismatch.lines(), expected);
        assert_eq!(mismatch.to_json()["parts"][0]["expected"], format!("{old:#}"));
    }

    #[test]
    fn a_long_difference_is_cut_and_said_to_be() {
        let [old, new] = [0, 1].map(|n| Value::from(vec![n; 100]));
        let lines = Mismatch::new("/x", "differs").compare_documents("body", &old, &new).lines();
        assert_eq!(lines.len(), LINES_MAX + 2);
        assert_eq!(
            lines.last().unwrap(),
            "    and 123 lines more; cordon plugin test --json holds them all"
        );
    }
}
