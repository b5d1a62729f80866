//! What is found wrong before the first query of a task goes out: a placeholder that nothing is
//! known for, a name that is two things, too many combinations of identities.
//!
//! Pure. Details name placeholders, never values.

use std::collections::BTreeSet;

use cordon_model::plan::{PlannedRequest, WhenMissing};
use cordon_model::secret::Credentials;
use cordon_model::{Action, Failure, FailureCode};

use crate::call::Values;
use crate::plan::{Name, Plan, names};

/// Which run it is.
#[derive(Clone, Copy)]
pub(crate) struct For<'a> {
    pub(crate) plan: &'a Plan,
    /// None: a test.
    pub(crate) action: Option<Action>,
    pub(crate) wanted: Option<&'a str>,
    /// The identities that are given.
    pub(crate) values: &'a Values,
}

/// Whether the run may need credentials: something it sends names what is no identity of it.
pub(crate) fn needs_credentials(run: For<'_>) -> bool {
    let unknown = |name: Name<'_>| match name {
        Name::Placeholder(name) => run.values.given(name) == 0,
        Name::Secret(_) => true,
    };
    run.plan.of_run(run.action, run.wanted).any(|planned| names(&planned.request).any(unknown))
        || run.plan.egress.iter().any(|need| !need.secrets.is_empty())
}

/// Everything that is wrong, the first thing of each query, in the order of the plan. A run fails
/// with the first; a dry run tells all.
pub(crate) fn failures(
    run: For<'_>,
    credentials: &Credentials,
    combinations_max: u64,
) -> impl Iterator<Item = Failure> {
    run.plan.of_run(run.action, run.wanted).filter_map(move |planned| {
        check_one(planned, run.values, credentials, combinations_max).err()
    })
}

fn check_one(
    planned: &PlannedRequest,
    values: &Values,
    credentials: &Credentials,
    combinations_max: u64,
) -> Result<(), Failure> {
    let failed = |code: FailureCode, detail: String| {
        Err(Failure { code, label: Some(planned.request.label.clone()), detail })
    };
    let mut combinations: u64 = 1;
    for name in names(&planned.request).collect::<BTreeSet<_>>() {
        match name {
            Name::Secret(name) if !credentials.contains_key(name) => {
                let detail = format!("the credentials of the connection have no key `{name}`");
                return failed(FailureCode::SecretsUnavailable, detail);
            }
            Name::Secret(_) => {}
            Name::Placeholder(name) => match (values.given(name), credentials.contains_key(name)) {
                (0, true) => {}
                (0, false) if planned.when_missing == WhenMissing::Skip => return Ok(()),
                (0, false) => {
                    let detail = format!("nothing is known for the placeholder {{{name}}}");
                    return failed(FailureCode::MissingPlaceholder, detail);
                }
                (_, true) => {
                    let detail = format!(
                        "the placeholder {{{name}}} names both a credential and an identity"
                    );
                    return failed(FailureCode::InvalidConfig, detail);
                }
                (count, false) => combinations = combinations.saturating_mul(count),
            },
        }
    }
    if combinations > combinations_max {
        let detail = format!(
            "the identities combine in {combinations} ways; {combinations_max} are allowed"
        );
        return failed(FailureCode::TooManyCombinations, detail);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
