//! Webhooks of a policy.

use cordon_engine::service::policy_webhooks::{PolicyWebhookDraft, WrittenPolicyWebhook};
use cordon_model::Secret;
use cordon_model::webhook::PolicyWebhook;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::json::Dto;

/// A webhook as it is written.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PolicyWebhookObject)]
pub(crate) struct PolicyWebhookBody {
    /// Its place among those of its phase; the smaller first, of equals the older.
    order: u32,
    /// `pre_execution`: after the manual webhooks and before any connector. `post_execution`:
    /// when everything else is done.
    phase: String,
    /// `one_way`: it is told, and any 2xx answer will do. `two_way`: its answer may halt the
    /// request, or add identities.
    direction: String,
    /// Where it is told; its host must be among the tenant's `webhook_hosts`.
    url: String,
    /// `whsec_` and the base64 of 24 to 64 bytes. Left out: a new webhook gets one that the host
    /// makes and shows once, a stored one keeps what it has.
    secret: Option<String>,
    /// The host makes a new secret and shows it once. Left out: false.
    #[serde(default)]
    new_secret: bool,
    /// Whether it is told the person's identities, and not the id of the request alone. Left
    /// out: false.
    #[serde(default)]
    send_identities: bool,
}

impl Dto for PolicyWebhookBody {}

impl From<PolicyWebhookBody> for PolicyWebhookDraft {
    fn from(body: PolicyWebhookBody) -> Self {
        Self {
            order: body.order,
            phase: body.phase,
            direction: body.direction,
            url: body.url,
            send_identities: body.send_identities,
            secret: body.secret.map(Secret::new),
            new_secret: body.new_secret,
        }
    }
}

/// A webhook of a policy.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PolicyWebhook)]
pub(crate) struct PolicyWebhookView {
    /// Its id.
    id: String,
    /// The policy whose requests it is told about.
    policy: String,
    /// Its place among those of its phase.
    order: u32,
    /// `pre_execution` or `post_execution`.
    phase: &'static str,
    /// `one_way` or `two_way`.
    direction: &'static str,
    /// Where it is told.
    url: String,
    /// Whether it is told the person's identities.
    send_identities: bool,
    /// RFC 3339.
    created_at: String,
}

impl From<PolicyWebhook> for PolicyWebhookView {
    fn from(webhook: PolicyWebhook) -> Self {
        Self {
            id: webhook.id.to_string(),
            policy: webhook.policy.to_string(),
            order: webhook.order,
            phase: webhook.phase.as_str(),
            direction: webhook.direction.as_str(),
            url: webhook.url,
            send_identities: webhook.sends_identities,
            created_at: webhook.created_at.to_string(),
        }
    }
}

/// A webhook that was just written.
#[derive(Serialize, ToSchema)]
#[schema(as = WrittenPolicyWebhook)]
pub(crate) struct WrittenPolicyWebhookView {
    #[serde(flatten)]
    webhook: PolicyWebhookView,
    /// What its messages are signed with, when the host made it: shown this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

impl From<WrittenPolicyWebhook> for WrittenPolicyWebhookView {
    fn from(written: WrittenPolicyWebhook) -> Self {
        Self {
            webhook: written.webhook.into(),
            secret: written.made_secret.map(|secret| secret.expose().to_owned()),
        }
    }
}
