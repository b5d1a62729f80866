//! One test of a connection: a run without identities, of which nothing is recorded.

use std::sync::Arc;

use cordon_model::Timestamp;
use cordon_model::connection::Connection;
use cordon_model::journal::Journal;
use cordon_model::port::{ConnectorError, TestEnd};
use cordon_model::tenant::Terms;
use tokio_util::sync::CancellationToken;

use crate::call::{CallState, Calls, Deadline, RunState, Stop, Values};
use crate::caller::Caller;
use crate::cassette::Tape;
use crate::instance::{self, Left, Test};
use crate::outcome;
use crate::prepare::Opening;
use crate::shared::Shared;
use crate::trap;

pub(crate) async fn test(
    shared: Arc<Shared>,
    connection: Connection,
    terms: Terms,
    deadline: Timestamp,
    cancel: CancellationToken,
    tape: Option<Tape>,
) -> TestEnd {
    let nothing_called = |stop: Stop| TestEnd { calls: Vec::new(), result: Err(stop.into()) };
    let plugin = connection.plugin.digest;
    let admitted = match shared.registry.ready(&connection.tenant, plugin) {
        Ok(admitted) => admitted,
        Err(stop) => return nothing_called(stop),
    };
    let config = connection.config.to_string();
    let deadline = Deadline::at(deadline, shared.clock.as_ref());
    let opening = Opening {
        connection,
        terms,
        plugin,
        action: None,
        wanted: None,
        policy_settings: None,
        reads: Vec::new(),
        values: Values::new(shared.options.values_max),
        calls: Calls::new(Journal::open(0, 0, &[]), None, shared.options.calls_max),
        deadline,
    };
    let run = match Box::pin(opening.open(&shared, &cancel)).await {
        Ok(run) => RunState { tape, ..run },
        Err(stop) => return nothing_called(stop),
    };
    let caller = Caller::on(&run.terms, Some(&run.connection.key));
    let state = CallState::new(&shared, caller, Some(run));
    let (left, called) =
        instance::call(&shared, &admitted.code, state, deadline, &cancel, Test(config)).await;
    let Left { run: Some(run), .. } = left else {
        return nothing_called(Stop::Host("the state of the test is gone".to_owned()));
    };
    match called {
        Ok(said) => {
            let result =
                said.map_err(|failure| ConnectorError::Failed(outcome::failure(&run, failure)));
            TestEnd { calls: run.calls.finish(""), result }
        }
        Err(ending) => {
            let stop = trap::stop(ending);
            TestEnd { calls: run.calls.finish(stop.code()), result: Err(stop.into()) }
        }
    }
}
