//! Tenants: what they may use and reach, the kinds of identity they know, what they sign with.

use std::time::Duration;

use cordon_model::grant::{EgressLimits, HostPattern};
use cordon_model::subject::IdentityKind;
use cordon_model::tenant::{Tenant, TenantLimits};
use cordon_model::{Revision, Secret, TenantId, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    SecretText, Stored, Unreadable, from_optional, set_from_records, set_to_records, texts,
    to_optional,
};

#[derive(Serialize, Deserialize)]
pub(crate) struct TenantRecord {
    id: TenantId,
    display_name: String,
    limits: LimitsRecord,
    identity_kinds: Vec<String>,
    egress: EgressRecord,
    webhook_hosts: Vec<String>,
    callback_secret: Option<SecretText>,
    suspended: bool,
    /// Added later: a record without it is of a tenant that is not being removed.
    removing_since: Option<Timestamp>,
    created_at: Timestamp,
    revision: Revision,
}

/// Every member but the first was added later: a record without it means that nothing was set.
#[derive(Serialize, Deserialize)]
pub(crate) struct LimitsRecord {
    job_timeout: Option<Duration>,
    guest_memory_bytes_max: Option<u64>,
    calls_max: Option<u32>,
    connection_calls_max: Option<u32>,
    requests_in_flight_max: Option<u32>,
    api_requests_per_minute_max: Option<u32>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct EgressRecord {
    allow: Option<Vec<String>>,
    deny: Vec<String>,
}

texts! { HostPattern, "the host of a webhook"; }

impl Stored for Tenant {
    type Record = TenantRecord;

    fn to_record(&self) -> TenantRecord {
        let Self {
            id,
            display_name,
            limits,
            identity_kinds,
            egress,
            webhook_hosts,
            callback_secret,
            suspended,
            removing_since,
            created_at,
            revision,
        } = self;
        TenantRecord {
            id: id.clone(),
            display_name: display_name.clone(),
            limits: limits.to_record(),
            identity_kinds: set_to_records(identity_kinds),
            egress: egress.to_record(),
            webhook_hosts: set_to_records(webhook_hosts),
            callback_secret: to_optional(callback_secret.as_ref()),
            suspended: *suspended,
            removing_since: *removing_since,
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
            egress,
            webhook_hosts,
            callback_secret,
            suspended,
            removing_since,
            created_at,
            revision,
        } = record;
        Ok(Self {
            id,
            display_name,
            limits: TenantLimits::from_record(limits)?,
            identity_kinds: set_from_records(identity_kinds)?,
            egress: EgressLimits::from_record(egress)?,
            webhook_hosts: set_from_records(webhook_hosts)?,
            callback_secret: from_optional::<Secret>(callback_secret)?,
            suspended,
            removing_since,
            created_at,
            revision,
        })
    }
}

impl Stored for TenantLimits {
    type Record = LimitsRecord;

    fn to_record(&self) -> LimitsRecord {
        let Self {
            job_timeout,
            guest_memory_bytes_max,
            calls_max,
            connection_calls_max,
            requests_in_flight_max,
            api_requests_per_minute_max,
        } = *self;
        LimitsRecord {
            job_timeout,
            guest_memory_bytes_max,
            calls_max,
            connection_calls_max,
            requests_in_flight_max,
            api_requests_per_minute_max,
        }
    }

    fn from_record(record: LimitsRecord) -> Result<Self, Unreadable> {
        let LimitsRecord {
            job_timeout,
            guest_memory_bytes_max,
            calls_max,
            connection_calls_max,
            requests_in_flight_max,
            api_requests_per_minute_max,
        } = record;
        Ok(Self {
            job_timeout,
            guest_memory_bytes_max,
            calls_max,
            connection_calls_max,
            requests_in_flight_max,
            api_requests_per_minute_max,
        })
    }
}

impl Stored for EgressLimits {
    type Record = EgressRecord;

    fn to_record(&self) -> EgressRecord {
        EgressRecord { allow: self.allow_texts(), deny: self.deny_texts() }
    }

    fn from_record(record: EgressRecord) -> Result<Self, Unreadable> {
        let EgressRecord { allow, deny } = record;
        Self::read(allow.as_deref(), &deny).map_err(|_| Unreadable("the limits of a tenant"))
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
