//! CSV files: what stands in them, and that nothing is lost on the way.

use std::collections::HashSet;

use cordon_model::json::{Json, Shape, pointer_token};
use proptest::prelude::*;

use super::*;

fn csv_of(text: &str) -> String {
    let record = Json::parse(text.as_bytes(), Shape::Object).unwrap();
    String::from_utf8(bytes_of(&record)).unwrap()
}

fn bytes_of(record: &Json) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_csv(record, &Options::default(), &mut bytes).unwrap();
    bytes
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
fn a_name_that_looks_like_a_byte_order_mark_is_not_lost() {
    assert_eq!(csv_of("{\"\u{feff}a\":\"x\"}"), "\"\u{feff}a\",\"x\"\r\n");
    assert_eq!(csv_of("{\"a\":\"\u{feff}x\"}"), "a,\u{feff}x\r\n");
}

#[test]
fn a_file_over_a_limit_is_an_error_that_names_it() {
    let record = Json::parse(br#"{"l":[1,2,3]}"#, Shape::Object).unwrap();
    let options = Options { rows_per_file_max: 2, ..Options::default() };
    let error = write_csv(&record, &options, &mut Vec::new()).unwrap_err();
    assert_eq!(error.to_string(), "more than 2 rows in one file");
}

#[test]
fn a_record_with_very_long_names_stops_where_its_file_may_not_grow() {
    // 1 MiB of key over a hundred thousand values would be 100 GiB of rows.
    let items = vec!["1"; 100_000].join(",");
    let text = format!("{{\"{}\":[{items}]}}", "k".repeat(1024 * 1024));
    let record = Json::parse(text.as_bytes(), Shape::Object).unwrap();
    let mut room = vec![0; 8 * 1024 * 1024];
    let error = write_csv(&record, &Options::default(), &mut &mut room[..]).unwrap_err();
    assert!(matches!(error, Error::Csv(_)), "{error}");
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

/// Every value of a record with its JSON pointer, by a walk of its own.
fn values(json: &Json, pointer: &str, out: &mut Vec<(String, Json)>) {
    match json {
        Json::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                values(item, &format!("{pointer}/{index}"), out);
            }
        }
        Json::Object(entries) if !entries.is_empty() => {
            for (key, value) in entries {
                values(value, &format!("{pointer}/{}", pointer_token(key)), out);
            }
        }
        leaf => out.push((pointer.to_owned(), leaf.clone())),
    }
}

/// The name of a value in the CSV file, before namesakes get a number.
fn plain_name(pointer: &str) -> String {
    let tokens = pointer.split('/').skip(1);
    let names: Vec<_> = tokens.map(|token| token.replace("~1", "/").replace("~0", "~")).collect();
    names.join("_")
}

/// Whether `name` is `plain`, or `plain` with a number behind it.
fn is_name_of(name: &str, plain: &str) -> bool {
    let number = |rest: &str| rest.parse::<u32>().is_ok_and(|number| number >= 2);
    name == plain
        || name.strip_prefix(plain).and_then(|rest| rest.strip_prefix("__")).is_some_and(number)
}

/// What a cell says, if it was not the text itself that began with the apostrophe.
fn without_apostrophe(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|rest| runs(rest)).unwrap_or(cell)
}

proptest! {
    /// What "loses nothing" means, exactly. The JSON file is the record, equal in every text of a
    /// number, every string and the order of its keys. The CSV file has one row for each value of
    /// it (a scalar, an empty list, an empty object), in that order, no two of the same name. The
    /// name is the way to the value, joined with `_`, and a number where it had a namesake. The
    /// cell is the value's JSON text, with one apostrophe in front exactly where a spreadsheet
    /// would run it. So row and value find each other, and the text is read back from the cell
    /// alone unless it began with an apostrophe before `= @ + -`, a tab or a return of its own.
    #[test]
    fn a_record_read_back_from_its_files_has_lost_nothing(record in any_object(any_json())) {
        let read = Json::parse(record.to_text().as_bytes(), Shape::Object);
        prop_assert_eq!(read.as_ref(), Ok(&record));

        let bytes = bytes_of(&record);
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(&bytes[..]);
        let rows: Vec<(String, String)> = reader.deserialize().map(Result::unwrap).collect();
        let mut expected = Vec::new();
        if record != Json::Object(Vec::new()) {
            values(&record, "", &mut expected);
        }
        prop_assert_eq!(rows.len(), expected.len());
        for ((name, cell), (pointer, value)) in rows.iter().zip(&expected) {
            prop_assert_eq!(record.at(pointer), Some(value));
            let plain = plain_name(pointer);
            let is_name = |name: &str| is_name_of(name, &plain);
            prop_assert!(!runs(name));
            prop_assert!(is_name(name) || is_name(without_apostrophe(name)), "{:?}", name);
            let text = value.scalar_text().unwrap_or_default();
            prop_assert_eq!(cell, &inert(&text));
            prop_assert!(!runs(cell));
            if without_apostrophe(&text) == text {
                prop_assert_eq!(without_apostrophe(cell), text);
            }
        }
        let names: HashSet<_> = rows.iter().map(|(name, _)| name).collect();
        prop_assert_eq!(names.len(), rows.len());
    }
}
