//! Forms, and what a person supplied for them.

use std::collections::BTreeMap;
use std::fmt;

use crate::{ConnectionKey, RequestId, Revision, TaskId, TenantId, Timestamp};

/// What a connector asks a person for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Form {
    /// The fields, in the order they are asked.
    pub fields: Vec<FormField>,
}

/// One field of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormField {
    /// What is asked for, in words for the person who looks it up.
    pub name: String,
    /// The key of the value, in the input and in the package.
    pub label: String,
    /// What may be given.
    pub types: Vec<FieldType>,
    /// Whether it may be left out.
    pub required: bool,
}

/// What a field takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FieldType {
    /// Text.
    Text,
    /// A file.
    File,
}

impl FieldType {
    /// The word used in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "string",
            Self::File => "file",
        }
    }
}

/// What a person gave for the form of one task. `Debug` shows labels only.
#[derive(Clone, PartialEq, Eq)]
pub struct ManualInput {
    /// Whose it is.
    pub tenant: TenantId,
    /// The request that waits for it.
    pub request: RequestId,
    /// The task that asked.
    pub task: TaskId,
    /// The task's connection.
    pub connection: ConnectionKey,
    /// By label; an empty map means "searched, nothing found".
    pub values: BTreeMap<String, InputValue>,
    /// Name of the key that gave it.
    pub given_by: String,
    /// When.
    pub given_at: Timestamp,
    /// Segments of the task that were closed when it asked: a task that asks again waits for an
    /// answer to that.
    pub segments_closed: u32,
    /// Counts replacements.
    pub revision: Revision,
}

/// What was given for one field. `Debug` shows no content.
#[derive(Clone, PartialEq, Eq)]
pub enum InputValue {
    /// Text.
    Text(String),
    /// A file; its bytes are stored beside the input.
    File(InputFile),
}

/// A file that was given. `Debug` shows its size only: a name may name a person.
#[derive(Clone, PartialEq, Eq)]
pub struct InputFile {
    /// Its name, as it was given.
    pub name: String,
    /// Its media type, as it was given.
    pub media_type: String,
    /// Its size, in bytes.
    pub size: u64,
    /// SHA-256 of its bytes.
    pub sha256: [u8; 32],
}

impl InputValue {
    /// The type of field that it answers.
    pub const fn field_type(&self) -> FieldType {
        match self {
            Self::Text(_) => FieldType::Text,
            Self::File(_) => FieldType::File,
        }
    }
}

impl fmt::Debug for InputValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
            Self::File(file) => file.fmt(f),
        }
    }
}

impl fmt::Debug for InputFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InputFile({} bytes)", self.size)
    }
}

impl fmt::Debug for ManualInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManualInput")
            .field("request", &self.request)
            .field("task", &self.task)
            .field("labels", &self.values.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

impl ManualInput {
    /// Whether this was given for what the task asked last, and not for an earlier question.
    pub fn is_for(&self, task: &crate::task::Task) -> bool {
        self.task == task.id && self.segments_closed == task.segments_closed
    }
}

impl Form {
    /// The field with this label.
    pub fn field(&self, label: &str) -> Option<&FormField> {
        self.fields.iter().find(|field| field.label == label)
    }

    /// Whether these values answer this form: no label that is not asked for, each of a type that
    /// its field takes, none missing that is required. Values of an older form fail here and count
    /// as not provided (BEHAVIOUR F9).
    pub fn is_answered_by(&self, values: &BTreeMap<String, InputValue>) -> bool {
        let fits = |(label, value): (&String, &InputValue)| {
            self.field(label).is_some_and(|field| field.types.contains(&value.field_type()))
        };
        values.iter().all(fits)
            && (values.is_empty()
                || self.fields.iter().all(|f| !f.required || values.contains_key(&f.label)))
    }
}
