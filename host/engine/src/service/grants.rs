//! Grants of a connection: what it asks for, what it was granted, what it can do.
//!
//! What a built-in connector needs is granted when its configuration is written, in
//! [`super::connections`]; everything else is granted here, and until then nothing of the
//! connection is sent. Nobody is granted more than the operator's egress policy.

mod read;
mod write;

use cordon_model::commit::{Change, Commit};
use cordon_model::connection::Connection;
use cordon_model::grant::{EgressLimits, Grants, OriginPattern};
use cordon_model::{Failure, FailureCode, Problem, Revision};

pub use read::{GrantsDraft, HttpGrantDraft, SecretGrantDraft};

use super::plugins::WaitingVersion;
use super::revisions::next_revision;
use crate::{Access, Error, Services};

/// The grants of a connection, from every side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantsState {
    /// What its configuration needs.
    pub needs: Grants,
    /// What it was granted.
    pub granted: Grants,
    /// What it can do: needed, granted, and allowed by the operator and to the tenant.
    pub effective: Grants,
    /// Denied by the operator or to the tenant although a wildcard of `effective` covers it.
    pub except: Vec<OriginPattern>,
    /// What it needs and was not granted; while there is any, nothing of it is sent.
    pub missing: Grants,
    /// Other versions of its plugin, and what it would need with each.
    pub waiting_versions: Vec<WaitingVersion>,
    /// Of the connection.
    pub revision: Revision,
}

impl Services {
    /// The grants of a connection, and what it would need with other versions of its plugin.
    ///
    /// # Errors
    /// When the tenant has no such connection.
    pub async fn grants(&self, access: &Access, name: &str) -> Result<GrantsState, Error> {
        let limits = self.tenant_by_id(&access.tenant).await?.egress;
        self.state_of(access, self.connection(access, name).await?, &limits).await
    }

    /// Replaces everything that a connection was granted.
    ///
    /// # Errors
    /// When a grant cannot be enforced or is wider than the operator's policy, or when the
    /// connection was changed since it was read.
    pub async fn put_grants(
        &self,
        access: &Access,
        name: &str,
        draft: GrantsDraft,
        if_match: Option<Revision>,
    ) -> Result<GrantsState, Error> {
        let mut connection = self.connection(access, name).await?;
        let revision = next_revision(Some(connection.revision), if_match)?;
        let grants = read::read(draft, self.options.grants_max)?;
        let limits = self.tenant_by_id(&access.tenant).await?.egress;
        let wider = self.ports.egress.policy().refusals(&limits, &grants);
        if !wider.is_empty() {
            return Err(Error::Invalid(wider));
        }
        connection.grants = Grants::default().and(grants);
        connection.updated_at = self.now();
        connection.revision = revision;
        let missing = connection.missing();
        let event = self
            .event_about(access, "connection.grants_changed", &connection)
            .with("origins", connection.grants.http.len())
            .with("networks", connection.grants.private.len())
            .with("secrets", connection.grants.secrets.len())
            .with("reads", connection.grants.reads.len())
            .with("waiting", !missing.is_empty());
        let change = Change::PutConnection(Box::new(connection.clone()));
        self.commit_write(Commit::of(change, event), if_match).await?;
        self.state_of(access, connection, &limits).await
    }

    async fn state_of(
        &self,
        access: &Access,
        connection: Connection,
        limits: &EgressLimits,
    ) -> Result<GrantsState, Error> {
        let policy = self.ports.egress.policy();
        let effective = policy.narrow(limits, &connection.grants.limited_to(&connection.needs));
        Ok(GrantsState {
            except: policy.exceptions(limits, &effective),
            effective,
            missing: connection.missing(),
            waiting_versions: self.waiting_versions(access, &connection).await?,
            revision: connection.revision,
            needs: connection.needs,
            granted: connection.grants,
        })
    }
}

/// What a connection waits for, as a problem of it.
pub fn waits_for(connection: &Connection) -> Option<Problem> {
    remedy(connection).map(|message| Problem::warning("grant_missing", "", message))
}

/// The same, as what becomes of a task or a test in the meantime.
pub(crate) fn not_granted(connection: &Connection) -> Option<Failure> {
    remedy(connection).map(|detail| Failure::new(FailureCode::NotGranted, detail))
}

/// The exact command, and the exact call, that grant what is missing and keep what was granted.
fn remedy(connection: &Connection) -> Option<String> {
    let missing = connection.missing();
    if missing.is_empty() {
        return None;
    }
    let all = write::body(&connection.grants.clone().and(missing));
    let key = &connection.key;
    Some(format!(
        "waits for approval, nothing of it is sent; to grant what it needs: \
         cordon connection grants approve {key}, or PUT /v1/connections/{key}/grants {all}"
    ))
}
