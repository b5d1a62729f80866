//! Privacy requests, with the data subject in them. Always sealed.

use cordon_model::package::PackageRef;
use cordon_model::policy::PolicyTerms;
use cordon_model::request::{PrivacyRequest, RequestState, Status};
use cordon_model::subject::{DataSubject, Identity, IdentityKind};
use cordon_model::{Failure, PolicyKey, RequestId, Revision, TaskId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};

use super::policy::TermsRecord;
use super::report::FailureRecord;
use super::task::TaskRecord;
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
    package: Option<PackageRecord>,
    created_at: Timestamp,
    updated_at: Timestamp,
    revision: Revision,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct IdentityRecord {
    kind: String,
    value: String,
    found_by: Option<TaskId>,
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
            package,
            created_at,
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
            package: to_optional(package.as_ref()),
            created_at: *created_at,
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
            package,
            created_at,
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
            package: from_optional(package)?,
            created_at,
            updated_at,
            revision,
        })
    }
}

impl Stored for Identity {
    type Record = IdentityRecord;

    fn to_record(&self) -> IdentityRecord {
        let Self { kind, value, found_by } = self;
        IdentityRecord { kind: kind.to_record(), value: value.clone(), found_by: *found_by }
    }

    fn from_record(record: IdentityRecord) -> Result<Self, Unreadable> {
        let IdentityRecord { kind, value, found_by } = record;
        Ok(Self { kind: IdentityKind::from_record(kind)?, value, found_by })
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
