//! Text as the page shows it: shortened, with what cannot be seen made visible. Called by the
//! template, which escapes what comes out of here.

use std::fmt::{self, Write as _};

use crate::file_name::is_noncharacter;

/// A name or a value of a record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text<'a> {
    shown: &'a str,
    pub(super) is_shortened: bool,
}

impl<'a> Text<'a> {
    /// The first `chars_max` characters.
    pub(super) fn shortened(text: &'a str, chars_max: usize) -> Self {
        match text.char_indices().nth(chars_max) {
            Some((end, _)) => {
                Self { shown: text.get(..end).unwrap_or_default(), is_shortened: true }
            }
            None => Self { shown: text, is_shortened: false },
        }
    }

    /// All of it: a text that is short in any case.
    pub(super) fn whole(text: &'a str) -> Self {
        Self { shown: text, is_shortened: false }
    }

    /// What is shown, in bytes.
    pub(super) fn len(&self) -> usize {
        self.shown.len()
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Isolates that were opened in this line. One that is left open, or an end without a
        // beginning, would reorder what stands behind the value, out of the element it is in.
        let mut open = 0_usize;
        for c in self.shown.chars() {
            match c {
                LRI..=FSI => open += 1,
                PDI if open == 0 => continue,
                PDI => open -= 1,
                '\n' | PARAGRAPH_SEPARATOR => close(std::mem::take(&mut open), f)?,
                _ => {}
            }
            f.write_char(visible(c))?;
        }
        close(open, f)
    }
}

/// The first and the last of the characters that open an isolate, and the one that ends it.
const LRI: char = '\u{2066}';
const FSI: char = '\u{2068}';
const PDI: char = '\u{2069}';
const PARAGRAPH_SEPARATOR: char = '\u{2029}';

fn close(open: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    (0..open).try_for_each(|_| f.write_char(PDI))
}

/// A browser drops NUL and reads a carriage return as a line feed; the pictures of the controls
/// say what was there.
fn visible(c: char) -> char {
    match c {
        '\t' | '\n' => c,
        '\0'..='\x1f' => picture(u32::from(c)),
        '\x7f' => '\u{2421}',
        '\u{80}'..='\u{9f}' => char::REPLACEMENT_CHARACTER,
        c if is_noncharacter(c) => char::REPLACEMENT_CHARACTER,
        c => c,
    }
}

fn picture(control: u32) -> char {
    char::from_u32(0x2400 + control).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// A size in bytes, for people.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size(pub(super) u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u64, &str); 3] = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
        for (unit, name) in UNITS {
            if self.0 >= unit {
                let tenths = self.0 / (unit / 10);
                return write!(f, "{}.{} {name}", tenths / 10, tenths % 10);
            }
        }
        write!(f, "{} bytes", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_shortened_at_a_character() {
        let text = Text::shortened("Zoë 李", 4);
        assert_eq!((text.to_string().as_str(), text.is_shortened), ("Zoë ", true));
        assert!(!Text::shortened("Zoë 李", 5).is_shortened);
    }

    #[test]
    fn what_cannot_be_seen_is_made_visible() {
        let text = Text::shortened("a\0b\r\n\tc\x1b[1m\x7f\u{85}\u{1ffff}", 100);
        assert_eq!(text.to_string(), "a␀b␍\n\tc␛[1m␡\u{fffd}\u{fffd}");
    }

    #[test]
    fn a_value_cannot_reorder_what_stands_behind_it() {
        let shown = |text| Text::shortened(text, 100).to_string();
        assert_eq!(shown("\u{2067}a"), "\u{2067}a\u{2069}");
        assert_eq!(shown("a\u{2069}\u{2069}b"), "ab");
        assert_eq!(shown("\u{2066}\u{2068}a\nb"), "\u{2066}\u{2068}a\u{2069}\u{2069}\nb");
        assert_eq!(shown("\u{2068}a\u{2069} b"), "\u{2068}a\u{2069} b");
    }

    #[test]
    fn a_size_has_one_unit() {
        for (size, expected) in
            [(0, "0 bytes"), (999, "999 bytes"), (1_000, "1.0 kB"), (20_971_520, "20.9 MB")]
        {
            assert_eq!(Size(size).to_string(), expected);
        }
    }
}
