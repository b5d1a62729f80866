//! What every route works with.

use std::fmt;
use std::sync::Arc;

use cordon_engine::Services;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::Options;
use crate::rate::Rates;
use crate::uploads::Uploads;

/// What every route works with. Cheap to clone.
#[derive(Clone)]
pub struct State {
    pub(crate) services: Services,
    pub(crate) options: Arc<Options>,
    /// The text of `GET /metrics`; the recorder is installed by who makes the state.
    pub(crate) metrics: Arc<dyn Fn() -> String + Send + Sync>,
    /// Room for what is held in memory while it is uploaded.
    pub(crate) uploads: Arc<Uploads>,
    /// How often who has called.
    pub(crate) rates: Arc<Rates>,
    /// Work that goes on although its caller hung up; joined when the host stops.
    pub(crate) unfinished: TaskTracker,
    /// The host stops: what would go on for ever ends.
    pub(crate) stopping: CancellationToken,
}

impl State {
    /// `metrics` renders the text of `GET /metrics`.
    pub fn new(
        services: Services,
        options: Options,
        metrics: impl Fn() -> String + Send + Sync + 'static,
    ) -> Self {
        let uploads = Arc::new(Uploads::new(&options));
        let rates = Arc::new(Rates::new(&options));
        Self {
            services,
            uploads,
            rates,
            options: Arc::new(options),
            metrics: Arc::new(metrics),
            unfinished: TaskTracker::new(),
            stopping: CancellationToken::new(),
        }
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("options", &self.options).finish_non_exhaustive()
    }
}
