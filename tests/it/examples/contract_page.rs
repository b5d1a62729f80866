//! Keeps `docs/connector-contract.md` what `wit/connector.wit` says: the page is the comments and
//! declarations of that file, and nothing that a person has to remember.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

const WIT: &str = include_str!("../../../wit/connector.wit");

/// The variable by which every snapshot of these tests is refreshed.
const REFRESH: &str = "INSTA_UPDATE";

const HEAD: &str = "# The contract with a connector\n\n\
    The reference of `cordon:connector@0.1.0`, made from the comments of `wit/connector.wit`; do not edit it here. A way in is \
    [writing a connector](writing-a-connector.md).\n";

#[test]
fn the_page_of_the_contract_is_what_the_contract_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let page = root.join("docs/connector-contract.md");
    let rendered = render(WIT);
    if std::env::var_os(REFRESH).is_some_and(|value| value == "always") {
        fs::write(&page, &rendered).unwrap();
    }
    let written = fs::read_to_string(&page).unwrap_or_default();
    assert!(
        written == rendered,
        "docs/connector-contract.md is out of date; refresh it with\n    \
         {REFRESH}=always cargo test -p cordon-tests --test it contract_page"
    );
}

/// Markdown of a WIT file that is laid out like ours: comments before what they are about, one
/// item or member on each line, `}` alone.
fn render(wit: &str) -> String {
    let mut page = Page { text: HEAD.to_owned(), ..Page::default() };
    for line in wit.lines() {
        page.take(line.trim());
    }
    assert_eq!((page.depth, page.comment.len()), (0, 0), "the file ends within something");
    page.text
}

#[derive(Default)]
struct Page {
    text: String,
    comment: Vec<String>,
    /// In how many braces.
    depth: usize,
    /// Whether a member of the same item was written last.
    listing: bool,
}

impl Page {
    fn take(&mut self, line: &str) {
        if let Some(comment) = line.strip_prefix("///") {
            self.comment.push(comment.strip_prefix(' ').unwrap_or(comment).to_owned());
        } else if line == "}" {
            self.depth -= 1;
        } else if !line.is_empty() {
            let opened = line.strip_suffix('{').map(str::trim_end);
            let declared = opened.unwrap_or(line).trim_end_matches([';', ',']);
            self.declare(declared);
            self.depth += usize::from(opened.is_some());
        }
    }

    fn declare(&mut self, declared: &str) {
        let comment = std::mem::take(&mut self.comment);
        let prose = comment.join("\n");
        let gap = if std::mem::replace(&mut self.listing, self.depth > 1) { "" } else { "\n" };
        let done = match (self.depth, comment.is_empty()) {
            (0, _) if declared.starts_with("package ") => write!(self.text, "\n{prose}\n"),
            (0, _) => write!(self.text, "\n## `{declared}`\n\n{prose}\n"),
            // What an interface uses of another one, or a world imports, explains itself.
            (1, true) => write!(self.text, "\n`{declared}`\n"),
            (1, false) => {
                write!(self.text, "\n### `{}`\n\n{}{prose}\n", name(declared), code(declared))
            }
            (_, _) => writeln!(self.text, "{gap}- `{declared}`: {}", comment.join(" ")),
        };
        done.unwrap();
    }
}

/// What an item is called: `send` of a function, `record body` of a type.
fn name(declared: &str) -> &str {
    let end = declared.find([':', '=', '{']).unwrap_or(declared.len());
    declared[..end].trim_end()
}

/// The declaration in full, where the name is not all of it.
fn code(declared: &str) -> String {
    if name(declared) == declared { String::new() } else { format!("```wit\n{declared}\n```\n\n") }
}

#[test]
fn a_page_is_made_of_comments_and_declarations() {
    let wit = "/// All of it.\npackage a:b@0.1.0;\n\n/// One.\ninterface one {\n  use two.{x};\n\n  \
               /// A thing.\n  record thing {\n    /// Its size,\n    /// in bytes.\n    size: u64,\n    \
               /// Its age.\n    age: u8,\n  }\n\n  /// Does it.\n  do: func(it: thing) -> bool;\n}\n";
    assert_eq!(
        render(wit).strip_prefix(HEAD).unwrap(),
        "\nAll of it.\n\n## `interface one`\n\nOne.\n\n`use two.{x}`\n\n### `record thing`\n\nA thing.\n\n\
         - `size: u64`: Its size, in bytes.\n- `age: u8`: Its age.\n\n### `do`\n\n```wit\ndo: func(it: thing) -> bool\n```\n\n\
         Does it.\n"
    );
}
