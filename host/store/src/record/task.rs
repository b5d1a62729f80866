//! Tasks of a request, in every state.

use std::collections::BTreeSet;

use cordon_model::input::Form;
use cordon_model::plugin::{PluginRef, ReadGrant};
use cordon_model::subject::IdentityKind;
use cordon_model::task::{
    Carry, FindingSummary, HeldValue, Segment, SkipReason, Stage, Task, TaskState,
};
use cordon_model::{Action, ConnectionKey, Failure, Revision, TaskId, Timestamp};
use serde::{Deserialize, Serialize};

use super::content::FormFieldRecord;
use super::report::{CallRecord, FailureRecord, PluginRecord, SkipRecord, SkippedRecord};
use super::{
    Stored, Unreadable, from_optional, from_records, set_from_records, set_to_records, to_optional,
    to_records, words,
};

#[derive(Serialize, Deserialize)]
pub(crate) struct TaskRecord {
    id: TaskId,
    stage: String,
    connection: ConnectionKey,
    connection_revision: Revision,
    plugin: PluginRecord,
    action: String,
    wanted: Option<String>,
    needs: Vec<String>,
    state: TaskStateRecord,
    segment: Option<SegmentRecord>,
    segments_closed: u32,
    form: Option<Vec<FormFieldRecord>>,
    carry: Option<CarryRecord>,
    given: BTreeSet<usize>,
    rounds: u32,
    calls: Vec<CallRecord>,
    skipped: Vec<SkippedRecord>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TaskStateRecord {
    Queued,
    Running,
    Waiting { until: Timestamp },
    RequiresInput { fields: Vec<FormFieldRecord> },
    Complete { finding: FindingRecord, at: Timestamp },
    Skipped { reason: SkipRecord, at: Timestamp },
    Error { failure: FailureRecord, at: Timestamp },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FindingRecord {
    Records { count: u64 },
    Identities { count: u64 },
    Done { verified: bool },
    NothingFound,
    Settled,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct SegmentRecord {
    number: u32,
    attempt: u32,
    deadline: Timestamp,
    connection_revision: Revision,
    identities: Vec<usize>,
    fresh: BTreeSet<usize>,
    policy_settings: Option<String>,
    reads: Vec<String>,
    with_input: bool,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct CarryRecord {
    state: Option<String>,
    values: Vec<HeldValueRecord>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct HeldValueRecord {
    value: String,
    origin: String,
}

words!(Action, "an action", {
    Identifiers = "identifiers",
    Access = "access",
    Delete = "delete",
    Optout = "optout",
});
words!(Stage, "the stage of a task", {
    Manual = "manual",
    Identifiers = "identifiers",
    Access = "access",
    Erasure = "erasure",
});
words!(ReadGrant, "a right to read", { Identities = "identities", Responses = "responses", });

impl Stored for Task {
    type Record = TaskRecord;

    fn to_record(&self) -> TaskRecord {
        let Self {
            id,
            stage,
            connection,
            connection_revision,
            plugin,
            action,
            wanted,
            needs,
            state,
            segment,
            segments_closed,
            form,
            carry,
            given,
            rounds,
            calls,
            skipped,
        } = self;
        TaskRecord {
            id: *id,
            stage: stage.to_record(),
            connection: connection.clone(),
            connection_revision: *connection_revision,
            plugin: plugin.to_record(),
            action: action.to_record(),
            wanted: to_optional(wanted.as_ref()),
            needs: set_to_records(needs),
            state: state.to_record(),
            segment: to_optional(segment.as_ref()),
            segments_closed: *segments_closed,
            form: form.as_ref().map(|form| to_records(&form.fields)),
            carry: to_optional(carry.as_ref()),
            given: given.clone(),
            rounds: *rounds,
            calls: to_records(calls),
            skipped: to_records(skipped),
        }
    }

    fn from_record(record: TaskRecord) -> Result<Self, Unreadable> {
        let TaskRecord {
            id,
            stage,
            connection,
            connection_revision,
            plugin,
            action,
            wanted,
            needs,
            state,
            segment,
            segments_closed,
            form,
            carry,
            given,
            rounds,
            calls,
            skipped,
        } = record;
        Ok(Self {
            id,
            stage: Stage::from_record(stage)?,
            connection,
            connection_revision,
            plugin: PluginRef::from_record(plugin)?,
            action: Action::from_record(action)?,
            wanted: from_optional(wanted)?,
            needs: set_from_records::<IdentityKind>(needs)?,
            state: TaskState::from_record(state)?,
            segment: from_optional(segment)?,
            segments_closed,
            form: form_from_record(form)?,
            carry: from_optional(carry)?,
            given,
            rounds,
            calls: from_records(calls)?,
            skipped: from_records(skipped)?,
        })
    }
}

fn form_from_record(fields: Option<Vec<FormFieldRecord>>) -> Result<Option<Form>, Unreadable> {
    fields.map(|fields| Ok(Form { fields: from_records(fields)? })).transpose()
}

impl Stored for TaskState {
    type Record = TaskStateRecord;

    fn to_record(&self) -> TaskStateRecord {
        match self {
            Self::Queued => TaskStateRecord::Queued,
            Self::Running => TaskStateRecord::Running,
            Self::Waiting { until } => TaskStateRecord::Waiting { until: *until },
            Self::RequiresInput { form: Form { fields } } => {
                TaskStateRecord::RequiresInput { fields: to_records(fields) }
            }
            Self::Complete { finding, at } => {
                TaskStateRecord::Complete { finding: finding.to_record(), at: *at }
            }
            Self::Skipped { reason, at } => {
                TaskStateRecord::Skipped { reason: reason.to_record(), at: *at }
            }
            Self::Error { failure, at } => {
                TaskStateRecord::Error { failure: failure.to_record(), at: *at }
            }
        }
    }

    fn from_record(record: TaskStateRecord) -> Result<Self, Unreadable> {
        Ok(match record {
            TaskStateRecord::Queued => Self::Queued,
            TaskStateRecord::Running => Self::Running,
            TaskStateRecord::Waiting { until } => Self::Waiting { until },
            TaskStateRecord::RequiresInput { fields } => {
                Self::RequiresInput { form: Form { fields: from_records(fields)? } }
            }
            TaskStateRecord::Complete { finding, at } => {
                Self::Complete { finding: FindingSummary::from_record(finding)?, at }
            }
            TaskStateRecord::Skipped { reason, at } => {
                Self::Skipped { reason: SkipReason::from_record(reason)?, at }
            }
            TaskStateRecord::Error { failure, at } => {
                Self::Error { failure: Failure::from_record(failure)?, at }
            }
        })
    }
}

impl Stored for FindingSummary {
    type Record = FindingRecord;

    fn to_record(&self) -> FindingRecord {
        match self {
            Self::Records { count } => FindingRecord::Records { count: *count },
            Self::Identities { count } => FindingRecord::Identities { count: *count },
            Self::Done { verified } => FindingRecord::Done { verified: *verified },
            Self::NothingFound => FindingRecord::NothingFound,
            Self::Settled => FindingRecord::Settled,
        }
    }

    fn from_record(record: FindingRecord) -> Result<Self, Unreadable> {
        Ok(match record {
            FindingRecord::Records { count } => Self::Records { count },
            FindingRecord::Identities { count } => Self::Identities { count },
            FindingRecord::Done { verified } => Self::Done { verified },
            FindingRecord::NothingFound => Self::NothingFound,
            FindingRecord::Settled => Self::Settled,
        })
    }
}

impl Stored for Segment {
    type Record = SegmentRecord;

    fn to_record(&self) -> SegmentRecord {
        let Self {
            number,
            attempt,
            deadline,
            connection_revision,
            identities,
            fresh,
            policy_settings,
            reads,
            with_input,
        } = self;
        SegmentRecord {
            number: *number,
            attempt: *attempt,
            deadline: *deadline,
            connection_revision: *connection_revision,
            identities: identities.clone(),
            fresh: fresh.clone(),
            policy_settings: policy_settings.clone(),
            reads: to_records(reads),
            with_input: *with_input,
        }
    }

    fn from_record(record: SegmentRecord) -> Result<Self, Unreadable> {
        let SegmentRecord {
            number,
            attempt,
            deadline,
            connection_revision,
            identities,
            fresh,
            policy_settings,
            reads,
            with_input,
        } = record;
        Ok(Self {
            number,
            attempt,
            deadline,
            connection_revision,
            identities,
            fresh,
            policy_settings,
            reads: from_records(reads)?,
            with_input,
        })
    }
}

impl Stored for Carry {
    type Record = CarryRecord;

    fn to_record(&self) -> CarryRecord {
        let Self { state, values } = self;
        CarryRecord { state: state.clone(), values: to_records(values) }
    }

    fn from_record(record: CarryRecord) -> Result<Self, Unreadable> {
        let CarryRecord { state, values } = record;
        Ok(Self { state, values: from_records(values)? })
    }
}

impl Stored for HeldValue {
    type Record = HeldValueRecord;

    fn to_record(&self) -> HeldValueRecord {
        let Self { value, origin } = self.clone();
        HeldValueRecord { value, origin }
    }

    fn from_record(record: HeldValueRecord) -> Result<Self, Unreadable> {
        let HeldValueRecord { value, origin } = record;
        Ok(Self { value, origin })
    }
}
