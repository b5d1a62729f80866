//! Tenants.

use cordon_engine::service::tenants::{NewTenant, TenantPatch};
use cordon_model::tenant::Tenant;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::member;
use crate::json::Dto;

/// Settings of a tenant that the API names and the host does not do yet.
const NOT_YET: &[&str] = &["egress", "webhook_hosts"];

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
    /// Whether it starts suspended.
    #[serde(default)]
    suspended: bool,
}

/// Limits of a tenant.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TenantLimits)]
pub(crate) struct LimitsBody {
    /// What all queries of one type of one connection may take together, in seconds.
    #[schema(minimum = 1, maximum = 86400)]
    job_timeout_seconds: Option<u64>,
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
    /// Whether it is suspended.
    #[serde(default, deserialize_with = "member")]
    #[schema(value_type = Option<bool>, required = false)]
    suspended: Option<Option<bool>>,
}

/// What is to change about a tenant's limits.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TenantLimitsPatch)]
pub(crate) struct LimitsPatchBody {
    /// What all queries of one type of one connection may take together, in seconds.
    #[serde(default, deserialize_with = "member")]
    #[schema(value_type = Option<u64>, required = false, minimum = 1, maximum = 86400)]
    job_timeout_seconds: Option<Option<u64>>,
}

impl Dto for NewTenantBody {
    const NOT_YET: &'static [&'static str] = NOT_YET;
}

impl Dto for TenantPatchBody {
    const NOT_YET: &'static [&'static str] = NOT_YET;
}

impl From<NewTenantBody> for NewTenant {
    fn from(body: NewTenantBody) -> Self {
        Self {
            name: body.name,
            display_name: body.display_name,
            job_timeout_seconds: body.limits.and_then(|limits| limits.job_timeout_seconds),
            identity_kinds: body.identity_kinds,
            suspended: body.suspended,
        }
    }
}

impl From<TenantPatchBody> for TenantPatch {
    fn from(body: TenantPatchBody) -> Self {
        Self {
            display_name: body.display_name,
            job_timeout_seconds: match body.limits {
                None => None,
                Some(None) => Some(None),
                Some(Some(limits)) => limits.job_timeout_seconds,
            },
            identity_kinds: body.identity_kinds,
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
    /// How much it may use.
    limits: LimitsView,
    /// Kinds of identity that requests and templates may name.
    identity_kinds: Vec<String>,
    /// Whether its keys are refused and its requests rest.
    suspended: bool,
    /// RFC 3339.
    created_at: String,
}

/// Limits of a tenant.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LimitsView {
    /// What all queries of one type of one connection may take together, in seconds.
    job_timeout_seconds: u64,
}

impl From<Tenant> for TenantView {
    fn from(tenant: Tenant) -> Self {
        Self {
            name: tenant.id.to_string(),
            display_name: tenant.display_name,
            limits: LimitsView { job_timeout_seconds: tenant.limits.job_timeout.as_secs() },
            identity_kinds: tenant.identity_kinds.iter().map(ToString::to_string).collect(),
            suspended: tenant.suspended,
            created_at: tenant.created_at.to_string(),
        }
    }
}
