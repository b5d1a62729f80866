//! An admission that is given anything: it never panics and never grows, says of everything that
//! it refuses which rule was broken and where, and what it takes in can be called.

use std::collections::BTreeMap;
use std::panic;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use cordon_model::port::{AdmissionError, Candidate, ConnectorError, Plugins, Readiness};
use cordon_model::tenant::Terms;
use cordon_runtime::Runtime;

use super::bench::{act, runtime, terms};
use super::gauges::Gauges;
use super::{alone, candidates};
use crate::support::test_process::compiler;

/// Components that are offered at one time, each lane to a tenant of its own.
const LANES: usize = 4;
/// One of so many goes to a host that compiles in a process of its own, as every host does.
const WITH_PROCESS: usize = 20;
/// Longest text that a refusal may be.
const MESSAGE_BYTES_MAX: usize = 2_000;
/// For a start function that never ends.
const CALL_TIMEOUT: Duration = Duration::from_millis(200);
/// Places of the pool: few, so that all of them were used when the gauges are first read.
const INSTANCES: u32 = 16;

static PANICS: AtomicUsize = AtomicUsize::new(0);

/// How often each end was reached, by kind of candidate, and the first message of it.
type Ends = Mutex<BTreeMap<(&'static str, String), (usize, String)>>;

/// Where components are offered.
struct Doors {
    in_process: Arc<Runtime>,
    with_process: Arc<Runtime>,
}

impl Doors {
    async fn open() -> Self {
        let compiler = compiler().await;
        Self {
            in_process: runtime(|options| {
                (options.call_timeout, options.instances_max) = (CALL_TIMEOUT, INSTANCES);
            }),
            with_process: runtime(|options| {
                (options.call_timeout, options.instances_max) = (CALL_TIMEOUT, INSTANCES);
                options.compiler = Some(compiler);
            }),
        }
    }

    /// Offers the candidates of these numbers.
    async fn offer(self: &Arc<Self>, numbers: std::ops::Range<usize>, ends: &Arc<Ends>) {
        let lanes = (0..LANES).map(|lane| {
            let (doors, ends, numbers) = (Arc::clone(self), Arc::clone(ends), numbers.clone());
            tokio::spawn(async move {
                let terms = terms(&format!("tenant-{lane}"));
                for number in numbers.skip(lane).step_by(LANES) {
                    let door = if number.is_multiple_of(WITH_PROCESS) {
                        &doors.with_process
                    } else {
                        &doors.in_process
                    };
                    let offered = candidates::candidate(number);
                    let kind = offered.kind;
                    let (end, message) = taken_in(door, &terms, number, offered).await;
                    ends.lock().unwrap().entry((kind, end)).or_insert((0, message)).0 += 1;
                }
            })
        });
        for lane in lanes.collect::<Vec<_>>() {
            lane.await.unwrap();
        }
    }
}

/// Offers a candidate; `admitted`, or the code of its refusal and its message.
async fn taken_in(
    runtime: &Runtime,
    terms: &Terms,
    number: usize,
    offered: candidates::Candidate,
) -> (String, String) {
    let scope = Some(terms.tenant.clone());
    let (name, version) = (Some("candidate".to_owned()), Some(number.to_string()));
    let component = Bytes::from(offered.bytes);
    let offered = Candidate { scope, name, version, component };
    let admitted = Plugins::admit(runtime, offered).await;
    let problems = match admitted {
        Ok(admission) => {
            let digest = admission.plugin.reference.digest;
            let called = act(runtime, terms, digest, "nothing").await;
            assert!(!matches!(called, Err(ConnectorError::Host(_))), "{number}: {called:?}");
            runtime.forget(Some(&terms.tenant), digest);
            let left = runtime.readiness(Some(&terms.tenant), digest);
            assert!(matches!(left, Readiness::Unavailable(_)), "{number}: {left:?}");
            return ("admitted".to_owned(), String::new());
        }
        Err(AdmissionError::Refused(problems)) => problems,
        Err(other) => panic!("candidate {number}: {other:?}"),
    };
    for problem in &problems {
        let (code, message) = (&problem.code, &problem.message);
        assert!(message.len() <= MESSAGE_BYTES_MAX, "{number}: {} bytes", message.len());
        assert!(!message.chars().any(char::is_control), "{number}: {message:?}");
        let placed = code != "not_a_component"
            || message.contains("at offset")
            || message.contains("no component header");
        assert!(placed, "{number} {code}: {message}");
    }
    (problems[0].code.clone(), problems[0].message.clone())
}

#[test]
fn whatever_is_offered_the_admission_neither_panics_nor_grows_and_says_what_is_wrong() {
    let name = "torture::admission::\
                whatever_is_offered_the_admission_neither_panics_nor_grows_and_says_what_is_wrong";
    alone::run(name, async {
        let count = alone::calls(2_000, 100_000);
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            PANICS.fetch_add(1, Ordering::Relaxed);
            usual(panic);
        }));
        let doors = Arc::new(Doors::open().await);
        let ends = Arc::new(Ends::default());
        let warm = count.div_ceil(5);
        let began = Instant::now();
        doors.offer(0..warm, &ends).await;
        let before = Gauges::now();
        doors.offer(warm..count, &ends).await;
        let after = Gauges::now();
        let seconds = began.elapsed().as_secs_f64();
        let ends = ends.lock().unwrap();
        for ((kind, end), (times, message)) in ends.iter() {
            println!("{times:8} {kind}: {end}: {message}");
        }
        let admitted: usize = ends
            .iter()
            .filter(|((_, end), _)| end == "admitted")
            .map(|(_, (times, _))| times)
            .sum();
        println!(
            "FIGURE admission candidates={count} admitted={admitted} panics={} \
             seconds={seconds:.1} before: {before} after: {after}",
            PANICS.load(Ordering::Relaxed)
        );
        assert_eq!(PANICS.load(Ordering::Relaxed), 0);
        assert!(admitted > 0 && admitted < count, "both sides were seen");
        after.assert_flat_since(&before);
    });
}
