//! What would become of a request, and why.

use cordon_engine::service::explain::Explanation;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::grants::GrantsView;
use crate::json::Dto;

/// A request that is asked about.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = EgressQuestion)]
pub(crate) struct ExplainBody {
    /// Key or UUID of the connection.
    pub(crate) connection: String,
    /// The verb, as it would be sent.
    pub(crate) method: String,
    /// The whole URL.
    pub(crate) url: String,
}

impl Dto for ExplainBody {}

/// What would become of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EgressExplanation)]
pub(crate) struct ExplanationView {
    /// `allow` or `deny`
    decision: &'static str,
    /// Where it was decided: `config`, `render`, `parse`, `policy`, `address` or `resolve`.
    stage: &'static str,
    /// The code of the refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    /// What decided, in a sentence.
    rule: String,
    /// What would have to be granted, where a grant helps.
    #[serde(skip_serializing_if = "Option::is_none")]
    missing_grant: Option<GrantsView>,
    /// Where the host leads, as far as that was asked; for the operator only.
    #[serde(skip_serializing_if = "Option::is_none")]
    addresses: Option<Vec<String>>,
}

impl From<Explanation> for ExplanationView {
    fn from(explanation: Explanation) -> Self {
        let addresses = explanation.addresses;
        Self {
            decision: if explanation.denied.is_some() { "deny" } else { "allow" },
            stage: explanation.stage,
            code: explanation.denied,
            rule: explanation.rule,
            missing_grant: (!explanation.missing.is_empty()).then(|| explanation.missing.into()),
            addresses: addresses.map(|list| list.iter().map(ToString::to_string).collect()),
        }
    }
}
