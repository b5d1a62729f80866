//! Secrets of a connection: written, never read back. The vault in the store keeps them sealed.
//!
//! Only names are answered, counted and logged. The connection's names are checked against the
//! new secrets first: a template that names neither an identity nor one of them is refused
//! (BEHAVIOUR B5).

use std::collections::BTreeSet;

use cordon_model::commit::{Change, Commit};
use cordon_model::connection::Connection;
use cordon_model::json::pointer_token;
use cordon_model::secret::Credentials;
use cordon_model::{Problem, Revision, Secret};
use serde_json::Value;

use super::connections::MANUAL_WEBHOOK;
use super::connections::names::{self, CredentialNames};
use super::problems::Problems;
use super::revisions::next_revision;
use crate::{Access, Error, Services};

/// Longest name of a secret, in bytes.
const NAME_BYTES_MAX: usize = 200;

/// What became of the secrets.
#[derive(Debug, Clone)]
pub struct StoredSecrets {
    /// The names that are stored now.
    pub names: BTreeSet<String>,
    /// The connection, checked against them.
    pub connection: Connection,
}

impl Services {
    /// Replaces every secret of a connection: a flat object of strings and numbers. A number is
    /// kept as it was written.
    ///
    /// # Errors
    /// When the object has problems, when the connection names something that is not among the
    /// secrets, or when its type has none.
    pub async fn put_secrets(
        &self,
        access: &Access,
        name: &str,
        body: Value,
        if_match: Option<Revision>,
    ) -> Result<StoredSecrets, Error> {
        let mut connection = self.connection(access, name).await?;
        let revision = next_revision(Some(connection.revision), if_match)?;
        if connection.connector_type == MANUAL_WEBHOOK {
            let message = "connections of type manual_webhook have no secrets";
            return Err(Error::problem(Problem::error("no_secrets", "", message)));
        }
        let secrets = self.read_secrets(body)?;
        let names: BTreeSet<String> = secrets.keys().cloned().collect();
        let mut problems = Problems::default();
        problems.extend(
            connection.problems.iter().filter(|p| !names::is_about_credentials(p)).cloned(),
        );
        let identities = self.identities(access, &connection).await?;
        let known = CredentialNames::Known(names.clone());
        let Connection { key, config, queries, .. } = &connection;
        names::check(key, config, queries, &identities, &known, &mut problems);
        connection.problems = problems.finish()?;
        connection.vault_secrets = Some(names.clone());
        connection.updated_at = self.now();
        connection.revision = revision;
        let event =
            self.event_about(access, "secrets.replaced", &connection).with("secrets", names.len());
        let tenant = access.tenant.clone();
        let commit = Commit {
            changes: vec![
                Change::PutConnection(Box::new(connection.clone())),
                Change::PutSecrets(tenant, connection.key.clone(), secrets),
            ],
            audit: vec![event],
        };
        self.commit_write(commit, if_match).await?;
        Ok(StoredSecrets { names, connection })
    }

    fn read_secrets(&self, body: Value) -> Result<Credentials, Error> {
        let mut problems = Problems::default();
        let Value::Object(object) = body else {
            let message = "secrets are a flat JSON object of strings and numbers";
            return Err(Error::problem(Problem::error("wrong_type", "", message)));
        };
        let most = self.options.secrets_max;
        if object.is_empty() || object.len() > most {
            let message = format!("must hold 1 to {most} secrets");
            return Err(Error::problem(Problem::error("invalid_length", "", message)));
        }
        let mut secrets = Credentials::new();
        for (name, value) in object {
            let pointer = format!("/{}", pointer_token(&name));
            if !is_placeholder_name(&name) {
                let message = "a name is a letter or '_' and then letters, digits, '_' and '-', as \
                               in templates";
                problems.error("invalid_name", pointer.as_str(), message);
            }
            let text = match value {
                Value::String(text) => text,
                Value::Number(number) => number.to_string(),
                Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
                    problems.error("wrong_type", pointer, "must be a string or a number");
                    continue;
                }
            };
            let most = self.options.secret_bytes_max;
            if text.is_empty() || text.len() > most {
                problems.error("invalid_length", pointer, format!("must be 1 to {most} bytes"));
            }
            secrets.insert(name, Secret::new(text));
        }
        problems.finish()?;
        Ok(secrets)
    }
}

/// The names that templates can hold (BEHAVIOUR B2).
fn is_placeholder_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    name.len() <= NAME_BYTES_MAX
        && bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_has_a_name_that_a_template_can_hold() {
        for good in ["credentials", "Api-Key", "_x", "a1"] {
            assert!(is_placeholder_name(good), "{good}");
        }
        for bad in ["", "1a", "-a", "a b", "a.b", "ä", "a{b"] {
            assert!(!is_placeholder_name(bad), "{bad}");
        }
    }
}
