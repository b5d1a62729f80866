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
    pub values: BTreeMap<String, String>,
    /// Name of the key that gave it.
    pub given_by: String,
    /// When.
    pub given_at: Timestamp,
    /// Counts replacements.
    pub revision: Revision,
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

impl Form {
    /// Whether these values answer this form: no label that is not asked for, none missing that
    /// is required. Values of an older form fail here and count as not provided (BEHAVIOUR F9).
    pub fn is_answered_by(&self, values: &BTreeMap<String, String>) -> bool {
        let known = |label: &String| self.fields.iter().any(|field| field.label == *label);
        values.keys().all(known)
            && (values.is_empty()
                || self.fields.iter().all(|f| !f.required || values.contains_key(&f.label)))
    }
}
