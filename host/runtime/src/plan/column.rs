//! From a place in a composed text to the column of what a person wrote.
//!
//! A plugin composes texts out of a configuration, and how templates are written is its own
//! affair. But the gate knows a fault by its place in the composed text, and a person looks for it
//! in the written one. So the usual way of writing is tried: `{name}` for a value, braces doubled.
//! Only where the whole text reads like that is there a column; a wrong one would mislead.
//! Called when a configuration is assessed.

use std::str::Chars;

use cordon_model::http_request::Piece;

/// The column (1-based, in characters) in `written` of what stands behind `before` characters of
/// the composed text, each value counted as one.
pub(super) fn column(written: &str, composed: &[Piece], before: usize) -> Option<u32> {
    let mut written = Written { rest: written.chars(), column: 1 };
    let mut left = before;
    let mut found = None;
    for piece in composed {
        match piece {
            Piece::Literal(literal) => {
                for c in literal.chars() {
                    written.mark(&mut left, &mut found);
                    written.take(c)?;
                    if matches!(c, '{' | '}') {
                        written.take(c)?;
                    }
                }
            }
            Piece::Placeholder(name) | Piece::Secret(name) => {
                written.mark(&mut left, &mut found);
                written.take('{')?;
                name.chars().try_for_each(|c| written.take(c))?;
                written.take('}')?;
            }
            Piece::Value(_) => return None,
        }
    }
    // What is missing at the end stands behind it.
    written.mark(&mut left, &mut found);
    written.rest.next().is_none().then_some(found)?
}

/// A written text, as far as it was not read yet.
struct Written<'t> {
    rest: Chars<'t>,
    column: u32,
}

impl Written<'_> {
    /// Counts one character of the composed text; the column, when it is the one that was meant.
    fn mark(&self, left: &mut usize, found: &mut Option<u32>) {
        match left.checked_sub(1) {
            Some(fewer) => *left = fewer,
            None => {
                found.get_or_insert(self.column);
            }
        }
    }

    fn take(&mut self, wanted: char) -> Option<()> {
        self.column = self.column.saturating_add(1);
        (self.rest.next()? == wanted).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lit(text: &str) -> Piece {
        Piece::Literal(text.to_owned())
    }

    fn name(text: &str) -> Piece {
        Piece::Placeholder(text.to_owned())
    }

    #[test]
    fn a_value_is_one_character_of_the_composed_text_and_its_name_in_braces_of_the_written_one() {
        let composed = [lit("ä/"), name("email"), lit("?x="), name("b")];
        let written = "ä/{email}?x={b}";
        let columns: Vec<_> = (0..8).filter_map(|at| column(written, &composed, at)).collect();
        assert_eq!(columns, [1, 2, 3, 10, 11, 12, 13, 16]);
        assert_eq!(column(written, &composed, 8), None, "that is behind the end");
    }

    #[test]
    fn literal_braces_are_written_twice() {
        let composed = [lit("{"), name("a"), lit("}x")];
        assert_eq!(column("{{{a}}}x", &composed, 1), Some(3));
        assert_eq!(column("{{{a}}}x", &composed, 3), Some(8));
    }

    #[test]
    fn what_is_written_in_another_way_has_no_column() {
        let composed = [lit("x="), name("email")];
        for other in ["x=${email}", "x={{email}}", "x={email} ", "x=", "", "prefix x={email}"] {
            assert_eq!(column(other, &composed, 0), None, "{other}");
        }
        assert_eq!(column("x", &[lit("x"), Piece::Value(0)], 0), None);
    }
}
