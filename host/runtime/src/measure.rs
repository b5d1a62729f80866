//! What calling a component costs on this machine: each call in an instance of its own, as a host
//! makes it. For the author of a connector; a host measures itself by its metrics.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cordon_model::PluginDigest;
use cordon_model::plan::Draft;
use cordon_model::tenant::Terms;
use tokio_util::sync::CancellationToken;

use crate::bindings::{PluginPre, convert};
use crate::call::{CallState, Deadline, Stop};
use crate::caller::Caller;
use crate::instance::{self, Describe, Export, Validate};
use crate::shared::Shared;
use crate::trap;

/// What one call of an export costs: the median of several, instantiating included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Costs {
    /// `describe`.
    pub describe: Duration,
    /// `validate` of one configuration.
    pub validate: Duration,
    /// Linear memory of a call of `validate`, in bytes.
    pub memory_bytes: usize,
    /// Of how many calls each is the median.
    pub calls: u32,
}

pub(crate) async fn measure(
    shared: Arc<Shared>,
    terms: Terms,
    plugin: PluginDigest,
    draft: Draft,
    calls: u32,
) -> Result<Costs, Stop> {
    let calls = calls.max(1);
    let admitted = shared.registry.ready(&terms.tenant, plugin)?;
    let (mut describes, mut validates, mut memory_bytes) = (Vec::new(), Vec::new(), 0);
    for _ in 0..calls {
        let (took, _) = timed(&shared, &admitted.code, &terms, Describe).await?;
        describes.push(took);
        let validate = Validate(convert::draft(&draft));
        let (took, memory) = timed(&shared, &admitted.code, &terms, validate).await?;
        validates.push(took);
        memory_bytes = memory_bytes.max(memory);
    }
    let (describe, validate) = (median(describes), median(validates));
    Ok(Costs { describe, validate, memory_bytes, calls })
}

/// How long one call takes, and the memory it had in the end.
async fn timed(
    shared: &Shared,
    code: &PluginPre<CallState>,
    terms: &Terms,
    export: impl Export,
) -> Result<(Duration, usize), Stop> {
    let began = Instant::now();
    let state = CallState::new(shared, Caller::on(terms, None), None);
    let deadline = Deadline::after(shared.options.call_timeout);
    let cancel = CancellationToken::new();
    let (left, called) = instance::call(shared, code, state, deadline, &cancel, export).await;
    called.map_err(trap::stop)?;
    Ok((began.elapsed(), left.memory_bytes))
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
