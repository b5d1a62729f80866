//! Processor time is counted and limited, and who computes without a pause takes turns.

use std::sync::atomic::AtomicUsize;

use tokio::task::{JoinSet, yield_now};

use super::*;

fn options(processor_time_max: Duration) -> Options {
    Options { processor_time_max, ..Options::default() }
}

fn meter() -> Meter {
    Meter::new(&options(Duration::from_secs(1)))
}

fn caller(tenant: &str) -> Caller {
    Caller::admitting(Some(tenant.parse().unwrap()))
}

fn lane(places: usize) -> Lanes {
    let processors = Processors::new(4);
    Lanes { processors, heavy: Places::new(places, usize::MAX, None) }
}

/// Computes until this thread has used so much processor time.
fn compute(time: Duration) {
    let until = processor_time() + time;
    while processor_time() < until {
        std::hint::spin_loop();
    }
}

const MILLI: Duration = Duration::from_millis(1);

#[tokio::test]
async fn only_computing_counts_and_waiting_does_not() {
    let mut meter = meter();
    let work = async {
        tokio::time::sleep(20 * MILLI).await;
        compute(2 * MILLI);
        yield_now().await;
        compute(2 * MILLI);
    };
    paced(&mut meter, &lane(1), &caller("a"), work).await.unwrap();
    let used = meter.used();
    assert!((4 * MILLI..15 * MILLI).contains(&used), "{used:?}");
}

#[tokio::test]
async fn a_call_that_computes_for_too_long_is_ended_where_it_was_made_to_yield() {
    let mut meter = Meter::new(&options(30 * MILLI));
    let told = meter.made_to_yield();
    let spin = async {
        loop {
            compute(5 * MILLI);
            told.tell();
            yield_now().await;
        }
    };
    let ended: Result<(), UsedUp> = paced(&mut meter, &lane(1), &caller("a"), spin).await;
    assert_eq!(ended, Err(UsedUp));
    assert!((30 * MILLI..40 * MILLI).contains(&meter.used()), "{:?}", meter.used());
}

#[tokio::test]
async fn a_call_is_not_ended_while_it_waits_for_the_outside() {
    let mut meter = Meter::new(&options(5 * MILLI));
    let work = async {
        compute(6 * MILLI);
        yield_now().await;
        "answered"
    };
    assert_eq!(paced(&mut meter, &lane(1), &caller("a"), work).await, Ok("answered"));
}

#[test]
fn a_call_is_heavy_once_it_computed_for_a_tick_and_light_again_after_a_pause() {
    let mut meter = meter();
    let told = meter.made_to_yield();
    for (computed, heavy) in [(6, false), (6, true), (100, true)] {
        told.tell();
        meter.resume();
        meter.stop(computed * MILLI).unwrap();
        assert_eq!(meter.is_heavy(), heavy, "{computed}");
    }
    meter.paused = Instant::now().checked_sub(25 * MILLI);
    meter.resume();
    assert!(!meter.is_heavy(), "however long it had computed");
}

/// Four that spin and one lane: never are two of them computing, and one that is light finds its
/// turn while they do.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_computes_without_a_pause_leaves_the_other_workers_to_the_rest() {
    let lane = Arc::new(lane(1));
    let (computing, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut calls = JoinSet::new();
    for tenant in ["a", "a", "a", "b"] {
        let (lane, caller) = (Arc::clone(&lane), caller(tenant));
        let (computing, most) = (Arc::clone(&computing), Arc::clone(&most));
        calls.spawn(async move {
            let mut meter = meter();
            // As if it had spun before.
            meter.debt = meter.tick * 2;
            let told = meter.made_to_yield();
            let spin = async {
                for _ in 0..20 {
                    let now = computing.fetch_add(1, Ordering::SeqCst) + 1;
                    most.fetch_max(now, Ordering::SeqCst);
                    compute(MILLI / 2);
                    computing.fetch_sub(1, Ordering::SeqCst);
                    told.tell();
                    yield_now().await;
                }
            };
            paced(&mut meter, &lane, &caller, spin).await.unwrap();
        });
    }
    calls.join_all().await;
    assert_eq!(most.load(Ordering::SeqCst), 1);
}
