//! What a policy stores for a manual webhook: the fields that a person is asked for (BEHAVIOUR
//! F2, F3).

use cordon_connector_sdk::failure;
use cordon_connector_sdk::reading::{self, Node, Object, Problems};
use cordon_connector_sdk::types::{Failure, FailureCode, Field, FieldType, Form};

const FIELDS: &[&str] = &["fields"];
const FIELD_FIELDS: &[&str] = &["pii_field", "dsr_package_label", "types", "required"];

/// Most fields of a form.
const FIELDS_MAX: usize = 200;

/// Longest name and longest label of a field, in characters.
const LENGTH_MAX: usize = 200;

/// Reads the settings, reporting everything that is wrong with them. Names and labels are
/// trimmed; a label that is not given is made from the name.
pub(crate) fn read(settings: &str, problems: &mut Problems) -> Form {
    let document = reading::parse(settings, problems);
    let form = document.as_ref().and_then(|document| {
        let settings = Node::root(document).object(problems)?;
        settings.only(FIELDS, problems);
        read_fields(&settings.required("fields", problems)?, problems)
    });
    form.unwrap_or(Form { fields: Vec::new() })
}

/// Reads settings that were checked when they were written.
///
/// # Errors
/// When there is an error in them all the same.
pub(crate) fn read_checked(settings: &str) -> Result<Form, Failure> {
    let mut problems = Problems::default();
    let form = read(settings, &mut problems);
    match problems.first_error() {
        None => Ok(form),
        Some(problem) => {
            let detail = format!("{} at {:?} of the settings", problem.code, problem.pointer);
            Err(failure(FailureCode::InvalidConfig, detail))
        }
    }
}

fn read_fields(node: &Node<'_>, problems: &mut Problems) -> Option<Form> {
    let items = node.items(problems)?;
    if items.is_empty() {
        problems.error("missing_fields", node.pointer(), "At least one field is needed.");
    }
    if items.len() > FIELDS_MAX {
        problems.error("too_many_fields", node.pointer(), "A form has at most 200 fields.");
        return None;
    }
    let mut fields: Vec<Field> = Vec::new();
    for item in &items {
        let Some(object) = item.object(problems) else { continue };
        let Some(field) = read_field(&object, problems) else { continue };
        if fields.iter().any(|before| before.name == field.name) {
            let message = "Another field has this name.";
            problems.error("duplicate_field", &object.pointer_to("pii_field"), message);
        } else if fields.iter().any(|before| before.label == field.label) {
            let message = "Another field has this label, or one that is made from its name; give \
                           each a label of its own.";
            problems.error("duplicate_label", &object.pointer_to("dsr_package_label"), message);
        }
        fields.push(field);
    }
    Some(Form { fields })
}

fn read_field(object: &Object<'_>, problems: &mut Problems) -> Option<Field> {
    object.only(FIELD_FIELDS, problems);
    let name = object.required("pii_field", problems).and_then(|node| read_name(&node, problems));
    let label = object.field("dsr_package_label").map(|node| read_label(&node, problems));
    let types = object.field("types").map(|node| read_types(&node, problems));
    let required = object.field("required").and_then(|node| node.boolean(problems));
    let name = name?;
    let label = label.flatten().unwrap_or_else(|| snake_case(&name));
    let types = types.unwrap_or_else(|| vec![FieldType::Text]);
    Some(Field { name, label, types, required: required.unwrap_or(false) })
}

fn read_name(node: &Node<'_>, problems: &mut Problems) -> Option<String> {
    let name = node.text(problems)?.trim();
    if name.is_empty() || !is_line(name) {
        let message = "This must be one line of 1 to 200 characters, not counting white space at \
                       the ends.";
        problems.error("invalid_value", node.pointer(), message);
        return None;
    }
    Some(name.to_owned())
}

/// A label; none when it is to be made from the name.
fn read_label(node: &Node<'_>, problems: &mut Problems) -> Option<String> {
    let label = node.text(problems)?.trim();
    if !is_line(label) {
        let message = "This must be one line of at most 200 characters.";
        problems.error("invalid_value", node.pointer(), message);
        return None;
    }
    (!label.is_empty()).then(|| label.to_owned())
}

fn is_line(text: &str) -> bool {
    text.chars().count() <= LENGTH_MAX && !text.chars().any(char::is_control)
}

fn read_types(node: &Node<'_>, problems: &mut Problems) -> Vec<FieldType> {
    let Some(items) = node.items(problems) else {
        return Vec::new();
    };
    if items.is_empty() {
        let message = "At least one type is needed; leave the field out for \"string\".";
        problems.error("invalid_value", node.pointer(), message);
    }
    let mut types = Vec::new();
    for item in items {
        let Some(word) = item.text(problems) else { continue };
        match field_type(word) {
            Some(one) if !types.contains(&one) => types.push(one),
            Some(_) => problems.error("duplicate_type", item.pointer(), "This type stands twice."),
            None => {
                let message = "A type is \"string\" or \"file\".";
                problems.error("invalid_value", item.pointer(), message);
            }
        }
    }
    types
}

fn field_type(word: &str) -> Option<FieldType> {
    match word {
        "string" => Some(FieldType::Text),
        "file" => Some(FieldType::File),
        _ => None,
    }
}

fn snake_case(name: &str) -> String {
    let underscored = |c: char| if c == '-' || c.is_whitespace() { '_' } else { c };
    name.to_lowercase().chars().map(underscored).take(LENGTH_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(settings: &str) -> Vec<(String, String)> {
        let mut problems = Problems::default();
        read(settings, &mut problems);
        problems.into_vec().into_iter().map(|p| (p.code, p.pointer)).collect()
    }

    fn problem(code: &str, pointer: &str) -> (String, String) {
        (code.to_owned(), pointer.to_owned())
    }

    fn labels(settings: &str) -> Vec<String> {
        let form = read_checked(settings).expect("the settings are sound");
        form.fields.into_iter().map(|field| field.label).collect()
    }

    #[test]
    fn a_label_is_by_default_the_snake_case_of_the_field() {
        let settings = r#"{"fields": [
            {"pii_field": "Phone Number"},
            {"pii_field": " Date-of birth "},
            {"pii_field": "E-Mail", "dsr_package_label": "  "},
            {"pii_field": "Name", "dsr_package_label": " Full name "}
        ]}"#;
        assert_eq!(labels(settings), ["phone_number", "date_of_birth", "e_mail", "Full name"]);
    }

    #[test]
    fn a_field_takes_text_and_may_be_left_out_unless_it_says_otherwise() {
        let settings = r#"{"fields": [
            {"pii_field": "Name"},
            {"pii_field": "Contract", "types": ["file", "string"], "required": true}
        ]}"#;
        let fields = read_checked(settings).unwrap().fields;
        assert_eq!(fields[0].name, "Name");
        assert_eq!(
            (fields[0].types.as_slice(), fields[0].required),
            ([FieldType::Text].as_slice(), false)
        );
        let both = [FieldType::File, FieldType::Text];
        assert_eq!((fields[1].types.as_slice(), fields[1].required), (both.as_slice(), true));
    }

    #[test]
    fn at_least_one_field_is_needed() {
        assert_eq!(problems("{}"), [problem("missing_field", "/fields")]);
        assert_eq!(problems(r#"{"fields": []}"#), [problem("missing_fields", "/fields")]);
        assert_eq!(problems(r#"{"fields": {}}"#), [problem("wrong_type", "/fields")]);
        assert_eq!(problems("[]"), [problem("wrong_type", "")]);
    }

    #[test]
    fn names_and_labels_are_unique_after_labels_are_made() {
        let settings = r#"{"fields": [
            {"pii_field": "Name"},
            {"pii_field": " Name", "dsr_package_label": "other"},
            {"pii_field": "Phone Number"},
            {"pii_field": "phone-number"},
            {"pii_field": "x", "dsr_package_label": "name"}
        ]}"#;
        assert_eq!(
            problems(settings),
            [
                problem("duplicate_field", "/fields/1/pii_field"),
                problem("duplicate_label", "/fields/3/dsr_package_label"),
                problem("duplicate_label", "/fields/4/dsr_package_label"),
            ]
        );
    }

    #[test]
    fn names_and_labels_are_one_line_of_at_most_200_characters() {
        let long = "é".repeat(201);
        let settings = format!(
            r#"{{"fields": [{{"pii_field": "{long}"}}, {{"pii_field": "  "}},
                {{"pii_field": "a", "dsr_package_label": "{long}"}},
                {{"pii_field": "a\nb"}}]}}"#
        );
        assert_eq!(
            problems(&settings),
            [
                problem("invalid_value", "/fields/0/pii_field"),
                problem("invalid_value", "/fields/1/pii_field"),
                problem("invalid_value", "/fields/2/dsr_package_label"),
                problem("invalid_value", "/fields/3/pii_field"),
            ]
        );
        let fits = format!(r#"{{"fields": [{{"pii_field": "{}"}}]}}"#, "é".repeat(200));
        assert_eq!(problems(&fits), []);
    }

    #[test]
    fn a_form_has_at_most_200_fields() {
        let settings = |count: usize| {
            let field = |index: usize| format!(r#"{{"pii_field": "field {index}"}}"#);
            let fields = (0..count).map(field).collect::<Vec<_>>().join(",");
            format!(r#"{{"fields": [{fields}]}}"#)
        };
        assert_eq!(problems(&settings(200)), []);
        assert_eq!(problems(&settings(201)), [problem("too_many_fields", "/fields")]);
    }

    #[test]
    fn every_problem_of_a_field_is_reported_with_its_pointer() {
        let settings = r#"{"feilds": 1, "fields": [
            7,
            {"pii_feild": "x", "types": ["text", "file", "file"], "required": "yes"},
            {"pii_field": 7, "dsr_package_label": 7, "types": []}
        ]}"#;
        assert_eq!(
            problems(settings),
            [
                problem("unknown_field", "/feilds"),
                problem("wrong_type", "/fields/0"),
                problem("unknown_field", "/fields/1/pii_feild"),
                problem("missing_field", "/fields/1/pii_field"),
                problem("invalid_value", "/fields/1/types/0"),
                problem("duplicate_type", "/fields/1/types/2"),
                problem("wrong_type", "/fields/1/required"),
                problem("wrong_type", "/fields/2/pii_field"),
                problem("wrong_type", "/fields/2/dsr_package_label"),
                problem("invalid_value", "/fields/2/types"),
            ]
        );
    }
}
