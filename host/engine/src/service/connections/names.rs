//! What the names in a connection's templates are (BEHAVIOUR B5): an identity, a credential, both
//! (an error), or neither (an error once it is known which credentials there are).

use std::collections::BTreeSet;

use cordon_model::plan::{Place, Query};
use cordon_model::subject::IdentityKind;
use cordon_model::{ConnectionKey, Problem};
use serde_json::Value;

use super::places;
use crate::service::problems::Problems;

/// The credentials cannot be had now.
pub(in crate::service) const CREDENTIALS_UNAVAILABLE: &str = "credentials_unavailable";

/// A template names something that is neither an identity nor a credential.
const UNKNOWN_PLACEHOLDER: &str = "unknown_placeholder";

/// A template names something that is both.
const AMBIGUOUS_PLACEHOLDER: &str = "ambiguous_placeholder";

/// A credential stands in a URL, where logs of the other side may keep it.
const SECRET_IN_URL: &str = "secret_in_url";

/// Every name that is an identity in a tenant: the kinds that it declares, and those that
/// identifiers queries find.
#[derive(Debug, Clone)]
pub(in crate::service) struct Identities(BTreeSet<IdentityKind>);

impl Identities {
    pub(in crate::service) fn new(declared: BTreeSet<IdentityKind>) -> Self {
        Self(declared)
    }

    /// Adds what these queries find.
    pub(in crate::service) fn declare(&mut self, queries: &[Query]) {
        self.0.extend(queries.iter().filter_map(|query| query.wanted.clone()));
    }

    pub(in crate::service) fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|kind| kind.as_str() == name)
    }
}

/// What is known of a connection's credentials.
#[derive(Debug, Clone)]
pub(in crate::service) enum CredentialNames {
    /// These are all there are.
    Known(BTreeSet<String>),
    /// None are stored yet, or they cannot be had.
    NotStored,
}

/// Checks every name that the templates of a connection's queries hold.
pub(in crate::service) fn check(
    key: &ConnectionKey,
    config: &Value,
    queries: &[Query],
    identities: &Identities,
    credentials: &CredentialNames,
    problems: &mut Problems,
) {
    for query in queries {
        for (name, place) in &query.names {
            let (pointer, column) = places::find(config, &query.pointer, name, *place);
            let found = check_name(key, name, *place, identities, credentials).into_iter();
            let located = |found| Problem { pointer: pointer.clone(), column, ..found };
            problems.extend(found.map(located));
        }
    }
}

/// What is wrong with one name, without its place.
fn check_name(
    key: &ConnectionKey,
    name: &str,
    place: Place,
    identities: &Identities,
    credentials: &CredentialNames,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    let stored = match credentials {
        CredentialNames::Known(names) => Some(names.contains(name)),
        CredentialNames::NotStored => None,
    };
    match (identities.contains(name), stored) {
        (true, Some(true)) => {
            let message = format!(
                "{{{name}}} is both a kind of identity and a key of the credentials; rename the key"
            );
            problems.push(Problem::error(AMBIGUOUS_PLACEHOLDER, "", message));
        }
        (true, Some(false) | None) => return problems,
        (false, Some(true)) => {}
        (false, Some(false)) => {
            let message = format!(
                "{{{name}}} is neither a kind of identity of the tenant nor a key of the credentials; \
                 correct the name, or declare the kind under the tenant's identity_kinds"
            );
            problems.push(Problem::error(UNKNOWN_PLACEHOLDER, "", message));
        }
        (false, None) => {
            // It may be one of those to come, which is the usual order of things.
            let message = format!(
                "{{{name}}} is neither a kind of identity of the tenant nor a stored credential yet; \
                 store it with cordon connection secrets {key}, or PUT \
                 /v1/connections/{key}/secrets, unless the name is to be corrected"
            );
            problems.push(Problem::warning(UNKNOWN_PLACEHOLDER, "", message));
        }
    }
    if place == Place::Url {
        let message = format!("the credential {{{name}}} stands in the URL, which others may log");
        problems.push(Problem::warning(SECRET_IN_URL, "", message));
    }
    problems
}

/// Whether a stored problem came from [`check`] or from a look at the credentials, so that it is
/// to be found anew when those change.
pub(in crate::service) fn is_about_credentials(problem: &Problem) -> bool {
    [CREDENTIALS_UNAVAILABLE, UNKNOWN_PLACEHOLDER, AMBIGUOUS_PLACEHOLDER, SECRET_IN_URL]
        .contains(&problem.code.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;
    use cordon_model::plan::WhenMissing;
    use cordon_model::tenant::Tenant;

    fn query(names: &[(&str, Place)]) -> Query {
        Query {
            pointer: "/queries/access/0".to_owned(),
            label: "access[0]".to_owned(),
            action: Some(cordon_model::Action::Access),
            wanted: Some("loyalty_id".parse().unwrap()),
            when_missing: WhenMissing::Fail,
            origin: "https://api.acme.com".to_owned(),
            paths: cordon_model::grant::Paths::all(),
            method: "GET".to_owned(),
            names: names.iter().map(|(name, place)| ((*name).to_owned(), *place)).collect(),
            verify_tls: true,
            raw: false,
        }
    }

    /// What is refused, or else the warnings.
    fn checked(
        names: &[(&str, Place)],
        credentials: Option<&[&str]>,
    ) -> Result<Vec<Problem>, Vec<Problem>> {
        let queries = [query(names)];
        let mut identities = Identities::new(Tenant::initial_identity_kinds());
        identities.declare(&queries);
        let credentials = match credentials {
            Some(names) => CredentialNames::Known(names.iter().map(|n| (*n).to_owned()).collect()),
            None => CredentialNames::NotStored,
        };
        let mut problems = Problems::default();
        let key = "crm".parse().unwrap();
        check(&key, &Value::Null, &queries, &identities, &credentials, &mut problems);
        match problems.finish() {
            Ok(warnings) => Ok(warnings),
            Err(Error::Invalid(errors)) => Err(errors),
            Err(other) => panic!("{other}"),
        }
    }

    /// The same by their codes.
    fn codes(
        names: &[(&str, Place)],
        credentials: Option<&[&str]>,
    ) -> Result<Vec<String>, Vec<String>> {
        let codes = |problems: Vec<Problem>| problems.into_iter().map(|p| p.code).collect();
        checked(names, credentials).map(codes).map_err(codes)
    }

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn a_name_that_is_neither_is_a_warning_until_secrets_are_stored_and_then_refused() {
        let names = [("email", Place::Url), ("token", Place::Header)];
        assert_eq!(codes(&names, None), Ok(words(&["unknown_placeholder"])));
        assert_eq!(codes(&names, Some(&["other"])), Err(words(&["unknown_placeholder"])));
        assert_eq!(codes(&names, Some(&["token"])), Ok(vec![]));
    }

    #[test]
    fn what_is_not_stored_yet_may_be_a_credential_to_come_and_is_said_to_be_stored_how() {
        let warnings = checked(&[("api_key", Place::Header)], None).unwrap();
        let message = &warnings[0].message;
        assert!(message.contains("nor a stored credential yet"), "{message}");
        assert!(message.contains("cordon connection secrets crm"), "{message}");
        assert!(message.contains("PUT /v1/connections/crm/secrets"), "{message}");
    }

    #[test]
    fn a_name_that_is_both_is_refused() {
        let names = [("email", Place::Url)];
        assert_eq!(codes(&names, Some(&["email"])), Err(words(&["ambiguous_placeholder"])));
    }

    #[test]
    fn a_kind_that_an_identifiers_query_finds_is_an_identity() {
        assert_eq!(codes(&[("loyalty_id", Place::Url)], Some(&[])), Ok(vec![]));
    }

    #[test]
    fn a_secret_in_a_url_is_a_warning() {
        assert_eq!(
            codes(&[("token", Place::Url)], Some(&["token"])),
            Ok(words(&["secret_in_url"]))
        );
    }
}
