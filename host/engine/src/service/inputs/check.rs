//! Checks what was given against the form. Messages name labels, rules and limits, never what was
//! given. Called by [`super`].

use std::collections::BTreeMap;

use bytes::Bytes;
use cordon_model::Problem;
use cordon_model::input::{FieldType, Form, FormField, InputFile, InputValue};
use cordon_model::json::pointer_token;
use cordon_model::subject::check_identity_value;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::task::spawn_blocking;

use super::{Given, GivenFile, InputLimits};
use crate::Error;
use crate::service::problems::Problems;

/// Longest name of a file, in characters.
const FILE_NAME_MAX: usize = 200;
/// Longest type and longest subtype of a media type (RFC 6838).
const MEDIA_TYPE_PART_MAX: usize = 127;
/// What a file is whose media type nobody named.
const ANY_BYTES: &str = "application/octet-stream";

/// What was given, with the digest of each file.
pub(super) enum Digested {
    Json(Value),
    File(GivenFile, [u8; 32]),
}

/// What answers the form.
pub(super) struct Checked {
    pub(super) values: BTreeMap<String, InputValue>,
    /// The bytes of the files among them.
    pub(super) files: BTreeMap<String, Bytes>,
}

/// Takes the digest of each file, where it holds up nobody.
pub(super) async fn digested(
    values: BTreeMap<String, Given>,
) -> Result<BTreeMap<String, Digested>, Error> {
    let digest = |given| match given {
        Given::Json(value) => Digested::Json(value),
        Given::File(file) => {
            let sha256 = Sha256::digest(&file.bytes).into();
            Digested::File(file, sha256)
        }
    };
    let all = move || values.into_iter().map(|(label, given)| (label, digest(given))).collect();
    spawn_blocking(all).await.map_err(|_| Error::Unavailable("a digest broke".to_owned()))
}

/// The values that answer a form. A missing label is simply not there; `null` says so.
pub(super) fn values(
    form: &Form,
    given: &BTreeMap<String, Digested>,
    limits: &InputLimits,
) -> Result<Checked, Error> {
    if given.len() > limits.labels {
        let message = format!("at most {} labels", limits.labels);
        return Err(Error::problem(Problem::error("too_many", "", message)));
    }
    let mut problems = Problems::default();
    let mut checked = Checked { values: BTreeMap::new(), files: BTreeMap::new() };
    for (label, value) in given {
        let pointer = format!("/{}", pointer_token(label));
        let Some(field) = form.field(label) else {
            problems.error("unknown_label", pointer, "the form does not ask for this label");
            continue;
        };
        match value {
            Digested::Json(Value::Null) => {}
            Digested::Json(Value::String(text)) if field.types.contains(&FieldType::Text) => {
                checked.values.insert(label.clone(), InputValue::Text(text.clone()));
            }
            Digested::File(file, sha256) if field.types.contains(&FieldType::File) => {
                let found = check_file(file, &pointer, limits, &mut problems);
                let value = found.into_value(file, *sha256);
                checked.files.insert(label.clone(), file.bytes.clone());
                checked.values.insert(label.clone(), value);
            }
            Digested::Json(_) | Digested::File(..) => {
                problems.error("wrong_type", pointer, expected(field));
            }
        }
    }
    for field in form.fields.iter().filter(|field| field.required) {
        if !given.is_empty() && !checked.values.contains_key(&field.label) {
            let pointer = format!("/{}", pointer_token(&field.label));
            // What was given and cannot be taken is one problem, not two.
            if !matches!(given.get(&field.label), Some(value) if !value.is_null()) {
                problems.error("required", pointer, "this field is required");
            }
        }
    }
    check_sizes(&checked, limits, &mut problems);
    problems.finish()?;
    Ok(checked)
}

impl Digested {
    fn is_null(&self) -> bool {
        matches!(self, Self::Json(Value::Null))
    }
}

fn expected(field: &FormField) -> &'static str {
    let takes = |field_type| field.types.contains(&field_type);
    match (takes(FieldType::Text), takes(FieldType::File)) {
        (true, true) => "must be a string, a file or null",
        (false, true) => "must be a file, sent as a part of multipart/form-data with a filename",
        (true | false, false) => "must be a string or null",
    }
}

fn check_sizes(checked: &Checked, limits: &InputLimits, problems: &mut Problems) {
    let text = |(label, value): (&String, &InputValue)| match value {
        InputValue::Text(text) => label.len().saturating_add(text.len()),
        InputValue::File(file) => label.len().saturating_add(file.name.len()),
    };
    let texts: usize = checked.values.iter().map(text).sum();
    if texts > limits.text_bytes {
        let message = format!("labels and texts are over {} bytes together", limits.text_bytes);
        problems.error("too_large", "", message);
    }
    let files: usize = checked.files.values().map(Bytes::len).sum();
    if files > limits.files_bytes {
        let message = format!("the files are over {} bytes together", limits.files_bytes);
        problems.error("too_large", "", message);
    }
}

/// The media type that a file is stored with.
struct MediaType(String);

impl MediaType {
    fn into_value(self, file: &GivenFile, sha256: [u8; 32]) -> InputValue {
        InputValue::File(InputFile {
            name: file.name.clone(),
            media_type: self.0,
            size: file.bytes.len() as u64,
            sha256,
        })
    }
}

fn check_file(
    file: &GivenFile,
    pointer: &str,
    limits: &InputLimits,
    problems: &mut Problems,
) -> MediaType {
    if !is_file_name(&file.name) {
        let message = format!(
            "a file's name is 1 to {FILE_NAME_MAX} characters that can be seen, without \"/\", \
             \"\\\" and white space at its ends"
        );
        problems.error("invalid_file_name", pointer, message);
    }
    if file.bytes.len() > limits.file_bytes {
        let message = format!("a file may have {} bytes at most", limits.file_bytes);
        problems.error("too_large", pointer, message);
    }
    let media_type = file.media_type.as_deref().unwrap_or(ANY_BYTES).to_ascii_lowercase();
    if !is_media_type(&media_type) {
        let message = "the Content-Type of a file is type/subtype, as in application/pdf";
        problems.error("invalid_media_type", pointer, message);
    }
    MediaType(media_type)
}

/// A name, not a path, and nothing that a reader cannot see.
fn is_file_name(name: &str) -> bool {
    name.chars().count() <= FILE_NAME_MAX
        && check_identity_value(name).is_ok()
        && !name.contains(['/', '\\'])
        && !matches!(name, "." | "..")
}

/// Two names of RFC 6838, section 4.2.
fn is_media_type(text: &str) -> bool {
    let is_name = |part: &str| {
        let mut bytes = part.bytes();
        part.len() <= MEDIA_TYPE_PART_MAX
            && bytes.next().is_some_and(|byte| byte.is_ascii_alphanumeric())
            && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
    };
    text.split_once('/').is_some_and(|(kind, subtype)| is_name(kind) && is_name(subtype))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const LIMITS: InputLimits =
        InputLimits { text_bytes: 500, file_bytes: 10, files_bytes: 15, labels: 5 };

    fn field(label: &str, types: &[FieldType], required: bool) -> FormField {
        let types = types.to_vec();
        FormField { name: label.to_uppercase(), label: label.to_owned(), types, required }
    }

    fn form() -> Form {
        use FieldType::{File, Text};
        let fields = vec![
            field("phone", &[Text], true),
            field("scan", &[File], false),
            field("note", &[Text, File], false),
        ];
        Form { fields }
    }

    fn file(name: &str, media_type: Option<&str>, size: usize) -> Digested {
        let bytes = vec![b'x'; size].into();
        let media_type = media_type.map(str::to_owned);
        Digested::File(GivenFile { name: name.to_owned(), media_type, bytes }, [0; 32])
    }

    fn check(given: Vec<(&str, Digested)>) -> Result<Checked, Vec<(String, String)>> {
        let given = given.into_iter().map(|(label, value)| (label.to_owned(), value)).collect();
        values(&form(), &given, &LIMITS).map_err(|error| {
            let Error::Invalid(problems) = error else { panic!("{error}") };
            problems.into_iter().map(|p| (p.code, p.pointer)).collect()
        })
    }

    fn text(text: &str) -> Digested {
        Digested::Json(json!(text))
    }

    fn problem(code: &str, pointer: &str) -> Vec<(String, String)> {
        vec![(code.to_owned(), pointer.to_owned())]
    }

    #[test]
    fn texts_and_files_are_taken_where_the_form_takes_them() {
        let given = vec![
            ("phone", text("1")),
            ("scan", file("Ausweis (Kopie).PDF", Some("Application/PDF"), 3)),
            ("note", file("a.txt", None, 0)),
        ];
        let checked = check(given).ok().unwrap();
        let types: Vec<_> = checked
            .values
            .values()
            .map(|value| match value {
                InputValue::Text(text) => text.clone(),
                InputValue::File(file) => file.media_type.clone(),
            })
            .collect();
        assert_eq!(types, ["application/octet-stream", "1", "application/pdf"]);
        assert_eq!(checked.files.keys().collect::<Vec<_>>(), ["note", "scan"]);
    }

    #[test]
    fn nothing_at_all_is_an_answer_and_a_required_label_is_one_of_some() {
        assert!(check(vec![]).is_ok());
        let refused = check(vec![("scan", file("a", None, 1))]).err().unwrap();
        assert_eq!(refused, problem("required", "/phone"));
        let refused = check(vec![("phone", Digested::Json(Value::Null))]).err().unwrap();
        assert_eq!(refused, problem("required", "/phone"));
    }

    #[test]
    fn what_the_form_does_not_take_is_refused_once() {
        for value in [json!(1), json!(true), json!([]), json!({})] {
            let refused = check(vec![("phone", Digested::Json(value))]).err().unwrap();
            assert_eq!(refused, problem("wrong_type", "/phone"));
        }
        let refused = check(vec![("phone", file("a", None, 1))]).err().unwrap();
        assert_eq!(refused, problem("wrong_type", "/phone"));
        let refused = check(vec![("phone", text("1")), ("scan", text("a"))]).err().unwrap();
        assert_eq!(refused, problem("wrong_type", "/scan"));
        let refused = check(vec![("phone", text("1")), ("fax", text("a"))]).err().unwrap();
        assert_eq!(refused, problem("unknown_label", "/fax"));
    }

    #[test]
    fn a_file_has_a_name_and_not_a_path() {
        let long = "é".repeat(201);
        for bad in ["", ".", "..", "a/b", "..\\b", " a", "a\u{202e}fdp.exe", "a\u{0}", &long] {
            let refused = check(vec![("phone", text("1")), ("scan", file(bad, None, 1))]);
            assert_eq!(refused.err().unwrap(), problem("invalid_file_name", "/scan"), "{bad:?}");
        }
        let fits = "é".repeat(200);
        assert!(check(vec![("phone", text("1")), ("scan", file(&fits, None, 1))]).is_ok());
    }

    #[test]
    fn a_media_type_is_two_names() {
        for bad in ["", "pdf", "/", "a/", "a/b/c", "a/b c", "a/b\r\nX: y", "text/plain; a=b"] {
            let refused = check(vec![("phone", text("1")), ("scan", file("a", Some(bad), 1))]);
            assert_eq!(refused.err().unwrap(), problem("invalid_media_type", "/scan"), "{bad:?}");
        }
    }

    #[test]
    fn labels_texts_each_file_and_all_files_have_their_limits() {
        let long = "x".repeat(500);
        let refused = check(vec![("phone", text(&long))]).err().unwrap();
        assert_eq!(refused, problem("too_large", ""));
        let refused = check(vec![("phone", text("1")), ("scan", file("a", None, 11))]);
        assert_eq!(refused.err().unwrap(), problem("too_large", "/scan"));
        let both =
            vec![("phone", text("1")), ("scan", file("a", None, 8)), ("note", file("b", None, 8))];
        assert_eq!(check(both).err().unwrap(), problem("too_large", ""));
        let many = ["a", "b", "c", "d", "e", "f"].map(|label| (label, text("1")));
        assert_eq!(check(many.into()).err().unwrap(), problem("too_many", ""));
    }

    #[test]
    fn no_problem_repeats_what_was_given() {
        let given = BTreeMap::from([
            ("phone".to_owned(), Digested::Json(json!(5_125_550_142_u64))),
            ("scan".to_owned(), file("a/5125550142", Some("5125550142"), 11)),
        ]);
        let Err(Error::Invalid(problems)) = values(&form(), &given, &LIMITS) else {
            panic!("it is refused")
        };
        assert!(!format!("{problems:?}").contains("5125550142"));
    }
}
