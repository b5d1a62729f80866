//! What goes in and what comes out: forms, what a person gave for them, records.

use std::collections::BTreeMap;

use cordon_model::input::{FieldType, FormField, InputFile, InputValue, ManualInput};
use cordon_model::{ConnectionKey, Records, RequestId, Revision, TaskId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Stored, Unreadable, digest, from_records, to_records};

#[derive(Serialize, Deserialize)]
pub(crate) struct FormFieldRecord {
    name: String,
    label: String,
    types: Vec<String>,
    required: bool,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct InputRecord {
    tenant: TenantId,
    request: RequestId,
    task: TaskId,
    connection: ConnectionKey,
    values: BTreeMap<String, InputValueRecord>,
    given_by: String,
    given_at: Timestamp,
    segments_closed: u32,
    revision: Revision,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum InputValueRecord {
    Text(String),
    File { name: String, media_type: String, size: u64, sha256: String },
}

impl Stored for FormField {
    type Record = FormFieldRecord;

    fn to_record(&self) -> FormFieldRecord {
        let Self { name, label, types, required } = self;
        FormFieldRecord {
            name: name.clone(),
            label: label.clone(),
            types: to_records(types),
            required: *required,
        }
    }

    fn from_record(record: FormFieldRecord) -> Result<Self, Unreadable> {
        let FormFieldRecord { name, label, types, required } = record;
        Ok(Self { name, label, types: from_records::<FieldType>(types)?, required })
    }
}

impl Stored for ManualInput {
    type Record = InputRecord;

    fn to_record(&self) -> InputRecord {
        let Self {
            tenant,
            request,
            task,
            connection,
            values,
            given_by,
            given_at,
            segments_closed,
            revision,
        } = self;
        let value = |(label, value): (&String, &InputValue)| (label.clone(), value.to_record());
        InputRecord {
            tenant: tenant.clone(),
            request: *request,
            task: *task,
            connection: connection.clone(),
            values: values.iter().map(value).collect(),
            given_by: given_by.clone(),
            given_at: *given_at,
            segments_closed: *segments_closed,
            revision: *revision,
        }
    }

    fn from_record(record: InputRecord) -> Result<Self, Unreadable> {
        let InputRecord {
            tenant,
            request,
            task,
            connection,
            values,
            given_by,
            given_at,
            segments_closed,
            revision,
        } = record;
        let value = |(label, value)| Ok((label, InputValue::from_record(value)?));
        let values = values.into_iter().map(value).collect::<Result<_, Unreadable>>()?;
        Ok(Self {
            tenant,
            request,
            task,
            connection,
            values,
            given_by,
            given_at,
            segments_closed,
            revision,
        })
    }
}

impl Stored for InputValue {
    type Record = InputValueRecord;

    fn to_record(&self) -> InputValueRecord {
        match self.clone() {
            Self::Text(text) => InputValueRecord::Text(text),
            Self::File(InputFile { name, media_type, size, sha256 }) => {
                InputValueRecord::File { name, media_type, size, sha256: hex::encode(sha256) }
            }
        }
    }

    fn from_record(record: InputValueRecord) -> Result<Self, Unreadable> {
        Ok(match record {
            InputValueRecord::Text(text) => Self::Text(text),
            InputValueRecord::File { name, media_type, size, sha256 } => {
                let sha256 = digest(&sha256, "the digest of a file")?;
                Self::File(InputFile { name, media_type, size, sha256 })
            }
        })
    }
}

/// What a task returned. Each text is an array as [`Records::to_text`] writes it: numbers and the
/// order of keys survive, which a `serde_json::Value` in the record would not promise.
pub(crate) struct RecordSets(pub(crate) Vec<Records>);

impl Stored for RecordSets {
    type Record = Vec<String>;

    fn to_record(&self) -> Vec<String> {
        self.0.iter().map(Records::to_text).collect()
    }

    fn from_record(record: Vec<String>) -> Result<Self, Unreadable> {
        let parse = |text: String| Records::parse(text.as_bytes(), "");
        let sets: Result<Vec<_>, _> = record.into_iter().map(parse).collect();
        sets.map(Self).map_err(|_| Unreadable("records"))
    }
}
