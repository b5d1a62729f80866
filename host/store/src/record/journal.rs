//! Lines of a task's journal. A large body lies in a sealed file; its record says so.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use cordon_model::http_request::CallError;
use cordon_model::journal::{CallEvent, CallKey, CallOutcome, JournalEntry};
use serde::{Deserialize, Serialize};

use super::{Stored, Unreadable, digest};

/// A line, with its body where it lies.
pub(crate) struct JournalLine {
    /// The line, its body taken out.
    pub(crate) entry: JournalEntry,
    /// The body, when there is one.
    pub(crate) body: Option<Body>,
}

/// Where the body of a response lies.
pub(crate) enum Body {
    /// In the row.
    Inline(Bytes),
    /// In the sealed file that the row names.
    Filed,
}

impl JournalLine {
    /// Takes the body out of an entry; the caller decides where it goes.
    pub(crate) fn split(mut entry: JournalEntry) -> (JournalEntry, Option<Bytes>) {
        let body = match &mut entry.event {
            CallEvent::Outcome(CallOutcome::Success { body, .. }) => body.take(),
            CallEvent::Outcome(CallOutcome::Failed { .. })
            | CallEvent::Intent
            | CallEvent::Deferred { .. }
            | CallEvent::Settled { .. } => None,
        };
        (entry, body)
    }

    /// The entry, with its body put back; `filed` is what the file held.
    pub(crate) fn join(self, filed: Option<Bytes>) -> JournalEntry {
        let Self { mut entry, body } = self;
        let whole = match body {
            Some(Body::Inline(bytes)) => Some(bytes),
            Some(Body::Filed) => filed,
            None => None,
        };
        if let CallEvent::Outcome(CallOutcome::Success { body, .. }) = &mut entry.event {
            *body = whole;
        }
        entry
    }
}

#[derive(Serialize, Deserialize)]
pub(crate) struct JournalRecord {
    segment: u32,
    attempt: u32,
    label: String,
    occurrence: u32,
    fingerprint: String,
    event: EventRecord,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EventRecord {
    Intent,
    Deferred { attempts: u8 },
    Success { status: u16, body: Option<BodyRecord>, retry_after: Option<u64>, attempts: u8 },
    Failed { error: CallErrorRecord, attempts: u8 },
    Settled { done: bool },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BodyRecord {
    Inline(String),
    Filed,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CallErrorRecord {
    MissingPlaceholder(String),
    AmbiguousPlaceholder(String),
    ValueRefused(String),
    UnexpectedStatus(u16),
    Unreachable,
    Timeout,
    TooLarge,
    Truncated,
}

impl Stored for JournalLine {
    type Record = JournalRecord;

    fn to_record(&self) -> JournalRecord {
        let Self { entry, body } = self;
        let JournalEntry { segment, attempt, key, fingerprint, event } = entry;
        let CallKey { label, occurrence } = key;
        let event = match event {
            CallEvent::Intent => EventRecord::Intent,
            CallEvent::Deferred { attempts } => EventRecord::Deferred { attempts: *attempts },
            CallEvent::Settled { done } => EventRecord::Settled { done: *done },
            CallEvent::Outcome(CallOutcome::Success {
                status,
                body: _taken_out,
                retry_after,
                attempts,
            }) => EventRecord::Success {
                status: *status,
                body: body.as_ref().map(Body::to_record),
                retry_after: *retry_after,
                attempts: *attempts,
            },
            CallEvent::Outcome(CallOutcome::Failed { error, attempts }) => {
                EventRecord::Failed { error: error.to_record(), attempts: *attempts }
            }
        };
        JournalRecord {
            segment: *segment,
            attempt: *attempt,
            label: label.clone(),
            occurrence: *occurrence,
            fingerprint: hex::encode(fingerprint),
            event,
        }
    }

    fn from_record(record: JournalRecord) -> Result<Self, Unreadable> {
        let JournalRecord { segment, attempt, label, occurrence, fingerprint, event } = record;
        let mut line_body = None;
        let event = match event {
            EventRecord::Intent => CallEvent::Intent,
            EventRecord::Deferred { attempts } => CallEvent::Deferred { attempts },
            EventRecord::Settled { done } => CallEvent::Settled { done },
            EventRecord::Success { status, body, retry_after, attempts } => {
                line_body = super::from_optional(body)?;
                let outcome = CallOutcome::Success { status, body: None, retry_after, attempts };
                CallEvent::Outcome(outcome)
            }
            EventRecord::Failed { error, attempts } => CallEvent::Outcome(CallOutcome::Failed {
                error: CallError::from_record(error)?,
                attempts,
            }),
        };
        let key = CallKey { label, occurrence };
        let fingerprint = digest(&fingerprint, "the fingerprint of a call")?;
        let entry = JournalEntry { segment, attempt, key, fingerprint, event };
        Ok(Self { entry, body: line_body })
    }
}

impl Stored for Body {
    type Record = BodyRecord;

    fn to_record(&self) -> BodyRecord {
        match self {
            Self::Inline(bytes) => BodyRecord::Inline(STANDARD.encode(bytes)),
            Self::Filed => BodyRecord::Filed,
        }
    }

    fn from_record(record: BodyRecord) -> Result<Self, Unreadable> {
        match record {
            BodyRecord::Inline(text) => {
                let bytes = STANDARD.decode(text).map_err(|_| Unreadable("a body"))?;
                Ok(Self::Inline(bytes.into()))
            }
            BodyRecord::Filed => Ok(Self::Filed),
        }
    }
}

impl Stored for CallError {
    type Record = CallErrorRecord;

    fn to_record(&self) -> CallErrorRecord {
        match self {
            Self::MissingPlaceholder(name) => CallErrorRecord::MissingPlaceholder(name.clone()),
            Self::AmbiguousPlaceholder(name) => CallErrorRecord::AmbiguousPlaceholder(name.clone()),
            Self::ValueRefused(name) => CallErrorRecord::ValueRefused(name.clone()),
            Self::UnexpectedStatus(status) => CallErrorRecord::UnexpectedStatus(*status),
            Self::Unreachable => CallErrorRecord::Unreachable,
            Self::Timeout => CallErrorRecord::Timeout,
            Self::TooLarge => CallErrorRecord::TooLarge,
            Self::Truncated => CallErrorRecord::Truncated,
        }
    }

    fn from_record(record: CallErrorRecord) -> Result<Self, Unreadable> {
        Ok(match record {
            CallErrorRecord::MissingPlaceholder(name) => Self::MissingPlaceholder(name),
            CallErrorRecord::AmbiguousPlaceholder(name) => Self::AmbiguousPlaceholder(name),
            CallErrorRecord::ValueRefused(name) => Self::ValueRefused(name),
            CallErrorRecord::UnexpectedStatus(status) => Self::UnexpectedStatus(status),
            CallErrorRecord::Unreachable => Self::Unreachable,
            CallErrorRecord::Timeout => Self::Timeout,
            CallErrorRecord::TooLarge => Self::TooLarge,
            CallErrorRecord::Truncated => Self::Truncated,
        })
    }
}
