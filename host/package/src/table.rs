//! One record as a CSV file that is safe to open in a spreadsheet (BEHAVIOUR D3).
//!
//! The cells are for people: a formula gets a `'` in front. Whoever needs the exact value reads
//! the JSON file beside it. Called by `bundle`.

use std::borrow::Cow;

use cordon_model::json::Json;

use crate::flatten::flatten;
use crate::{Error, Options};

/// The comma and the line end of a row.
const ROW_OVERHEAD: u64 = 3;

/// Longest text that is taken for a phone number.
const PHONE_NUMBER_MAX: usize = 32;

/// RFC 4180, two columns, no header row, UTF-8. `bytes_left` is what the package may still take;
/// the rows are counted while they are made, since a file can be far longer than its record.
pub(crate) fn csv_file(
    record: &Json,
    options: &Options,
    bytes_left: u64,
) -> Result<Vec<u8>, Error> {
    let mut writer = csv::WriterBuilder::new()
        .has_headers(false)
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    let mut rows = 0_u32;
    let mut bytes = 0_u64;
    flatten(record, |name, text| {
        rows = rows.saturating_add(1);
        if rows > options.rows_per_file_max {
            return Err(Error::TooManyRows(options.rows_per_file_max));
        }
        bytes = bytes.saturating_add((name.len() + text.len()) as u64 + ROW_OVERHEAD);
        if bytes > bytes_left {
            return Err(Error::TooManyBytes(options.bytes_max));
        }
        writer.write_record([inert(name).as_bytes(), inert(text).as_bytes()])?;
        Ok(())
    })?;
    writer.into_inner().map_err(|error| Error::Csv(error.into_error().into()))
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
mod tests {
    use cordon_model::json::{Json, Shape};
    use proptest::prelude::*;

    use super::*;

    fn csv_of(text: &str) -> String {
        let record = Json::parse(text.as_bytes(), Shape::Object).unwrap();
        String::from_utf8(csv_file(&record, &Options::default(), u64::MAX).unwrap()).unwrap()
    }

    #[test]
    fn rows_are_rfc_4180() {
        assert_eq!(
            csv_of(r#"{"a":"x, y","b":"say \"hi\"","c":"1\n2","d":"  z ","e,f":"李 Zoë 🦀"}"#),
            "a,\"x, y\"\r\nb,\"say \"\"hi\"\"\"\r\nc,\"1\n2\"\r\nd,  z \r\n\"e,f\",李 Zoë 🦀\r\n"
        );
        assert_eq!(csv_of("{}"), "");
        assert_eq!(csv_of(r#"{"":null}"#), ",\r\n");
    }

    #[test]
    fn a_cell_that_a_spreadsheet_would_run_gets_an_apostrophe() {
        for cell in [
            "=1+1",
            "@SUM(A1)",
            "\tx",
            "\rx",
            "+cmd|' /C calc'!A0",
            "-cmd",
            "-2+3+cmd|' /C calc'!A0",
            "+1+HYPERLINK(A1)",
            "-",
            "+",
            "-1-2",
            "--1",
            "+inf",
            "-nan",
            "+49 30 1234 =1",
            "+()",
        ] {
            assert_eq!(inert(cell), format!("'{cell}"), "{cell:?}");
        }
        for cell in [
            "",
            "x",
            "1",
            "-1",
            "+1",
            "-1.50",
            "-0.0E+5",
            "-1e400",
            "+1,234.50",
            "-1,5",
            "'=1",
            "a=b",
            "+1 (512) 555-0100",
            "+15125550100",
            "+49.30.123456",
            "+(49) 30 123456",
            " =1",
            "p@x.com",
        ] {
            assert_eq!(inert(cell), cell, "{cell:?}");
        }
    }

    #[test]
    fn a_name_that_a_spreadsheet_would_run_gets_an_apostrophe_too() {
        assert_eq!(csv_of(r#"{"=HYPERLINK(1)":"x"}"#), "'=HYPERLINK(1),x\r\n");
    }

    #[test]
    fn a_file_over_a_limit_is_an_error_that_names_it() {
        let record = Json::parse(br#"{"l":[1,2,3]}"#, Shape::Object).unwrap();
        let options = Options { rows_per_file_max: 2, ..Options::default() };
        let error = csv_file(&record, &options, u64::MAX).unwrap_err();
        assert_eq!(error.to_string(), "more than 2 rows in one file");
        assert!(csv_file(&record, &Options::default(), 21).is_ok());
        let error = csv_file(&record, &Options::default(), 20).unwrap_err();
        assert!(matches!(error, Error::TooManyBytes(_)));
    }

    #[test]
    fn a_record_with_very_long_names_stops_at_the_limit() {
        // 1 MiB of key over a hundred thousand values would be 100 GiB of rows.
        let items = vec!["1"; 100_000].join(",");
        let text = format!("{{\"{}\":[{items}]}}", "k".repeat(1024 * 1024));
        let record = Json::parse(text.as_bytes(), Shape::Object).unwrap();
        let error = csv_file(&record, &Options::default(), 8 * 1024 * 1024).unwrap_err();
        assert!(matches!(error, Error::TooManyBytes(_)));
    }

    fn any_json() -> impl Strategy<Value = Json> {
        let number = prop_oneof![
            "-?(0|[1-9][0-9]{0,40})",
            "-?(0|[1-9][0-9]{0,5})\\.[0-9]{1,20}([eE][+-]?[0-9]{1,3})?"
        ];
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::Bool),
            number.prop_map(Json::Number),
            ".*".prop_map(Json::String),
            "[=@+\\-\t\r0-9' ]{0,6}".prop_map(Json::String),
        ];
        leaf.prop_recursive(5, 64, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Json::Array),
                any_object(inner),
            ]
        })
    }

    fn any_object(value: impl Strategy<Value = Json>) -> impl Strategy<Value = Json> {
        // Short keys of few letters, so that flattened names collide often.
        let key = prop_oneof!["[a_2]{0,4}", "[01]", ".{0,5}"];
        prop::collection::btree_map(key, value, 0..6)
            .prop_map(|entries| Json::Object(entries.into_iter().collect()))
    }

    fn leaves(json: &Json, out: &mut Vec<String>) {
        match json {
            Json::Array(items) if !items.is_empty() => items.iter().for_each(|i| leaves(i, out)),
            Json::Object(entries) if !entries.is_empty() => {
                entries.iter().for_each(|(_, value)| leaves(value, out));
            }
            leaf => out.push(leaf.scalar_text().unwrap_or_default()),
        }
    }

    proptest! {
        #[test]
        fn no_scalar_is_lost_and_no_name_is_used_twice(record in any_object(any_json())) {
            let bytes = csv_file(&record, &Options::default(), u64::MAX).unwrap();
            let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(&bytes[..]);
            let rows: Vec<(String, String)> = reader.deserialize().map(Result::unwrap).collect();

            let mut expected = Vec::new();
            if record != Json::Object(Vec::new()) {
                leaves(&record, &mut expected);
            }
            let mut expected: Vec<_> = expected.iter().map(|cell| inert(cell).into_owned()).collect();
            let mut found: Vec<_> = rows.iter().map(|(_, value)| value.clone()).collect();
            expected.sort();
            found.sort();
            prop_assert_eq!(found, expected);

            let names: std::collections::HashSet<_> = rows.iter().map(|(name, _)| name).collect();
            prop_assert_eq!(names.len(), rows.len());
        }
    }
}
