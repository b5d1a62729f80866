//! One tenant's guest writes a mark over its whole memory; the next call, another tenant's, reads
//! the whole of its own. The pool is the one of a host: memories are wiped and used again.
//!
//! Half of the pairs share one plugin, so that the pool gives the second the very memory of the
//! first; in the other half each tenant has a plugin of its own, and the pool has room for one
//! call only. Half of the first guests die over it, half return.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use cordon_model::PluginDigest;
use cordon_model::tenant::Terms;
use cordon_runtime::{Options, Runtime};

use super::alone;
use super::bench::{act, install, runtime, terms};

/// Pairs at one time.
const LANES: usize = 2;

/// What was found, over all pairs.
#[derive(Default)]
struct Found {
    pairs: AtomicUsize,
    bytes: AtomicU64,
    marks: AtomicU64,
    /// Words that are not zero where nobody has written.
    strange: AtomicU64,
}

/// Two tenants and what each of them calls.
struct Pairing {
    runtime: Arc<Runtime>,
    writer: (Terms, PluginDigest),
    reader: (Terms, PluginDigest),
}

impl Pairing {
    /// Both call the plugin of everybody.
    async fn of_one_plugin() -> Self {
        let runtime = runtime(|_| {});
        let plugin = install(&runtime, None).await.reference.digest;
        Self { runtime, writer: (terms("acme"), plugin), reader: (terms("beta"), plugin) }
    }

    /// Each calls its own, in a pool with one place.
    async fn of_two_plugins() -> Self {
        let runtime = runtime(|options| (options.instances_max, options.memories_max) = (1, 1));
        let (acme, beta) = (terms("acme"), terms("beta"));
        let writers = install(&runtime, Some(&acme.tenant)).await.reference.digest;
        let readers = install(&runtime, Some(&beta.tenant)).await.reference.digest;
        assert_ne!(writers, readers);
        Self { runtime, writer: (acme, writers), reader: (beta, readers) }
    }

    async fn pair(&self, number: usize, found: &Found) {
        let (terms, plugin) = &self.writer;
        let pages = pages();
        if number.is_multiple_of(2) {
            let died = act(&self.runtime, terms, *plugin, &format!("mark {pages} {number}")).await;
            assert!(died.unwrap_err().to_string().starts_with("plugin_trapped"));
        } else {
            act(&self.runtime, terms, *plugin, &format!("leave {pages} {number}")).await.unwrap();
        }
        let (bytes, marks, strange) = self.look(&format!("look {pages}")).await;
        found.pairs.fetch_add(1, Ordering::Relaxed);
        found.bytes.store(bytes, Ordering::Relaxed);
        found.marks.fetch_add(marks, Ordering::Relaxed);
        found.strange.fetch_add(strange, Ordering::Relaxed);
    }

    /// What the second tenant sees: bytes, marks, and strange words.
    async fn look(&self, what: &str) -> (u64, u64, u64) {
        let (terms, plugin) = &self.reader;
        let seen = act(&self.runtime, terms, *plugin, what).await.unwrap();
        let numbers = seen.problems[0].message.split(' ').map(|number| number.parse().unwrap());
        let numbers: Vec<u64> = numbers.collect();
        (numbers[0], numbers[1], numbers[2])
    }
}

/// As much as one call may have.
fn pages() -> usize {
    Options::default().memory_bytes_max / 65_536
}

#[test]
fn a_mark_over_a_whole_memory_is_found_by_no_other_tenant() {
    let name = "torture::canary::a_mark_over_a_whole_memory_is_found_by_no_other_tenant";
    alone::run(name, async {
        let pairs = alone::calls(100, 10_000);
        let pairings = [Pairing::of_one_plugin().await, Pairing::of_two_plugins().await];
        let found = Arc::new(Found::default());
        let began = Instant::now();
        let mut control = 0;
        for pairing in pairings.map(Arc::new) {
            let lanes = (0..LANES).map(|lane| {
                let (pairing, found) = (Arc::clone(&pairing), Arc::clone(&found));
                tokio::spawn(async move {
                    for number in (lane..pairs.div_ceil(2)).step_by(LANES) {
                        pairing.pair(number, &found).await;
                    }
                })
            });
            for lane in lanes.collect::<Vec<_>>() {
                lane.await.unwrap();
            }
            // The proof that one would be seen.
            control += pairing.look(&format!("plant {} 7", pages())).await.1;
        }
        let seconds = began.elapsed().as_secs_f64();
        let number = |of: &AtomicU64| of.load(Ordering::Relaxed);
        let (pairs, bytes) = (found.pairs.load(Ordering::Relaxed), number(&found.bytes));
        let (marks, strange) = (number(&found.marks), number(&found.strange));
        println!(
            "FIGURE canary pairs={pairs} bytes={bytes} found={marks} strange={strange} \
             control_found={control} seconds={seconds:.1}"
        );
        assert_eq!(bytes, Options::default().memory_bytes_max as u64, "not all of it was read");
        assert_eq!(control, 2, "a mark that is there was not found");
        assert_eq!((marks, strange), (0, 0), "of {pairs} pairs");
    });
}
