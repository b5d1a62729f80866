//! Logs, metrics, and what is said about a panic. Called once by a process that serves.
//!
//! Logs go to standard error. The level is that of Cordon's own crates; libraries are heard from
//! `warn` on, because what they say in more detail may hold URLs and headers. A panic is told by
//! its place alone: its message may hold data.

use std::io;
use std::panic;
use std::sync::OnceLock;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt};

use crate::config::{Log, LogFormat};

/// Upper bounds of the buckets of what is measured in bytes: from what a component begins with to
/// the most that one may have.
const BYTE_BUCKETS: [f64; 8] = [
    262_144.0,
    1_048_576.0,
    2_097_152.0,
    4_194_304.0,
    8_388_608.0,
    16_777_216.0,
    33_554_432.0,
    67_108_864.0,
];

/// Upper bounds of the buckets of every other histogram, in seconds: from a fresh instance to the
/// deadline of a connection's queries.
const BUCKETS: [f64; 12] = [0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0, 300.0];

/// Starts logging.
///
/// # Errors
/// When the process logs already.
pub fn start(log: Log) -> anyhow::Result<()> {
    let filter = Targets::new()
        .with_default(LevelFilter::WARN)
        .with_target("cordon", LevelFilter::from_level(log.level));
    let lines = fmt::layer().with_writer(io::stderr).with_ansi(false);
    let layer = match log.format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    tracing_subscriber::registry().with(layer.with_filter(filter)).try_init()?;
    tell_panics_by_their_place();
    Ok(())
}

/// The metrics of the process. Recording starts with the first call.
///
/// # Errors
/// When the recorder cannot be made.
pub fn metrics() -> anyhow::Result<PrometheusHandle> {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    if let Some(handle) = HANDLE.get() {
        return Ok(handle.clone());
    }
    let bytes = Matcher::Suffix("_bytes".to_owned());
    let recorder = PrometheusBuilder::new()
        .set_buckets(&BUCKETS)?
        .set_buckets_for_metric(bytes, &BYTE_BUCKETS)?
        .build_recorder();
    let handle = recorder.handle();
    // Two hosts that start in one process at the same time (tests do) share the first recorder.
    if metrics::set_global_recorder(recorder).is_ok() {
        return Ok(HANDLE.get_or_init(|| handle).clone());
    }
    Ok(HANDLE.get().cloned().unwrap_or(handle))
}

fn tell_panics_by_their_place() {
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place = place.as_deref().unwrap_or("unknown"), "panic");
    }));
}
