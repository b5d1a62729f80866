//! Tenants, and the kinds of identity they know.

use std::time::Duration;

use cordon_model::subject::IdentityKind;
use cordon_model::tenant::{Tenant, TenantLimits};
use cordon_model::{Revision, TenantId, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Stored, Unreadable, set_from_records, set_to_records};

#[derive(Serialize, Deserialize)]
pub(crate) struct TenantRecord {
    id: TenantId,
    display_name: String,
    limits: LimitsRecord,
    identity_kinds: Vec<String>,
    suspended: bool,
    created_at: Timestamp,
    revision: Revision,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct LimitsRecord {
    job_timeout: Duration,
}

impl Stored for Tenant {
    type Record = TenantRecord;

    fn to_record(&self) -> TenantRecord {
        let Self { id, display_name, limits, identity_kinds, suspended, created_at, revision } =
            self;
        TenantRecord {
            id: id.clone(),
            display_name: display_name.clone(),
            limits: limits.to_record(),
            identity_kinds: set_to_records(identity_kinds),
            suspended: *suspended,
            created_at: *created_at,
            revision: *revision,
        }
    }

    fn from_record(record: TenantRecord) -> Result<Self, Unreadable> {
        let TenantRecord {
            id,
            display_name,
            limits,
            identity_kinds,
            suspended,
            created_at,
            revision,
        } = record;
        Ok(Self {
            id,
            display_name,
            limits: TenantLimits::from_record(limits)?,
            identity_kinds: set_from_records(identity_kinds)?,
            suspended,
            created_at,
            revision,
        })
    }
}

impl Stored for TenantLimits {
    type Record = LimitsRecord;

    fn to_record(&self) -> LimitsRecord {
        let Self { job_timeout } = self;
        LimitsRecord { job_timeout: *job_timeout }
    }

    fn from_record(record: LimitsRecord) -> Result<Self, Unreadable> {
        let LimitsRecord { job_timeout } = record;
        Ok(Self { job_timeout })
    }
}

impl Stored for IdentityKind {
    type Record = String;

    fn to_record(&self) -> String {
        self.as_str().to_owned()
    }

    fn from_record(record: String) -> Result<Self, Unreadable> {
        record.parse().map_err(|_| Unreadable("a kind of identity"))
    }
}
