//! What the host finds wrong before the first query of a task goes out.

use std::collections::BTreeSet;

use super::Purpose;
use crate::query_failure;
use crate::types::{Action, Failure, FailureCode, PlannedRequest, WhenMissing};

/// A planned query of this run names an identity that the data subject lacks, and is not one that
/// may be skipped: the connector is not called.
pub(super) fn failure(
    plan: &[PlannedRequest],
    purpose: &Purpose,
    identities: &[(String, String, bool)],
    secrets: &BTreeSet<String>,
) -> Option<Failure> {
    let serves = |planned: &&PlannedRequest| match purpose {
        Purpose::Test => planned.action.is_none(),
        Purpose::Action(action) => planned.action == Some(*action),
        Purpose::Find(wanted) => {
            planned.action == Some(Action::Identifiers) && planned.wanted.as_ref() == Some(wanted)
        }
    };
    let known = |name: &&str| {
        secrets.contains(*name) || identities.iter().any(|(kind, _, _)| kind == *name)
    };
    let strict = plan.iter().filter(serves).filter(|p| p.when_missing == WhenMissing::Fail);
    let mut missing = strict.filter_map(|planned| {
        let name = planned.request.placeholders().find(|name| !known(name))?;
        Some((planned.request.label.as_str(), name))
    });
    let (label, name) = missing.next()?;
    let detail = format!("nothing is known for the placeholder {{{name}}}");
    Some(query_failure(FailureCode::MissingPlaceholder, label, detail))
}
