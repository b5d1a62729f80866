//! Forms, and what became of them. What a person gave is never shown again here.

use cordon_engine::service::inputs::{GivenLabel, InputStatus};
use cordon_model::input::{FieldType, Form, FormField};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

/// Where one form of a request stands.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ManualInput)]
pub(crate) struct InputView {
    /// The task that asked.
    task: String,
    /// Its connection.
    connection: String,
    /// Whether the request waits for it.
    waits: bool,
    /// Whether what was given answers the form.
    provided: bool,
    /// The labels that were given a value.
    given: Vec<GivenView>,
    /// Name of the key that gave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    given_by: Option<String>,
    /// RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    given_at: Option<String>,
    /// What is asked.
    form: FormView,
    /// The form as JSON Schema, so that a page can be drawn from it.
    #[schema(value_type = Object)]
    schema: Value,
}

/// A label that was given a value; the value is not shown.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = GivenLabel)]
pub(crate) struct GivenView {
    /// Which.
    label: String,
    /// `string` or `file`.
    r#type: &'static str,
    /// Whether the form, as it is defined now, asks for it and takes that.
    matches: bool,
}

/// What is asked.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Form)]
pub(crate) struct FormView {
    /// The fields, in the order they are asked.
    fields: Vec<FormFieldView>,
}

/// One field.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FormField)]
pub(crate) struct FormFieldView {
    /// What is asked for, in words for the person who looks it up.
    name: String,
    /// The key of the value, in the input and in the package.
    label: String,
    /// What may be given.
    types: Vec<&'static str>,
    /// Whether it must be given.
    required: bool,
}

/// Every form of a request.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InputList {
    /// In the order of the tasks.
    pub(crate) items: Vec<InputView>,
}

impl From<InputStatus> for InputView {
    fn from(status: InputStatus) -> Self {
        Self {
            task: status.task.to_string(),
            connection: status.connection.to_string(),
            waits: status.waits,
            provided: status.provided,
            given: status.given.into_iter().map(GivenView::from).collect(),
            given_by: status.given_by,
            given_at: status.given_at.map(|at| at.to_string()),
            schema: schema_of(&status.form),
            form: status.form.into(),
        }
    }
}

impl From<Form> for FormView {
    fn from(form: Form) -> Self {
        Self { fields: form.fields.into_iter().map(Into::into).collect() }
    }
}

impl From<GivenLabel> for GivenView {
    fn from(given: GivenLabel) -> Self {
        Self { label: given.label, r#type: given.field_type.as_str(), matches: given.matches }
    }
}

impl From<FormField> for FormFieldView {
    fn from(field: FormField) -> Self {
        Self {
            name: field.name,
            label: field.label,
            types: field.types.into_iter().map(FieldType::as_str).collect(),
            required: field.required,
        }
    }
}

/// The form as JSON Schema: of the JSON object, or of the parts of the form by their names. An
/// empty object is always an answer: "searched, nothing found".
fn schema_of(form: &Form) -> Value {
    let property = |field: &FormField| (field.label.clone(), property_of(field));
    let properties: Map<String, Value> = form.fields.iter().map(property).collect();
    let required: Vec<&str> =
        form.fields.iter().filter(|f| f.required).map(|f| f.label.as_str()).collect();
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    });
    if let (Some(object), false) = (schema.as_object_mut(), required.is_empty()) {
        let answers = json!([{ "maxProperties": 0 }, { "required": required }]);
        object.insert("anyOf".to_owned(), answers);
    }
    schema
}

/// One field. A label that must be given takes no null.
fn property_of(field: &FormField) -> Value {
    let choices = field.types.iter().map(|field_type| match field_type {
        FieldType::Text => json!({ "type": "string" }),
        FieldType::File => json!({
            "type": "string",
            "format": "binary",
            "contentMediaType": "application/octet-stream",
        }),
    });
    let null = (!field.required).then(|| json!({ "type": "null" }));
    let mut choices: Vec<Value> = choices.chain(null).collect();
    let mut property = Map::from_iter([("title".to_owned(), json!(field.name))]);
    match (choices.pop(), choices.is_empty()) {
        (Some(Value::Object(only)), true) => property.extend(only),
        (last, _) => {
            choices.extend(last);
            property.insert("anyOf".to_owned(), choices.into());
        }
    }
    property.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_a_json_schema_whose_required_fields_an_empty_answer_need_not_have() {
        use FieldType::{File, Text};
        let field = |label: &str, types: &[FieldType], required| FormField {
            name: label.to_uppercase(),
            label: label.to_owned(),
            types: types.to_vec(),
            required,
        };
        let schema = schema_of(&Form {
            fields: vec![
                field("phone", &[Text], true),
                field("scan", &[File], true),
                field("note", &[Text], false),
                field("either", &[Text, File], false),
            ],
        });
        let (text, nothing) = (json!({ "type": "string" }), json!({ "type": "null" }));
        let file = json!({
            "type": "string",
            "format": "binary",
            "contentMediaType": "application/octet-stream",
        });
        let properties = &schema["properties"];
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        assert_eq!(properties["phone"], json!({ "title": "PHONE", "type": "string" }));
        assert_eq!(properties["scan"]["contentMediaType"], "application/octet-stream");
        assert_eq!(properties["scan"]["format"], "binary");
        assert_eq!(properties["note"], json!({ "title": "NOTE", "anyOf": [text, nothing] }));
        assert_eq!(properties["either"]["anyOf"], json!([text, file, nothing]));
        let order: Vec<_> = properties.as_object().unwrap().keys().collect();
        assert_eq!(order, ["phone", "scan", "note", "either"], "as it is asked");
        assert_eq!(
            schema["anyOf"],
            json!([{ "maxProperties": 0 }, { "required": ["phone", "scan"] }])
        );
        assert_eq!(schema["additionalProperties"], json!(false));
    }
}
