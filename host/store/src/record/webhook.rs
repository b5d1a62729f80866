//! Policy webhooks, and what became of each for one request.

use cordon_model::request::{WebhookRun, WebhookState};
use cordon_model::webhook::{Direction, PolicyWebhook, WebhookPhase};
use cordon_model::{Failure, PolicyKey, Revision, Secret, TenantId, Timestamp, WebhookId};
use serde::{Deserialize, Serialize};

use super::report::FailureRecord;
use super::{SecretText, Stored, Unreadable, digest, words};

#[derive(Serialize, Deserialize)]
pub(crate) struct PolicyWebhookRecord {
    tenant: TenantId,
    policy: PolicyKey,
    id: WebhookId,
    order: u32,
    phase: String,
    direction: String,
    url: String,
    sends_identities: bool,
    secret: SecretText,
    created_at: Timestamp,
    revision: Revision,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct WebhookRunRecord {
    id: WebhookId,
    phase: String,
    order: u32,
    direction: String,
    attempts: u32,
    state: WebhookStateRecord,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WebhookStateRecord {
    Queued,
    Waiting { until: Timestamp },
    Done { at: Timestamp },
    Halted { token_sha256: String, at: Timestamp },
    Failed { failure: FailureRecord, at: Timestamp },
    Withdrawn { at: Timestamp },
}

words!(WebhookPhase, "the phase of a webhook", {
    PreExecution = "pre_execution",
    PostExecution = "post_execution",
});
words!(Direction, "the direction of a webhook", { OneWay = "one_way", TwoWay = "two_way", });

impl Stored for PolicyWebhook {
    type Record = PolicyWebhookRecord;

    fn to_record(&self) -> PolicyWebhookRecord {
        let Self {
            tenant,
            policy,
            id,
            order,
            phase,
            direction,
            url,
            sends_identities,
            secret,
            created_at,
            revision,
        } = self;
        PolicyWebhookRecord {
            tenant: tenant.clone(),
            policy: policy.clone(),
            id: *id,
            order: *order,
            phase: phase.to_record(),
            direction: direction.to_record(),
            url: url.clone(),
            sends_identities: *sends_identities,
            secret: secret.to_record(),
            created_at: *created_at,
            revision: *revision,
        }
    }

    fn from_record(record: PolicyWebhookRecord) -> Result<Self, Unreadable> {
        let PolicyWebhookRecord {
            tenant,
            policy,
            id,
            order,
            phase,
            direction,
            url,
            sends_identities,
            secret,
            created_at,
            revision,
        } = record;
        Ok(Self {
            tenant,
            policy,
            id,
            order,
            phase: WebhookPhase::from_record(phase)?,
            direction: Direction::from_record(direction)?,
            url,
            sends_identities,
            secret: Secret::from_record(secret)?,
            created_at,
            revision,
        })
    }
}

impl Stored for WebhookRun {
    type Record = WebhookRunRecord;

    fn to_record(&self) -> WebhookRunRecord {
        let Self { id, phase, order, direction, attempts, state } = self;
        WebhookRunRecord {
            id: *id,
            phase: phase.to_record(),
            order: *order,
            direction: direction.to_record(),
            attempts: *attempts,
            state: state.to_record(),
        }
    }

    fn from_record(record: WebhookRunRecord) -> Result<Self, Unreadable> {
        let WebhookRunRecord { id, phase, order, direction, attempts, state } = record;
        Ok(Self {
            id,
            phase: WebhookPhase::from_record(phase)?,
            order,
            direction: Direction::from_record(direction)?,
            attempts,
            state: WebhookState::from_record(state)?,
        })
    }
}

impl Stored for WebhookState {
    type Record = WebhookStateRecord;

    fn to_record(&self) -> WebhookStateRecord {
        match self {
            Self::Queued => WebhookStateRecord::Queued,
            Self::Waiting { until } => WebhookStateRecord::Waiting { until: *until },
            Self::Done { at } => WebhookStateRecord::Done { at: *at },
            Self::Halted { token_sha256, at } => {
                WebhookStateRecord::Halted { token_sha256: hex::encode(token_sha256), at: *at }
            }
            Self::Failed { failure, at } => {
                WebhookStateRecord::Failed { failure: failure.to_record(), at: *at }
            }
            Self::Withdrawn { at } => WebhookStateRecord::Withdrawn { at: *at },
        }
    }

    fn from_record(record: WebhookStateRecord) -> Result<Self, Unreadable> {
        Ok(match record {
            WebhookStateRecord::Queued => Self::Queued,
            WebhookStateRecord::Waiting { until } => Self::Waiting { until },
            WebhookStateRecord::Done { at } => Self::Done { at },
            WebhookStateRecord::Halted { token_sha256, at } => {
                Self::Halted { token_sha256: digest(&token_sha256, "a webhook's token")?, at }
            }
            WebhookStateRecord::Failed { failure, at } => {
                Self::Failed { failure: Failure::from_record(failure)?, at }
            }
            WebhookStateRecord::Withdrawn { at } => Self::Withdrawn { at },
        })
    }
}
