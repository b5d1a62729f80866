//! Templates: `{name}` stands for a value, `{{` and `}}` for braces (BEHAVIOUR B1, B2).
//!
//! One pass from left to right, so `{{{email}}}` is a brace, a value and a brace. Nothing is
//! looked up or filled in here; the pieces go to the host as they are. Called for the URL, each
//! header and the body of a query.

use std::iter::{Enumerate, Peekable};
use std::str::Chars;

use cordon_connector_sdk::handles::{Piece, Text};

/// What is wrong in a template, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TemplateError {
    /// 1-based, in characters.
    pub(crate) column: u32,
    /// What.
    pub(crate) fault: Fault,
}

/// What can be wrong in a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A `{` that no `}` closes.
    Unclosed,
    /// A `}` that closes nothing.
    LoneClosing,
    /// `{}`
    Empty,
    /// A format spec, a conversion, an index or an attribute.
    Format,
    /// A character that stands in no name, or not at its start.
    BadName,
}

impl Fault {
    /// The fault and its remedy, for the person who wrote the template.
    pub(crate) const fn message(self) -> &'static str {
        match self {
            Self::Unclosed => "This brace is never closed; write {{ for a literal brace.",
            Self::LoneClosing => "This brace closes nothing; write }} for a literal brace.",
            Self::Empty => "There is no name between these braces; write {{}} for literal braces.",
            Self::Format => {
                "Only a plain name may stand between braces: no format, conversion, index or \
                 attribute."
            }
            Self::BadName => {
                "A name between braces starts with a letter or '_' and goes on with letters, \
                 digits, '_' and '-'; write {{ and }} for literal braces."
            }
        }
    }
}

/// Reads a template. Neighboring literals are one piece.
///
/// # Errors
/// Every fault in it.
pub(crate) fn parse(template: &str) -> Result<Text, Vec<TemplateError>> {
    let mut parser = Parser {
        chars: template.chars().enumerate().peekable(),
        pieces: Vec::new(),
        literal: String::new(),
        errors: Vec::new(),
    };
    parser.read();
    if parser.errors.is_empty() { Ok(parser.pieces) } else { Err(parser.errors) }
}

struct Parser<'t> {
    chars: Peekable<Enumerate<Chars<'t>>>,
    pieces: Text,
    /// Not yet a piece.
    literal: String,
    errors: Vec<TemplateError>,
}

impl Parser<'_> {
    fn read(&mut self) {
        while let Some((at, c)) = self.chars.next() {
            match c {
                '{' | '}' if self.chars.next_if(|(_, next)| *next == c).is_some() => {
                    self.literal.push(c);
                }
                '{' => self.placeholder(at),
                '}' => self.fault(at, Fault::LoneClosing),
                c => self.literal.push(c),
            }
        }
        self.end_literal();
    }

    /// Reads a name and its closing brace; the opening one stood at `opening`. After a fault it
    /// goes on behind the closing brace, or before the next opening one, to find further faults.
    fn placeholder(&mut self, opening: usize) {
        let mut name = String::new();
        let mut fault = None;
        while let Some((at, c)) = self.chars.next_if(|(_, c)| *c != '{') {
            match c {
                '}' => {
                    match fault {
                        Some((at, fault)) => self.fault(at, fault),
                        None if name.is_empty() => self.fault(opening, Fault::Empty),
                        None => {
                            self.end_literal();
                            self.pieces.push(Piece::Placeholder(name));
                        }
                    }
                    return;
                }
                c if fault.is_none() && !may_stand_in_name(&name, c) => {
                    let is_format = !name.is_empty() && matches!(c, '!' | ':' | '.' | '[');
                    fault = Some((at, if is_format { Fault::Format } else { Fault::BadName }));
                }
                c => name.push(c),
            }
        }
        match fault {
            Some((at, fault)) => self.fault(at, fault),
            None => self.fault(opening, Fault::Unclosed),
        }
    }

    fn end_literal(&mut self) {
        if !self.literal.is_empty() {
            self.pieces.push(Piece::Literal(std::mem::take(&mut self.literal)));
        }
    }

    fn fault(&mut self, at: usize, fault: Fault) {
        let column = u32::try_from(at).unwrap_or(u32::MAX).saturating_add(1);
        self.errors.push(TemplateError { column, fault });
    }
}

fn may_stand_in_name(name: &str, c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_' || (!name.is_empty() && (c.is_ascii_digit() || c == '-'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lit(text: &str) -> Piece {
        Piece::Literal(text.to_owned())
    }

    fn name(text: &str) -> Piece {
        Piece::Placeholder(text.to_owned())
    }

    fn faults(template: &str) -> Vec<(u32, Fault)> {
        let errors = parse(template).expect_err("the template is malformed");
        errors.iter().map(|error| (error.column, error.fault)).collect()
    }

    #[test]
    fn the_body_of_the_seed_is_an_object_around_a_value() {
        assert_eq!(
            parse(r#"{{"email": "{email}"}}"#).unwrap(),
            [lit(r#"{"email": ""#), name("email"), lit(r#""}"#)]
        );
    }

    #[test]
    fn triple_braces_are_a_brace_around_a_value() {
        assert_eq!(parse("{{{email}}}").unwrap(), [lit("{"), name("email"), lit("}")]);
        assert_eq!(parse("{id}}}").unwrap(), [name("id"), lit("}")]);
        assert_eq!(
            parse(r#"{{"a": {TargetUserId}}}"#).unwrap(),
            [lit(r#"{"a": "#), name("TargetUserId"), lit("}")]
        );
    }

    #[test]
    fn a_name_is_one_plain_key_hyphens_included() {
        assert_eq!(parse("{Api-Key}").unwrap(), [name("Api-Key")]);
        assert_eq!(parse("{_a1}{b}").unwrap(), [name("_a1"), name("b")]);
        assert_eq!(parse("").unwrap(), []);
        assert_eq!(parse("{{}}").unwrap(), [lit("{}")]);
    }

    #[test]
    fn every_malformed_template_is_refused_with_its_column() {
        assert_eq!(faults("{a!r}"), [(3, Fault::Format)]);
        assert_eq!(faults("{a:>9}"), [(3, Fault::Format)]);
        assert_eq!(faults("{a[0]}"), [(3, Fault::Format)]);
        assert_eq!(faults("{a.b}"), [(3, Fault::Format)]);
        assert_eq!(faults("ab{}"), [(3, Fault::Empty)]);
        assert_eq!(faults("{0}"), [(2, Fault::BadName)]);
        assert_eq!(faults("{ a }"), [(2, Fault::BadName)]);
        assert_eq!(faults("{-a}"), [(2, Fault::BadName)]);
        assert_eq!(faults("{é}"), [(2, Fault::BadName)]);
        assert_eq!(faults("x{email"), [(2, Fault::Unclosed)]);
        assert_eq!(faults("{"), [(1, Fault::Unclosed)]);
        assert_eq!(faults("x}"), [(2, Fault::LoneClosing)]);
        assert_eq!(faults("{a}}"), [(4, Fault::LoneClosing)]);
    }

    #[test]
    fn columns_count_characters_and_every_fault_is_found() {
        assert_eq!(
            faults("Zoë: {}, {a.b} }"),
            [(6, Fault::Empty), (12, Fault::Format), (16, Fault::LoneClosing)]
        );
        assert_eq!(
            faults(r#"{"email": "{email}"}"#),
            [(2, Fault::BadName), (20, Fault::LoneClosing)]
        );
        assert_eq!(faults("{a{b}"), [(1, Fault::Unclosed)]);
    }

    fn any_piece() -> impl Strategy<Value = Piece> {
        prop_oneof![
            ".{1,8}".prop_map(Piece::Literal),
            "[A-Za-z_][A-Za-z0-9_-]{0,8}".prop_map(Piece::Placeholder),
        ]
    }

    fn write(pieces: &[Piece]) -> String {
        let write = |piece: &Piece| match piece {
            Piece::Literal(text) => text.replace('{', "{{").replace('}', "}}"),
            Piece::Placeholder(name) => format!("{{{name}}}"),
            Piece::Secret(_) | Piece::Value(_) => String::new(),
        };
        pieces.iter().map(write).collect()
    }

    fn join_literals(pieces: Vec<Piece>) -> Vec<Piece> {
        let mut joined: Vec<Piece> = Vec::new();
        for piece in pieces {
            match (joined.last_mut(), piece) {
                (Some(Piece::Literal(before)), Piece::Literal(text)) => before.push_str(&text),
                (_, piece) => joined.push(piece),
            }
        }
        joined
    }

    proptest! {
        #[test]
        fn what_is_written_with_doubled_braces_reads_back(
            pieces in prop::collection::vec(any_piece(), 0..8)
        ) {
            prop_assert_eq!(parse(&write(&pieces)), Ok(join_literals(pieces)));
        }

        #[test]
        fn any_text_is_read_or_refused_within_its_columns(template in "[{}a.-é\"]{0,24}") {
            let length = u32::try_from(template.chars().count()).unwrap();
            match parse(&template) {
                Ok(pieces) => prop_assert_eq!(write(&pieces), template),
                Err(errors) => {
                    prop_assert!(!errors.is_empty());
                    prop_assert!(errors.iter().all(|e| (1..=length).contains(&e.column)));
                }
            }
        }
    }
}
