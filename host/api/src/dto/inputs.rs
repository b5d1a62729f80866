//! Forms, and what became of them. What a person gave is never shown again here.

use cordon_engine::service::inputs::InputStatus;
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
    /// Whether what was given answers the form.
    provided: bool,
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
            provided: status.provided,
            given_by: status.given_by,
            given_at: status.given_at.map(|at| at.to_string()),
            schema: schema_of(&status.form),
            form: FormView { fields: status.form.fields.into_iter().map(Into::into).collect() },
        }
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

/// The form as JSON Schema. An empty object is always an answer: "searched, nothing found".
fn schema_of(form: &Form) -> Value {
    let properties: Map<String, Value> = form
        .fields
        .iter()
        .map(|field| {
            let types = if field.required { json!("string") } else { json!(["string", "null"]) };
            (field.label.clone(), json!({ "title": field.name, "type": types }))
        })
        .collect();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_a_json_schema_whose_required_fields_an_empty_answer_need_not_have() {
        let field = |label: &str, required| FormField {
            name: label.to_uppercase(),
            label: label.to_owned(),
            types: vec![FieldType::Text],
            required,
        };
        let schema = schema_of(&Form { fields: vec![field("phone", true), field("note", false)] });
        assert_eq!(schema["properties"]["phone"], json!({"title": "PHONE", "type": "string"}));
        assert_eq!(schema["properties"]["note"]["type"], json!(["string", "null"]));
        assert_eq!(schema["anyOf"], json!([{"maxProperties": 0}, {"required": ["phone"]}]));
        assert_eq!(schema["additionalProperties"], json!(false));
    }
}
