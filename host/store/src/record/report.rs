//! What is told of work: which plugin did it, each call, what was skipped, what failed.

use cordon_model::plugin::PluginRef;
use cordon_model::task::{CallReport, SkipReason, SkippedQuery};
use cordon_model::{Failure, FailureCode, PluginDigest};
use serde::{Deserialize, Serialize};

use super::{Stored, Unreadable};

#[derive(Serialize, Deserialize)]
pub(crate) struct PluginRecord {
    name: String,
    version: String,
    digest: PluginDigest,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct FailureRecord {
    code: String,
    label: Option<String>,
    detail: String,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct CallRecord {
    label: String,
    occurrence: u32,
    status: Option<u16>,
    outcome: String,
    attempts: u8,
    response_bytes: u64,
    duration_ms: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SkipRecord {
    MissingPlaceholder(String),
    NotApplicable,
    NotNeeded,
    Withdrawn,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct SkippedRecord {
    label: String,
    reason: SkipRecord,
}

impl Stored for PluginRef {
    type Record = PluginRecord;

    fn to_record(&self) -> PluginRecord {
        let Self { name, version, digest } = self.clone();
        PluginRecord { name, version, digest }
    }

    fn from_record(record: PluginRecord) -> Result<Self, Unreadable> {
        let PluginRecord { name, version, digest } = record;
        Ok(Self { name, version, digest })
    }
}

impl Stored for Failure {
    type Record = FailureRecord;

    fn to_record(&self) -> FailureRecord {
        let Self { code, label, detail } = self;
        FailureRecord {
            code: code.as_str().to_owned(),
            label: label.clone(),
            detail: detail.clone(),
        }
    }

    fn from_record(record: FailureRecord) -> Result<Self, Unreadable> {
        let FailureRecord { code, label, detail } = record;
        let code: FailureCode = code.parse().map_err(|()| Unreadable("the code of a failure"))?;
        Ok(Self { code, label, detail })
    }
}

impl Stored for CallReport {
    type Record = CallRecord;

    fn to_record(&self) -> CallRecord {
        let Self { label, occurrence, status, outcome, attempts, response_bytes, duration_ms } =
            self.clone();
        CallRecord { label, occurrence, status, outcome, attempts, response_bytes, duration_ms }
    }

    fn from_record(record: CallRecord) -> Result<Self, Unreadable> {
        let CallRecord {
            label,
            occurrence,
            status,
            outcome,
            attempts,
            response_bytes,
            duration_ms,
        } = record;
        Ok(Self { label, occurrence, status, outcome, attempts, response_bytes, duration_ms })
    }
}

impl Stored for SkipReason {
    type Record = SkipRecord;

    fn to_record(&self) -> SkipRecord {
        match self {
            Self::MissingPlaceholder(name) => SkipRecord::MissingPlaceholder(name.clone()),
            Self::NotApplicable => SkipRecord::NotApplicable,
            Self::NotNeeded => SkipRecord::NotNeeded,
            Self::Withdrawn => SkipRecord::Withdrawn,
        }
    }

    fn from_record(record: SkipRecord) -> Result<Self, Unreadable> {
        Ok(match record {
            SkipRecord::MissingPlaceholder(name) => Self::MissingPlaceholder(name),
            SkipRecord::NotApplicable => Self::NotApplicable,
            SkipRecord::NotNeeded => Self::NotNeeded,
            SkipRecord::Withdrawn => Self::Withdrawn,
        })
    }
}

impl Stored for SkippedQuery {
    type Record = SkippedRecord;

    fn to_record(&self) -> SkippedRecord {
        let Self { label, reason } = self;
        SkippedRecord { label: label.clone(), reason: reason.to_record() }
    }

    fn from_record(record: SkippedRecord) -> Result<Self, Unreadable> {
        let SkippedRecord { label, reason } = record;
        Ok(Self { label, reason: SkipReason::from_record(reason)? })
    }
}
