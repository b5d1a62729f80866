//! What the names and numbers in a request stand for, in this run. The gate asks; nobody else
//! sees the values.

use cordon_egress::{Lookup, LookupError, Substitute};
use cordon_model::http_request::ValueId;
use cordon_model::secret::Credentials;

use crate::call::{Value, Values};

/// The values of a run, and which identities this request is bound to.
pub(super) struct Names<'a> {
    pub(super) values: &'a Values,
    pub(super) bind: &'a [ValueId],
    pub(super) credentials: &'a Credentials,
}

impl Lookup for Names<'_> {
    fn placeholder(&self, name: &str) -> Result<Substitute<'_>, LookupError> {
        let bound = self.bind.iter().filter_map(|id| self.values.identity(*id));
        let identity = bound.into_iter().find(|(kind, _)| kind.as_str() == name);
        match (identity, self.credentials.get(name)) {
            (Some(_), Some(_)) => Err(LookupError::Ambiguous),
            (Some((_, value)), None) => Ok(Substitute::Identity(value)),
            (None, Some(secret)) => Ok(Substitute::Secret(secret)),
            (None, None) => Err(LookupError::Missing),
        }
    }

    fn secret(&self, name: &str) -> Result<Substitute<'_>, LookupError> {
        self.credentials.get(name).map(Substitute::Secret).ok_or(LookupError::Missing)
    }

    fn value(&self, id: ValueId) -> Result<Substitute<'_>, LookupError> {
        match self.values.get(id) {
            Some(Value::Identity { value, .. }) => Ok(Substitute::Identity(value)),
            Some(Value::Scalar(held)) => {
                Ok(Substitute::Held { value: &held.value, origin: &held.origin })
            }
            None => Err(LookupError::Missing),
        }
    }
}

#[cfg(test)]
mod tests {
    use cordon_model::Secret;
    use cordon_model::task::HeldValue;

    use super::*;

    fn said(found: Result<Substitute<'_>, LookupError>) -> Result<String, LookupError> {
        found.map(|substitute| match substitute {
            Substitute::Identity(value) => format!("identity {value}"),
            Substitute::Secret(secret) => format!("secret {}", secret.expose()),
            Substitute::Held { value, origin } => format!("held {value} of {origin}"),
        })
    }

    #[test]
    fn a_placeholder_is_a_bound_identity_or_a_credential_and_never_both() {
        let mut values = Values::new(10);
        let identity = |kind: &str, value: &str| Value::Identity {
            kind: kind.parse().unwrap(),
            value: value.to_owned(),
            found: false,
        };
        values.add(identity("email", "a@x.com")).unwrap();
        let second = values.add(identity("email", "b@x.com")).unwrap();
        let token = values.add(identity("token", "t")).unwrap();
        let held = HeldValue { value: "c".to_owned(), origin: "https://x.com".to_owned() };
        let cursor = values.add(Value::Scalar(held)).unwrap();
        let credentials = Credentials::from([("token".to_owned(), Secret::new("s".to_owned()))]);

        let names = Names { values: &values, bind: &[second], credentials: &credentials };
        assert_eq!(said(names.placeholder("email")), Ok("identity b@x.com".to_owned()));
        assert_eq!(said(names.placeholder("token")), Ok("secret s".to_owned()));
        assert_eq!(said(names.placeholder("user_id")), Err(LookupError::Missing));
        assert_eq!(said(names.secret("email")), Err(LookupError::Missing));
        assert_eq!(said(names.value(cursor)), Ok("held c of https://x.com".to_owned()));
        assert_eq!(said(names.value(99)), Err(LookupError::Missing));

        let both = Names { bind: &[token], ..names };
        assert_eq!(said(both.placeholder("token")), Err(LookupError::Ambiguous));
    }
}
