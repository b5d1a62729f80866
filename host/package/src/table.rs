//! One record as a CSV file that is safe to open in a spreadsheet (BEHAVIOUR D3).
//!
//! The cells are for people: a formula gets a `'` in front. Whoever needs the exact value reads
//! the JSON file beside it. Called by `bundle`.

use std::borrow::Cow;
use std::io::Write;

use cordon_model::json::Json;

use crate::flatten::flatten;
use crate::{Error, Options};

/// Longest text that is taken for a phone number.
const PHONE_NUMBER_MAX: usize = 32;

/// RFC 4180, two columns, no header row, UTF-8. A file can be far longer than its record, so it
/// is `out` that counts the bytes.
pub(crate) fn write_csv(
    record: &Json,
    options: &Options,
    out: &mut impl Write,
) -> Result<(), Error> {
    let mut writer = csv::WriterBuilder::new()
        .has_headers(false)
        .terminator(csv::Terminator::CRLF)
        .quote_style(quote_style(record))
        .from_writer(out);
    let mut rows = 0_u32;
    flatten(record, |name, text| {
        rows = rows.saturating_add(1);
        if rows > options.rows_per_file_max {
            return Err(Error::TooManyRows(options.rows_per_file_max));
        }
        writer.write_record([inert(name).as_bytes(), inert(text).as_bytes()])?;
        Ok(())
    })?;
    Ok(writer.flush()?)
}

/// A name that begins with U+FEFF would be taken for the byte order mark of the file, and lost.
/// In quotes it is not the first thing there.
fn quote_style(record: &Json) -> csv::QuoteStyle {
    let first = match record {
        Json::Object(entries) => entries.first().map(|(key, _)| key.as_str()),
        _ => None,
    };
    match first {
        Some(key) if key.starts_with('\u{feff}') => csv::QuoteStyle::Always,
        Some(_) | None => csv::QuoteStyle::Necessary,
    }
}

/// The cell, with a `'` in front when a spreadsheet would run it.
fn inert(cell: &str) -> Cow<'_, str> {
    if runs(cell) { Cow::Owned(format!("'{cell}")) } else { Cow::Borrowed(cell) }
}

fn runs(cell: &str) -> bool {
    match cell.chars().next() {
        Some('=' | '@' | '\t' | '\r') => true,
        // The whole cell must be a number: `-2+3+cmd|' /C calc'!A0` only begins with one.
        Some('+' | '-') => !is_number(cell) && !is_phone_number(cell),
        Some(_) | None => false,
    }
}

fn is_number(cell: &str) -> bool {
    let plain = |b: u8| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b',' | b'e' | b'E');
    cell.bytes().all(plain) && cell.replace(',', "").parse::<f64>().is_ok()
}

fn is_phone_number(cell: &str) -> bool {
    let plain = |b: u8| b.is_ascii_digit() || matches!(b, b' ' | b'(' | b')' | b'-' | b'.');
    cell.len() <= PHONE_NUMBER_MAX
        && cell.strip_prefix('+').is_some_and(|rest| {
            rest.starts_with(|c: char| c.is_ascii_digit() || c == '(')
                && rest.bytes().all(plain)
                && rest.bytes().any(|b| b.is_ascii_digit())
        })
}

#[cfg(test)]
mod tests;
