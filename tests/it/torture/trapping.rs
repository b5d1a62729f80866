//! A guest that traps in every call, in every way there is: nothing of the host may grow by it,
//! neither files nor threads nor memory nor the labels of its metrics.

use std::sync::Arc;
use std::time::Instant;

use cordon_model::PluginDigest;
use cordon_model::tenant::Terms;
use cordon_runtime::Runtime;

use super::alone;
use super::bench::{act, install, runtime, terms};
use super::gauges::Gauges;

/// Each way to die, and how the call ends.
const DEATHS: [(&str, &str); 5] = [
    ("unreachable", "plugin_trapped"),
    ("out-of-bounds", "plugin_trapped"),
    ("recurse", "plugin_trapped"),
    ("grow", "limit_reached"),
    ("call", "not_granted"),
];
/// Calls at one time.
const LANES: usize = 4;
/// How often the gauges are read behind the first time.
const SAMPLES: usize = 9;

async fn die(runtime: &Arc<Runtime>, terms: &Terms, plugin: PluginDigest, calls: usize) {
    let lanes = (0..LANES).map(|lane| {
        let (runtime, terms) = (Arc::clone(runtime), terms.clone());
        tokio::spawn(async move {
            for number in (lane..calls).step_by(LANES) {
                let (how, code) = DEATHS[number % DEATHS.len()];
                let died = act(&runtime, &terms, plugin, how).await.unwrap_err().to_string();
                assert!(died.starts_with(code), "{how}: {died}");
            }
        })
    });
    for lane in lanes.collect::<Vec<_>>() {
        lane.await.unwrap();
    }
}

#[test]
fn a_guest_that_always_traps_leaves_files_threads_memory_and_metrics_as_they_are() {
    let name = "torture::trapping::\
                a_guest_that_always_traps_leaves_files_threads_memory_and_metrics_as_they_are";
    alone::run(name, async {
        let calls = alone::calls(50_000, 1_000_000);
        let metrics = cordon_cli::telemetry::metrics().unwrap();
        let series = || {
            metrics.run_upkeep();
            metrics.render().lines().count()
        };
        let runtime = runtime(|_| {});
        let plugin = install(&runtime, None).await.reference.digest;
        let hostile = terms("acme");
        let share = calls.div_ceil(SAMPLES + 1);
        let began = Instant::now();
        die(&runtime, &hostile, plugin, share).await;
        let (before, series_before) = (Gauges::now(), series());
        let mut peak = before;
        for _ in 0..SAMPLES {
            die(&runtime, &hostile, plugin, share).await;
            let now = Gauges::now();
            now.assert_flat_since(&before);
            if now.resident_kib > peak.resident_kib {
                peak = now;
            }
            assert_eq!(series(), series_before, "metrics");
        }
        let seconds = began.elapsed().as_secs_f64();
        let made = share * (SAMPLES + 1);
        println!(
            "FIGURE trapping calls={made} seconds={seconds:.1} calls_per_second={:.0} \
             before: {before} peak: {peak} after: {} series={series_before}",
            made as f64 / seconds,
            Gauges::now()
        );
        act(&runtime, &terms("beta"), plugin, "look 64").await.expect("others are unharmed");
    });
}
