//! What only the author of a connector asks of a runtime: runs on a tape, and what calls cost.

use std::sync::Arc;

use cordon_model::connection::Connection;
use cordon_model::plan::Draft;
use cordon_model::port::{ConnectorCall, ConnectorError, RunEnd, TestEnd};
use cordon_model::tenant::Terms;
use cordon_model::{PluginDigest, Timestamp};
use tokio_util::sync::CancellationToken;

use super::Runtime;
use crate::call::Stop;
use crate::cassette::Tape;
use crate::measure::{Costs, measure};
use crate::{run, test_run};

impl Runtime {
    /// Runs a task like [`cordon_model::port::Connectors::run`], with an author's tape.
    pub async fn run_on_tape(&self, call: ConnectorCall, tape: Tape) -> RunEnd {
        let ran = self.spawn(run::run(Arc::clone(&self.shared), call, Some(tape))).await;
        ran.unwrap_or_else(|what| RunEnd {
            calls: Vec::new(),
            result: Err(ConnectorError::Host(what)),
        })
    }

    /// Tests a connection like [`cordon_model::port::Connectors::test`], with an author's tape.
    pub async fn test_on_tape(
        &self,
        connection: Connection,
        terms: Terms,
        deadline: Timestamp,
        tape: Tape,
    ) -> TestEnd {
        let (shared, cancel) = (Arc::clone(&self.shared), CancellationToken::new());
        let testing = test_run::test(shared, connection, terms, deadline, cancel, Some(tape));
        self.spawn(testing).await.unwrap_or_else(|what| TestEnd {
            calls: Vec::new(),
            result: Err(ConnectorError::Host(what)),
        })
    }

    /// Calls a plugin's `describe` and `validate` so many times each, in fresh instances.
    ///
    /// # Errors
    /// When a call fails.
    pub async fn measure(
        &self,
        terms: Terms,
        plugin: PluginDigest,
        draft: Draft,
        calls: u32,
    ) -> Result<Costs, ConnectorError> {
        let measuring = measure(Arc::clone(&self.shared), terms, plugin, draft, calls);
        let measured = self.spawn(measuring).await.map_err(ConnectorError::Host)?;
        measured.map_err(|stop: Stop| stop.into())
    }
}
