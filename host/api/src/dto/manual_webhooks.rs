//! Manual webhooks of a policy.

use cordon_engine::service::manual_webhooks::{FieldDraft, ManualWebhookDraft};
use cordon_model::input::FieldType;
use cordon_model::policy::{ManualField, ManualWebhook};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::yes;
use crate::json::Dto;

/// A manual webhook as it is written.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ManualWebhookObject)]
pub(crate) struct ManualWebhookBody {
    /// Key of a connection of type `manual_webhook`; may be left out where the path names it.
    connection: Option<String>,
    /// What a person is asked for; at least one.
    fields: Vec<FieldBody>,
    /// Left out: true.
    #[serde(default = "yes")]
    enabled: bool,
    /// Whether requests of a policy without an access rule wait for a person too; left out: false.
    #[serde(default)]
    confirm: bool,
}

/// One field.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ManualFieldObject)]
pub(crate) struct FieldBody {
    /// What is asked for, in words for the person who looks it up.
    pii_field: String,
    /// What stands in the package; left out: the snake_case of the field.
    dsr_package_label: Option<String>,
    /// `string`, `file` or both; left out: `string`.
    types: Option<Vec<String>>,
    /// Whether it must be given; left out: false.
    #[serde(default)]
    required: bool,
}

impl Dto for ManualWebhookBody {
    /// There is nothing yet that would deliver it.
    const NOT_YET: &'static [&'static str] = &["notify"];
}

impl From<ManualWebhookBody> for ManualWebhookDraft {
    fn from(body: ManualWebhookBody) -> Self {
        let field = |field: FieldBody| FieldDraft {
            pii_field: field.pii_field,
            dsr_package_label: field.dsr_package_label,
            types: field.types,
            required: field.required,
        };
        Self {
            connection: body.connection,
            fields: body.fields.into_iter().map(field).collect(),
            enabled: body.enabled,
            confirm: body.confirm,
        }
    }
}

/// A manual webhook.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ManualWebhook)]
pub(crate) struct ManualWebhookView {
    /// The policy whose requests wait for it.
    policy: String,
    /// The connection whose key the values stand under in the package.
    connection: String,
    /// What a person is asked for.
    fields: Vec<FieldView>,
    /// A disabled one is not asked for.
    enabled: bool,
    /// Whether requests of a policy without an access rule wait for a person too.
    confirm: bool,
    /// RFC 3339.
    created_at: String,
}

/// One field.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ManualField)]
pub(crate) struct FieldView {
    /// What is asked for.
    pii_field: String,
    /// What stands in the package.
    dsr_package_label: String,
    /// What may be given.
    types: Vec<&'static str>,
    /// Whether it must be given.
    required: bool,
}

impl From<ManualWebhook> for ManualWebhookView {
    fn from(webhook: ManualWebhook) -> Self {
        let field = |field: ManualField| FieldView {
            pii_field: field.pii_field,
            dsr_package_label: field.dsr_package_label,
            types: field.types.into_iter().map(FieldType::as_str).collect(),
            required: field.required,
        };
        Self {
            policy: webhook.policy.to_string(),
            connection: webhook.connection.to_string(),
            fields: webhook.fields.into_iter().map(field).collect(),
            enabled: webhook.enabled,
            confirm: webhook.confirm,
            created_at: webhook.created_at.to_string(),
        }
    }
}
