//! Privacy requests, with the data subject in them. Always sealed.

use cordon_model::package::PackageRef;
use cordon_model::policy::PolicyTerms;
use cordon_model::request::{Notice, PrivacyRequest, RequestState, Status};
use cordon_model::subject::{DataSubject, Identity, IdentityKind, IdentitySource};
use cordon_model::{
    Failure, PolicyKey, RequestId, Revision, TaskId, TenantId, Timestamp, WebhookId,
};
use serde::{Deserialize, Serialize};

use super::policy::TermsRecord;
use super::report::FailureRecord;
use super::task::TaskRecord;
use super::webhook::WebhookRunRecord;
use super::{Stored, Unreadable, from_optional, from_records, to_optional, to_records, words};

#[derive(Serialize, Deserialize)]
pub(crate) struct RequestRecord {
    id: RequestId,
    tenant: TenantId,
    policy: PolicyKey,
    terms: TermsRecord,
    external_id: Option<String>,
    identities: Vec<IdentityRecord>,
    state: StateRecord,
    tasks: Vec<TaskRecord>,
    unserved: Vec<String>,
    webhooks: Vec<WebhookRunRecord>,
    package: Option<PackageRecord>,
    expired_at: Option<Timestamp>,
    callback_url: Option<String>,
    notices: Vec<NoticeRecord>,
    due_at: Option<Timestamp>,
    overdue: bool,
    created_at: Timestamp,
    approved_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    updated_at: Timestamp,
    revision: Revision,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct IdentityRecord {
    kind: String,
    value: String,
    source: SourceRecord,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SourceRecord {
    Submitted,
    Task(TaskId),
    Webhook(WebhookId),
}

#[derive(Serialize, Deserialize)]
pub(crate) struct NoticeRecord {
    revision: Revision,
    status: String,
    at: Timestamp,
    attempts: u32,
    due: Timestamp,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StateRecord {
    Pending,
    Approved,
    Processing,
    Denied { reason: Option<String> },
    Canceled,
    Complete,
    Failed { failure: FailureRecord },
}

#[derive(Serialize, Deserialize)]
pub(crate) struct PackageRecord {
    destination: String,
    object_key: String,
    sha256: String,
    size: u64,
    files: u32,
}

words!(Status, "the status of a request", {
    Pending = "pending",
    Approved = "approved",
    InProcessing = "in_processing",
    RequiresInput = "requires_input",
    Paused = "paused",
    Complete = "complete",
    Denied = "denied",
    Canceled = "canceled",
    Error = "error",
});

impl Stored for PrivacyRequest {
    type Record = RequestRecord;

    fn to_record(&self) -> RequestRecord {
        let Self {
            id,
            tenant,
            policy,
            terms,
            external_id,
            subject: DataSubject { identities },
            state,
            tasks,
            unserved,
            webhooks,
            package,
            expired_at,
            callback_url,
            notices,
            due_at,
            overdue,
            created_at,
            approved_at,
            ended_at,
            updated_at,
            revision,
        } = self;
        RequestRecord {
            id: *id,
            tenant: tenant.clone(),
            policy: policy.clone(),
            terms: terms.to_record(),
            external_id: external_id.clone(),
            identities: to_records(identities),
            state: state.to_record(),
            tasks: to_records(tasks),
            unserved: to_records(unserved),
            webhooks: to_records(webhooks),
            package: to_optional(package.as_ref()),
            expired_at: *expired_at,
            callback_url: callback_url.clone(),
            notices: to_records(notices),
            due_at: *due_at,
            overdue: *overdue,
            created_at: *created_at,
            approved_at: *approved_at,
            ended_at: *ended_at,
            updated_at: *updated_at,
            revision: *revision,
        }
    }

    fn from_record(record: RequestRecord) -> Result<Self, Unreadable> {
        let RequestRecord {
            id,
            tenant,
            policy,
            terms,
            external_id,
            identities,
            state,
            tasks,
            unserved,
            webhooks,
            package,
            expired_at,
            callback_url,
            notices,
            due_at,
            overdue,
            created_at,
            approved_at,
            ended_at,
            updated_at,
            revision,
        } = record;
        Ok(Self {
            id,
            tenant,
            policy,
            terms: PolicyTerms::from_record(terms)?,
            external_id,
            subject: DataSubject { identities: from_records(identities)? },
            state: RequestState::from_record(state)?,
            tasks: from_records(tasks)?,
            unserved: from_records(unserved)?,
            webhooks: from_records(webhooks)?,
            package: from_optional(package)?,
            expired_at,
            callback_url,
            notices: from_records(notices)?,
            due_at,
            overdue,
            created_at,
            approved_at,
            ended_at,
            updated_at,
            revision,
        })
    }
}

impl Stored for Identity {
    type Record = IdentityRecord;

    fn to_record(&self) -> IdentityRecord {
        let Self { kind, value, source } = self;
        IdentityRecord { kind: kind.to_record(), value: value.clone(), source: source.to_record() }
    }

    fn from_record(record: IdentityRecord) -> Result<Self, Unreadable> {
        let IdentityRecord { kind, value, source } = record;
        let source = IdentitySource::from_record(source)?;
        Ok(Self { kind: IdentityKind::from_record(kind)?, value, source })
    }
}

impl Stored for IdentitySource {
    type Record = SourceRecord;

    fn to_record(&self) -> SourceRecord {
        match self {
            Self::Submitted => SourceRecord::Submitted,
            Self::Task(id) => SourceRecord::Task(*id),
            Self::Webhook(id) => SourceRecord::Webhook(*id),
        }
    }

    fn from_record(record: SourceRecord) -> Result<Self, Unreadable> {
        Ok(match record {
            SourceRecord::Submitted => Self::Submitted,
            SourceRecord::Task(id) => Self::Task(id),
            SourceRecord::Webhook(id) => Self::Webhook(id),
        })
    }
}

impl Stored for Notice {
    type Record = NoticeRecord;

    fn to_record(&self) -> NoticeRecord {
        let Self { revision, status, at, attempts, due } = self;
        NoticeRecord {
            revision: *revision,
            status: status.to_record(),
            at: *at,
            attempts: *attempts,
            due: *due,
        }
    }

    fn from_record(record: NoticeRecord) -> Result<Self, Unreadable> {
        let NoticeRecord { revision, status, at, attempts, due } = record;
        Ok(Self { revision, status: Status::from_record(status)?, at, attempts, due })
    }
}

impl Stored for RequestState {
    type Record = StateRecord;

    fn to_record(&self) -> StateRecord {
        match self {
            Self::Pending => StateRecord::Pending,
            Self::Approved => StateRecord::Approved,
            Self::Processing => StateRecord::Processing,
            Self::Denied { reason } => StateRecord::Denied { reason: reason.clone() },
            Self::Canceled => StateRecord::Canceled,
            Self::Complete => StateRecord::Complete,
            Self::Failed { failure } => StateRecord::Failed { failure: failure.to_record() },
        }
    }

    fn from_record(record: StateRecord) -> Result<Self, Unreadable> {
        Ok(match record {
            StateRecord::Pending => Self::Pending,
            StateRecord::Approved => Self::Approved,
            StateRecord::Processing => Self::Processing,
            StateRecord::Denied { reason } => Self::Denied { reason },
            StateRecord::Canceled => Self::Canceled,
            StateRecord::Complete => Self::Complete,
            StateRecord::Failed { failure } => {
                Self::Failed { failure: Failure::from_record(failure)? }
            }
        })
    }
}

impl Stored for PackageRef {
    type Record = PackageRecord;

    fn to_record(&self) -> PackageRecord {
        let Self { destination, object_key, sha256, size, files } = self.clone();
        PackageRecord { destination, object_key, sha256, size, files }
    }

    fn from_record(record: PackageRecord) -> Result<Self, Unreadable> {
        let PackageRecord { destination, object_key, sha256, size, files } = record;
        Ok(Self { destination, object_key, sha256, size, files })
    }
}
