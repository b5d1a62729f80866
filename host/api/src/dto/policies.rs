//! Policies.

use std::fmt;

use cordon_engine::service::policies::{DeadlineDraft, PolicyDraft, RuleDraft};
use cordon_model::deadline::Deadline;
use cordon_model::policy::{OnError, Policy};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};
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
    /// When requests are due: `gdpr` (one calendar month), `ccpa` (45 days) or `{"days": 30}`.
    /// One that is not answered by then is an error, `deadline_passed`. Left out: never.
    #[schema(value_type = Option<DeadlineView>)]
    deadline: Option<DeadlineBody>,
    /// Days after its end that a request's package and content are kept, 1 to 3650; left out: no
    /// limit.
    retention_days: Option<u64>,
}

/// A word or an object.
pub(crate) struct DeadlineBody(DeadlineDraft);

/// A deadline in days.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DaysBody {
    days: u64,
}

impl<'de> Deserialize<'de> for DeadlineBody {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WordOrDays;
        impl<'de> Visitor<'de> for WordOrDays {
            type Value = DeadlineBody;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("gdpr, ccpa or an object with days")
            }
            fn visit_str<E>(self, word: &str) -> Result<DeadlineBody, E> {
                Ok(DeadlineBody(DeadlineDraft::Law(word.to_owned())))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<DeadlineBody, A::Error> {
                let body = DaysBody::deserialize(MapAccessDeserializer::new(map))?;
                Ok(DeadlineBody(DeadlineDraft::Days(body.days)))
            }
        }
        deserializer.deserialize_any(WordOrDays)
    }
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

impl Dto for PolicyBody {}

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
            deadline: body.deadline.map(|deadline| deadline.0),
            retention_days: body.retention_days,
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
    /// When requests are due; null: never.
    deadline: Option<DeadlineView>,
    /// Days after its end that a request's package and content are kept; null: no limit.
    retention_days: Option<u32>,
    /// RFC 3339.
    created_at: String,
}

/// `gdpr`, `ccpa` or `{"days": 30}`
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = Deadline)]
pub(crate) enum DeadlineView {
    /// The calendar of a law: `gdpr` (one calendar month) or `ccpa` (45 days).
    Law(&'static str),
    /// Calendar days.
    Days {
        /// 1 to 3650.
        days: u32,
    },
}

impl From<Deadline> for DeadlineView {
    fn from(deadline: Deadline) -> Self {
        match deadline {
            Deadline::Gdpr => Self::Law("gdpr"),
            Deadline::Ccpa => Self::Law("ccpa"),
            Deadline::Days(days) => Self::Days { days },
        }
    }
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
            deadline: terms.deadline.map(DeadlineView::from),
            retention_days: terms.retention_days,
            created_at: policy.created_at.to_string(),
        }
    }
}
