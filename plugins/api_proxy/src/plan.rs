//! The plan: what `validate` tells the host about the requests that `run` and `test` will send
//! (BEHAVIOUR A4, B5).

use cordon_connector_sdk::reading::Problems;
use cordon_connector_sdk::types::{Action, Draft, PlannedRequest, Verdict};

use crate::config;
use crate::query::Query;

/// Checks a draft and plans its queries. What no capability uses is never sent, so it is not
/// planned either.
pub(crate) fn validate(draft: &Draft) -> Verdict {
    let mut problems = Problems::default();
    let queries = config::read(&draft.config, Some(&draft.actions), &mut problems);
    let plan = queries.into_iter().filter(|query| is_used(query, &draft.actions)).map(planned);
    Verdict { plan: plan.collect(), problems: problems.into_vec(), egress: Vec::new() }
}

fn is_used(query: &Query, actions: &[Action]) -> bool {
    query.purpose.action().is_none_or(|action| actions.contains(&action))
}

fn planned(query: Query) -> PlannedRequest {
    PlannedRequest {
        pointer: query.pointer,
        action: query.purpose.action(),
        wanted: query.purpose.wanted().map(str::to_owned),
        when_missing: query.when_missing,
        request: query.request,
    }
}

#[cfg(test)]
mod tests;
