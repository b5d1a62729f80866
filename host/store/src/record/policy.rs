//! Policies and manual webhooks.

use cordon_model::deadline::Deadline;
use cordon_model::input::FieldType;
use cordon_model::policy::{ManualField, ManualWebhook, OnError, Policy, PolicyTerms, Rule};
use cordon_model::{Action, ConnectionKey, PolicyKey, Revision, TenantId, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Stored, Unreadable, from_optional, from_records, to_optional, to_records, words};

#[derive(Serialize, Deserialize)]
pub(crate) struct PolicyRecord {
    tenant: TenantId,
    key: PolicyKey,
    name: String,
    terms: TermsRecord,
    created_at: Timestamp,
    revision: Revision,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct TermsRecord {
    rules: Vec<RuleRecord>,
    connections: Option<Vec<ConnectionKey>>,
    requires_approval: bool,
    auto_resume: bool,
    allow_unserved: bool,
    on_error: String,
    deadline: Option<DeadlineRecord>,
    retention_days: Option<u32>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DeadlineRecord {
    Gdpr,
    Ccpa,
    Days(u32),
}

#[derive(Serialize, Deserialize)]
pub(crate) struct RuleRecord {
    action: String,
    destination: Option<String>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct WebhookRecord {
    tenant: TenantId,
    policy: PolicyKey,
    connection: ConnectionKey,
    fields: Vec<ManualFieldRecord>,
    enabled: bool,
    confirm: bool,
    created_at: Timestamp,
    revision: Revision,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct ManualFieldRecord {
    pii_field: String,
    dsr_package_label: String,
    types: Vec<String>,
    required: bool,
}

words!(OnError, "what a failed task does", { Stop = "stop", Continue = "continue", });
words!(FieldType, "the type of a field", { Text = "text", File = "file", });

impl Stored for Policy {
    type Record = PolicyRecord;

    fn to_record(&self) -> PolicyRecord {
        let Self { tenant, key, name, terms, created_at, revision } = self;
        PolicyRecord {
            tenant: tenant.clone(),
            key: key.clone(),
            name: name.clone(),
            terms: terms.to_record(),
            created_at: *created_at,
            revision: *revision,
        }
    }

    fn from_record(record: PolicyRecord) -> Result<Self, Unreadable> {
        let PolicyRecord { tenant, key, name, terms, created_at, revision } = record;
        let terms = PolicyTerms::from_record(terms)?;
        Ok(Self { tenant, key, name, terms, created_at, revision })
    }
}

impl Stored for PolicyTerms {
    type Record = TermsRecord;

    fn to_record(&self) -> TermsRecord {
        let Self {
            rules,
            connections,
            requires_approval,
            auto_resume,
            allow_unserved,
            on_error,
            deadline,
            retention_days,
        } = self;
        TermsRecord {
            rules: to_records(rules),
            connections: connections.clone(),
            requires_approval: *requires_approval,
            auto_resume: *auto_resume,
            allow_unserved: *allow_unserved,
            on_error: on_error.to_record(),
            deadline: to_optional(deadline.as_ref()),
            retention_days: *retention_days,
        }
    }

    fn from_record(record: TermsRecord) -> Result<Self, Unreadable> {
        let TermsRecord {
            rules,
            connections,
            requires_approval,
            auto_resume,
            allow_unserved,
            on_error,
            deadline,
            retention_days,
        } = record;
        Ok(Self {
            rules: from_records(rules)?,
            connections,
            requires_approval,
            auto_resume,
            allow_unserved,
            on_error: OnError::from_record(on_error)?,
            deadline: from_optional(deadline)?,
            retention_days,
        })
    }
}

impl Stored for Deadline {
    type Record = DeadlineRecord;

    fn to_record(&self) -> DeadlineRecord {
        match self {
            Self::Gdpr => DeadlineRecord::Gdpr,
            Self::Ccpa => DeadlineRecord::Ccpa,
            Self::Days(days) => DeadlineRecord::Days(*days),
        }
    }

    fn from_record(record: DeadlineRecord) -> Result<Self, Unreadable> {
        Ok(match record {
            DeadlineRecord::Gdpr => Self::Gdpr,
            DeadlineRecord::Ccpa => Self::Ccpa,
            DeadlineRecord::Days(days) => Self::Days(days),
        })
    }
}

impl Stored for Rule {
    type Record = RuleRecord;

    fn to_record(&self) -> RuleRecord {
        let Self { action, destination } = self;
        RuleRecord { action: action.to_record(), destination: destination.clone() }
    }

    fn from_record(record: RuleRecord) -> Result<Self, Unreadable> {
        let RuleRecord { action, destination } = record;
        Ok(Self { action: Action::from_record(action)?, destination })
    }
}

impl Stored for ManualWebhook {
    type Record = WebhookRecord;

    fn to_record(&self) -> WebhookRecord {
        let Self { tenant, policy, connection, fields, enabled, confirm, created_at, revision } =
            self;
        WebhookRecord {
            tenant: tenant.clone(),
            policy: policy.clone(),
            connection: connection.clone(),
            fields: to_records(fields),
            enabled: *enabled,
            confirm: *confirm,
            created_at: *created_at,
            revision: *revision,
        }
    }

    fn from_record(record: WebhookRecord) -> Result<Self, Unreadable> {
        let WebhookRecord {
            tenant,
            policy,
            connection,
            fields,
            enabled,
            confirm,
            created_at,
            revision,
        } = record;
        let fields = from_records(fields)?;
        Ok(Self { tenant, policy, connection, fields, enabled, confirm, created_at, revision })
    }
}

impl Stored for ManualField {
    type Record = ManualFieldRecord;

    fn to_record(&self) -> ManualFieldRecord {
        let Self { pii_field, dsr_package_label, types, required } = self;
        ManualFieldRecord {
            pii_field: pii_field.clone(),
            dsr_package_label: dsr_package_label.clone(),
            types: to_records(types),
            required: *required,
        }
    }

    fn from_record(record: ManualFieldRecord) -> Result<Self, Unreadable> {
        let ManualFieldRecord { pii_field, dsr_package_label, types, required } = record;
        Ok(Self { pii_field, dsr_package_label, types: from_records(types)?, required })
    }
}
