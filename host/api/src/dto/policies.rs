//! Policies.

use cordon_engine::service::policies::{PolicyDraft, RuleDraft};
use cordon_model::policy::{OnError, Policy};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::json::Dto;

/// A policy as it is written.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PolicyObject)]
pub(crate) struct PolicyBody {
    /// Left out: of the path, or made from the name.
    key: Option<String>,
    /// A name for people; left out: the key.
    name: Option<String>,
    /// What is done; at least one.
    rules: Vec<RuleBody>,
    /// The only connections that take part; left out: every live one with the capability.
    connections: Option<Vec<String>>,
    /// Whether a person approves each request first; left out: true with a delete rule.
    requires_approval: Option<bool>,
    /// Whether a request goes on by itself when the last input is there.
    #[serde(default)]
    auto_resume: bool,
    /// Whether a request is accepted although no connection serves one of the rules.
    #[serde(default)]
    allow_unserved: bool,
    /// `stop` (left out) or `continue`: what a failed task does to the stages after its own.
    on_error: Option<String>,
}

/// One thing a policy does.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RuleObject)]
pub(crate) struct RuleBody {
    /// `access`, `delete`, `optout`, `identifiers`
    action: String,
    /// Name of a configured destination for the package; left out: `local`.
    destination: Option<String>,
}

impl Dto for PolicyBody {
    const NOT_YET: &'static [&'static str] = &["deadline", "retention_days"];
}

impl From<PolicyBody> for PolicyDraft {
    fn from(body: PolicyBody) -> Self {
        let rule =
            |rule: RuleBody| RuleDraft { action: rule.action, destination: rule.destination };
        Self {
            key: body.key,
            name: body.name,
            rules: body.rules.into_iter().map(rule).collect(),
            connections: body.connections,
            requires_approval: body.requires_approval,
            auto_resume: body.auto_resume,
            allow_unserved: body.allow_unserved,
            on_error: body.on_error,
        }
    }
}

/// A policy.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Policy)]
pub(crate) struct PolicyView {
    /// Its key.
    key: String,
    /// A name for people.
    name: String,
    /// What is done.
    rules: Vec<RuleView>,
    /// The only connections that take part; null: every live one with the capability.
    connections: Option<Vec<String>>,
    /// Whether a person approves each request first.
    requires_approval: bool,
    /// Whether a request goes on by itself when the last input is there.
    auto_resume: bool,
    /// Whether a request is accepted although no connection serves one of the rules.
    allow_unserved: bool,
    /// `stop` or `continue`
    on_error: &'static str,
    /// RFC 3339.
    created_at: String,
}

/// One thing a policy does.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Rule)]
pub(crate) struct RuleView {
    /// `access`, `delete`, `optout`, `identifiers`
    action: &'static str,
    /// Name of the package's destination.
    #[serde(skip_serializing_if = "Option::is_none")]
    destination: Option<String>,
}

impl From<Policy> for PolicyView {
    fn from(policy: Policy) -> Self {
        let terms = policy.terms;
        let rules = terms
            .rules
            .into_iter()
            .map(|rule| RuleView { action: rule.action.as_str(), destination: rule.destination });
        Self {
            key: policy.key.to_string(),
            name: policy.name,
            rules: rules.collect(),
            connections: terms.connections.map(|keys| keys.into_iter().map(String::from).collect()),
            requires_approval: terms.requires_approval,
            auto_resume: terms.auto_resume,
            allow_unserved: terms.allow_unserved,
            on_error: match terms.on_error {
                OnError::Stop => "stop",
                OnError::Continue => "continue",
            },
            created_at: policy.created_at.to_string(),
        }
    }
}
