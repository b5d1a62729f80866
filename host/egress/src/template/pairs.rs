//! Places in `name=value&name=value`: values only. Serves queries and forms.

use super::url::{PARTIAL_PERCENT, PercentState};
use super::{Placed, Reader, Slot};
use crate::target::Fault;

/// Knows whether the text stands in a name or in a value. `;` counts as a separator too, as some
/// servers read it: a value must be one for every reader.
#[derive(Default)]
pub(super) struct PairReader {
    in_value: bool,
    /// The parameter has a literal name.
    named: bool,
}

impl PairReader {
    /// Reads one character.
    pub(super) fn read(&mut self, c: char) {
        match c {
            '&' | ';' => (self.in_value, self.named) = (false, false),
            '=' => self.in_value = true,
            _ if !self.in_value => self.named = true,
            _ => {}
        }
    }

    /// A value stands here.
    pub(super) fn value(&self) -> Result<(), Fault> {
        if self.in_value && self.named {
            Ok(())
        } else {
            Err((
                "placeholder_in_name",
                "a placeholder must not be a parameter's name; write name={placeholder}",
            ))
        }
    }
}

/// Reads a form body.
#[derive(Default)]
pub(super) struct FormReader {
    pairs: PairReader,
    percent: PercentState,
}

const BODY_FORM: Fault =
    ("body_form", "the body is no form: encode what is not name=value&name=value");

impl Reader for FormReader {
    fn literal(&mut self, c: char) -> Result<(), Fault> {
        let broken = self.percent.is_open() && !c.is_ascii_hexdigit()
            || !c.is_ascii_graphic()
            || matches!(c, '#' | '"' | '<' | '>');
        self.percent.read(c);
        self.pairs.read(c);
        if broken { Err(BODY_FORM) } else { Ok(()) }
    }

    fn value(&mut self) -> Result<Slot, Fault> {
        if self.percent.is_open() {
            return Err(PARTIAL_PERCENT);
        }
        self.pairs.value().map(|()| Slot::Form)
    }

    fn finish(self) -> Vec<Placed> {
        self.percent.is_open().then_some((BODY_FORM, None)).into_iter().collect()
    }
}
