//! Testing a connection: its test queries are run and the result is kept on it.
//!
//! A disabled connection and one in test mode can be tested; a test takes part in no request.

use cordon_model::Timestamp;
use cordon_model::commit::{Change, Commit, CommitError};
use cordon_model::connection::{Connection, TestResult};
use cordon_model::port::ConnectorError;
use tokio_util::sync::CancellationToken;

use super::grants::not_granted;
use crate::{Access, Conflict, Error, Services};

/// How often a result is stored again when the connection was written in between.
const STORE_ATTEMPTS_MAX: u32 = 3;

impl Services {
    /// Runs the test queries. Dropping the future ends the run; nothing is stored then.
    ///
    /// # Errors
    /// When there is no such connection, or the host could not run the test. A test that does not
    /// pass is no error.
    pub async fn test_connection(&self, access: &Access, name: &str) -> Result<TestResult, Error> {
        let connection = self.connection(access, name).await?;
        let started = self.now();
        if let Some(failure) = not_granted(&connection) {
            let (healthy, queries) = (false, Vec::new());
            let result = TestResult { at: started, healthy, queries, failure: Some(failure) };
            self.keep_result(access, connection, &result).await?;
            return Ok(result);
        }
        let terms = self.terms_of(&access.tenant).await?;
        let deadline = started.checked_add(self.options.test_timeout).unwrap_or(Timestamp::MAX);
        // Ends the run when this future is dropped, whatever the connector does with the token.
        let cancel = CancellationToken::new();
        let guard = cancel.clone().drop_guard();
        let limited = Connection {
            grants: connection.grants.limited_to(&connection.needs),
            ..connection.clone()
        };
        let end = self.ports.connectors.test(&limited, &terms, deadline, cancel).await;
        drop(guard);
        let failure = match end.result {
            Ok(()) => None,
            Err(ConnectorError::Failed(failure)) => Some(failure),
            Err(ConnectorError::Host(reason)) => return Err(Error::Unavailable(reason)),
        };
        let result =
            TestResult { at: started, healthy: failure.is_none(), queries: end.calls, failure };
        self.keep_result(access, connection, &result).await?;
        Ok(result)
    }

    /// Keeps a result on the connection that it tells of: when the configuration was changed
    /// during the test there is none any more.
    async fn keep_result(
        &self,
        access: &Access,
        tested: Connection,
        result: &TestResult,
    ) -> Result<(), Error> {
        let key = tested.key.clone();
        let mut current = tested.clone();
        for _ in 0..STORE_ATTEMPTS_MAX {
            current.last_test = Some(result.clone());
            current.revision = current.revision.next();
            let event = self
                .event_about(access, "connection.tested", &current)
                .with("healthy", result.healthy)
                .with("queries", result.queries.len());
            let change = Change::PutConnection(Box::new(current));
            match self.store().commit(Commit::of(change, event)).await {
                Ok(()) => return Ok(()),
                Err(CommitError::Conflict(_)) => {}
                Err(other) => return Err(other.into()),
            }
            match self.store().connection(&access.tenant, &key).await? {
                Some(now) if now.config == tested.config => current = now,
                Some(_) | None => return Ok(()),
            }
        }
        Err(Error::conflict(Conflict::Changed, "the connection is being changed; test it again"))
    }
}
