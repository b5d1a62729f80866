//! Tenants.

use cordon_engine::service::tenants::{EgressDraft, EgressPatch, NewTenant, TenantPatch};
use cordon_model::Secret;
use cordon_model::tenant::{Allowance, Tenant};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::limits::{AllowanceView, LimitsBody, LimitsPatchBody, LimitsSetView};
use super::member;
use crate::json::Dto;

/// A tenant to be created.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewTenant)]
pub(crate) struct NewTenantBody {
    /// Its key.
    name: String,
    /// A name for people; left out: the key.
    display_name: Option<String>,
    /// How much it may use.
    limits: Option<LimitsBody>,
    /// Kinds of identity beside those that every tenant starts with.
    #[serde(default)]
    identity_kinds: Vec<String>,
    /// What its connections and webhooks may reach at most, within the operator's policy.
    egress: Option<EgressBody>,
    /// Hosts that its policy webhooks and callbacks may name: `hooks.acme.com`, `*.acme.com`.
    #[serde(default)]
    webhook_hosts: Vec<String>,
    /// Whether it starts suspended.
    #[serde(default)]
    suspended: bool,
}

/// What a tenant may reach at most. Patterns over origins, as in grants: `https://*.acme.com`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TenantEgress)]
pub(crate) struct EgressBody {
    /// Where requests may go at all; left out: wherever the operator allows.
    allow: Option<Vec<String>>,
    /// Where they may not go, whatever is allowed.
    #[serde(default)]
    deny: Vec<String>,
}

/// What is to change about a tenant.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TenantPatch)]
pub(crate) struct TenantPatchBody {
    /// A name for people.
    #[serde(default, deserialize_with = "member")]
    #[schema(value_type = Option<String>, required = false)]
    display_name: Option<Option<String>>,
    /// How much it may use.
    #[serde(default, deserialize_with = "member")]
    #[schema(value_type = Option<LimitsPatchBody>, required = false)]
    limits: Option<Option<LimitsPatchBody>>,
    /// Every kind of identity, in place of those before.
    #[serde(default, deserialize_with = "member")]
    #[schema(value_type = Option<Vec<String>>, required = false)]
    identity_kinds: Option<Option<Vec<String>>>,
    /// What its connections and webhooks may reach at most; `null`: what the operator allows.
    #[serde(default, deserialize_with = "member")]
    #[schema(value_type = Option<EgressPatchBody>, required = false)]
    egress: Option<Option<EgressPatchBody>>,
    /// Every host that its policy webhooks and callbacks may name, in place of those before.
    #[serde(default, deserialize_with = "member")]
    #[schema(value_type = Option<Vec<String>>, required = false)]
    webhook_hosts: Option<Option<Vec<String>>>,
    /// Whether it is suspended.
    #[serde(default, deserialize_with = "member")]
    #[schema(value_type = Option<bool>, required = false)]
    suspended: Option<Option<bool>>,
}

/// What is to change about what a tenant may reach.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TenantEgressPatch)]
pub(crate) struct EgressPatchBody {
    /// Where requests may go at all; `null`: wherever the operator allows.
    #[serde(default, deserialize_with = "member")]
    #[schema(value_type = Option<Vec<String>>, required = false)]
    allow: Option<Option<Vec<String>>>,
    /// Where they may not go, whatever is allowed.
    #[serde(default, deserialize_with = "member")]
    #[schema(value_type = Option<Vec<String>>, required = false)]
    deny: Option<Option<Vec<String>>>,
}

impl Dto for NewTenantBody {}

impl Dto for TenantPatchBody {}

impl From<NewTenantBody> for NewTenant {
    fn from(body: NewTenantBody) -> Self {
        Self {
            name: body.name,
            display_name: body.display_name,
            limits: body.limits.map(LimitsBody::changes).unwrap_or_default(),
            identity_kinds: body.identity_kinds,
            egress: body.egress.map_or_else(EgressDraft::default, |egress| EgressDraft {
                allow: egress.allow,
                deny: egress.deny,
            }),
            webhook_hosts: body.webhook_hosts,
            suspended: body.suspended,
        }
    }
}

impl From<TenantPatchBody> for TenantPatch {
    fn from(body: TenantPatchBody) -> Self {
        Self {
            display_name: body.display_name,
            limits: body.limits.map(|limits| limits.map(LimitsPatchBody::changes)),
            identity_kinds: body.identity_kinds,
            egress: body.egress.map(|egress| {
                egress.map(|egress| EgressPatch { allow: egress.allow, deny: egress.deny })
            }),
            webhook_hosts: body.webhook_hosts,
            suspended: body.suspended,
        }
    }
}

/// A tenant.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Tenant)]
pub(crate) struct TenantView {
    /// Its key.
    name: String,
    /// A name for people.
    display_name: String,
    /// What was set for it of how much it may use.
    limits: LimitsSetView,
    /// How much it may use: what was set, else what every tenant may.
    effective_limits: AllowanceView,
    /// Kinds of identity that requests and templates may name.
    identity_kinds: Vec<String>,
    /// What its connections and webhooks may reach at most, within the operator's policy.
    egress: EgressView,
    /// Hosts that its policy webhooks and callbacks may name.
    webhook_hosts: Vec<String>,
    /// Whether it has a secret that callbacks are signed with; without one no request may name a
    /// callback.
    has_callback_secret: bool,
    /// Whether its keys are refused and its requests rest.
    suspended: bool,
    /// RFC 3339.
    created_at: String,
}

/// What callbacks are signed with.
#[derive(Serialize, ToSchema)]
#[schema(as = CallbackSecret)]
pub(crate) struct CallbackSecretView {
    /// `whsec_` and base64, as Standard Webhooks write it: shown once.
    secret: String,
}

impl From<Secret> for CallbackSecretView {
    fn from(secret: Secret) -> Self {
        Self { secret: secret.expose().to_owned() }
    }
}

/// What a tenant may reach at most.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TenantEgressView)]
pub(crate) struct EgressView {
    /// `null`: wherever the operator allows.
    allow: Option<Vec<String>>,
    /// Nowhere, whatever is allowed.
    deny: Vec<String>,
}

impl TenantView {
    /// A tenant, which may use so much.
    pub(crate) fn of(tenant: Tenant, allowance: &Allowance) -> Self {
        Self {
            name: tenant.id.to_string(),
            display_name: tenant.display_name,
            limits: LimitsSetView::from(&tenant.limits),
            effective_limits: AllowanceView::from(allowance),
            identity_kinds: tenant.identity_kinds.iter().map(ToString::to_string).collect(),
            egress: EgressView {
                allow: tenant.egress.allow_texts(),
                deny: tenant.egress.deny_texts(),
            },
            webhook_hosts: tenant.webhook_hosts.iter().map(ToString::to_string).collect(),
            has_callback_secret: tenant.callback_secret.is_some(),
            suspended: tenant.suspended,
            created_at: tenant.created_at.to_string(),
        }
    }
}
