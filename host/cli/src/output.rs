//! What a command prints: the API's JSON as it is, or a view for people.
//!
//! Deliberately the only module that writes to standard output. Text of the server is made
//! harmless for a terminal first. A view is made by the commands; here it is only laid out.

pub mod screen;

use std::io::{self, Write as _};

use bytes::Bytes;
use serde_json::Value;

use crate::client::{Answer, Refused};

/// Where and how a command prints.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    /// The API's JSON instead of a view.
    pub json: bool,
}

/// What a person is shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct View {
    lines: Vec<String>,
}

impl View {
    /// One line.
    pub fn line(text: impl Into<String>) -> Self {
        Self::default().and_line(text)
    }

    /// One more line.
    #[must_use]
    pub fn and_line(mut self, text: impl Into<String>) -> Self {
        self.lines.push(harmless(&text.into()));
        self
    }

    /// Another view below this one.
    #[must_use]
    pub fn and(mut self, below: Self) -> Self {
        self.lines.extend(below.lines);
        self
    }

    /// Names and values, one a line. Those without a value are left out.
    pub fn fields<'a>(fields: impl IntoIterator<Item = (&'a str, String)>) -> Self {
        let fields: Vec<_> = fields.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        let width = fields.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        let lines = fields.iter().map(|(name, value)| harmless(&format!("{name:width$}  {value}")));
        Self { lines: lines.collect() }
    }

    /// Rows below a head, in columns as wide as their widest cell.
    pub fn table<const N: usize>(head: [&str; N], rows: Vec<[String; N]>) -> Self {
        Self::columns(std::iter::once(head.map(str::to_owned)).chain(rows))
    }

    /// Rows, in columns as wide as their widest cell.
    pub fn columns<const N: usize>(rows: impl IntoIterator<Item = [String; N]>) -> Self {
        let rows: Vec<[String; N]> =
            rows.into_iter().map(|row| row.map(|cell| harmless(&cell))).collect();
        let mut widths = [0; N];
        for row in &rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let lines = rows.iter().map(|row| {
            let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        });
        Self { lines: lines.collect() }
    }

    /// The lines as they are printed.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }
}

impl Output {
    /// What the API answered, or the view made of it.
    ///
    /// # Errors
    /// When the answer is no JSON, or cannot be written.
    pub fn answer(self, answer: &Answer, view: impl FnOnce(&Value) -> View) -> anyhow::Result<()> {
        if self.json {
            return self.raw(&answer.body);
        }
        // An answer without a body has nothing to show but that it was one.
        let value = if answer.body.is_empty() { Value::Null } else { answer.json()? };
        self.view(&view(&value))
    }

    /// A view, whatever the form; for what has no JSON.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn view(self, view: &View) -> anyhow::Result<()> {
        let mut text = view.lines.join("\n");
        if !text.is_empty() {
            text.push('\n');
        }
        write(text.as_bytes())
    }

    /// Standard output itself, for a command that tells a story while it goes on.
    pub fn stream(self) -> impl io::Write + Send {
        io::stdout()
    }

    /// Bytes as they are, and the end of the line.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn raw(self, bytes: &Bytes) -> anyhow::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        write(bytes)?;
        if bytes.ends_with(b"\n") { Ok(()) } else { write(b"\n") }
    }

    /// Why a command failed: the API's problem as JSON on standard output when JSON was asked
    /// for, everything else in lines on standard error.
    pub fn failure(self, error: &anyhow::Error) {
        let refused = error.downcast_ref::<Refused>();
        if let (true, Some(refused)) = (self.json, refused)
            && self.raw(&refused.body).is_ok()
        {
            return;
        }
        let lines = match refused {
            Some(refused) => problem_lines(refused),
            None => vec![format!("error: {error:#}")],
        };
        for line in lines {
            note(&line);
        }
    }
}

/// A line for the person at the terminal, beside the output: on standard error.
#[expect(clippy::print_stderr, reason = "the one place where the program speaks to a person")]
pub fn note(line: &str) {
    // Lines of an error are its own; everything else that moves a cursor is not.
    let lines: Vec<String> = line.lines().map(harmless).collect();
    eprintln!("{}", lines.join("\n"));
}

/// The problem that the API answered: what is wrong, then each place with its remedy.
pub fn problem_lines(refused: &Refused) -> Vec<String> {
    let Ok(problem) = serde_json::from_slice::<Value>(&refused.body) else {
        return vec![format!("error: the server answered {}", refused.status)];
    };
    let title = text(&problem, "detail").or_else(|| text(&problem, "title"));
    let title = title.unwrap_or_else(|| "the server refused".to_owned());
    let title = by_command(&title);
    let code = text(&problem, "code").unwrap_or_default();
    let mut lines = vec![format!("error: {title} ({code})")];
    lines.extend(remedy(&code, refused.without_key).map(|remedy| format!("  {remedy}")));
    lines.extend(items(&problem, "errors").map(|error| format!("  {}", problem_line(error))));
    lines
}

/// What the API cannot know: how the command line says it.
fn remedy(code: &str, without_key: bool) -> Option<&'static str> {
    match code {
        "unauthenticated" if without_key => Some(
            "none was given, and this directory has no cordon-data/operator.key of a host on this \
             machine; give one with --key-file, CORDON_KEY_FILE or CORDON_KEY",
        ),
        "unauthenticated" => Some("give one with --key-file, CORDON_KEY_FILE or CORDON_KEY"),
        "tenant_required" => Some("name it with --tenant or CORDON_TENANT"),
        _ => None,
    }
}

/// One problem of something a person wrote, in a line.
pub fn problem_line(problem: &Value) -> String {
    let place = text(problem, "pointer").or_else(|| text(problem, "parameter"));
    let place = place.filter(|place| !place.is_empty());
    let column = text(problem, "column").map(|column| format!(", column {column}"));
    let warning = text(problem, "severity").is_some_and(|severity| severity == "warning");
    let message = text(problem, "detail").or_else(|| text(problem, "message")).unwrap_or_default();
    let message = by_command(&message);
    format!(
        "{}{}{}{message}",
        place.unwrap_or_default(),
        column.unwrap_or_default(),
        if warning { ": warning: " } else { ": " },
    )
    .trim_start_matches(": ")
    .to_owned()
}

/// A sentence of the API that names a command and, after it, the call which does the same: without
/// the call, whose body is long and says nothing that `grants show` does not.
pub fn by_command(detail: &str) -> &str {
    detail.split_once(", or PUT /v1/").map_or(detail, |(command, _)| command)
}

/// A scalar member of an object, as text; none when it is absent, null or not a scalar.
pub fn text(object: &Value, name: &str) -> Option<String> {
    scalar(object.get(name)?)
}

/// The members of a list of an object; none when there is no such list.
pub fn items<'v>(object: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    object.get(name).and_then(Value::as_array).into_iter().flatten()
}

/// The scalars of a list of an object, in one cell.
pub fn joined(object: &Value, name: &str) -> String {
    items(object, name).filter_map(scalar).collect::<Vec<_>>().join(", ")
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Without what would move the cursor, color the screen or turn the direction of the text.
fn harmless(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|c| if c.is_control() || turns(c) { '\u{fffd}' } else { c }).collect()
}

fn write(bytes: &[u8]) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        // Whoever read has read enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refused(body: &Value) -> Refused {
        Refused { status: 422, body: Bytes::from(body.to_string()), without_key: false }
    }

    #[test]
    fn a_problem_is_shown_with_every_place_and_remedy() {
        let body = json!({
            "status": 422, "code": "invalid", "title": "Invalid", "detail": "what was sent has problems",
            "errors": [
                {"code": "x", "pointer": "/queries/test/0/url", "column": 9, "detail": "a"},
                {"code": "x", "parameter": "limit", "detail": "b"},
                {"code": "x", "pointer": "", "detail": "c"},
            ],
        });
        let lines = problem_lines(&refused(&body));
        let expected = [
            "error: what was sent has problems (invalid)",
            "  /queries/test/0/url, column 9: a",
            "  limit: b",
            "  c",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn what_the_command_line_can_do_about_a_problem_is_said() {
        let body = json!({"code": "tenant_required", "title": "Bad Request", "detail": "which?"});
        let expected =
            ["error: which? (tenant_required)", "  name it with --tenant or CORDON_TENANT"];
        assert_eq!(problem_lines(&refused(&body)), expected);
    }

    #[test]
    fn who_gave_no_key_is_told_where_it_was_looked_for() {
        let body = json!({"code": "unauthenticated", "detail": "a valid API key is required"});
        let [wrong, missing] =
            [false, true].map(|without_key| Refused { without_key, ..refused(&body) });
        let [wrong, missing] = [wrong, missing].map(|refused| problem_lines(&refused).join("\n"));
        assert!(!wrong.contains("operator.key"), "{wrong}");
        assert!(missing.contains("no cordon-data/operator.key"), "{missing}");
    }

    #[test]
    fn of_a_command_and_a_call_that_do_the_same_the_command_is_shown() {
        let detail = "to grant: cordon connection grants approve crm, or PUT \
                      /v1/connections/crm/grants {\"http\":[]}";
        let line = problem_line(&json!({ "detail": detail }));
        assert_eq!(line, "to grant: cordon connection grants approve crm");
        assert_eq!(by_command("store them with PUT /v1/x"), "store them with PUT /v1/x");
    }

    #[test]
    fn an_answer_that_is_no_problem_is_told_by_its_status() {
        let body = Bytes::from_static(b"<html>");
        let refused = Refused { status: 502, body, without_key: false };
        assert_eq!(problem_lines(&refused), ["error: the server answered 502"]);
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_and_nothing_moves_the_cursor() {
        let rows =
            vec![["crm".to_owned(), "\u{1b}[2Jx".to_owned()], ["ä".to_owned(), "y".to_owned()]];
        let view = View::table(["KEY", "NAME"], rows);
        assert_eq!(view.lines(), ["KEY  NAME", "crm  \u{fffd}[2Jx", "ä    y"]);
    }

    #[test]
    fn fields_without_a_value_are_left_out() {
        let view = View::fields([("id", "1".to_owned()), ("policy", String::new())]);
        assert_eq!(view.lines(), ["id  1"]);
    }
}
