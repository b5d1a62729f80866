//! How attacks are carried out and counted: one after the other with a look at the neighbor and
//! at what remains after each, and eight at once while somebody else uses the API.

use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::world::World;

/// Attacks at the same time.
const AT_ONCE: usize = 8;
/// Between two questions to the API.
const PROBE_INTERVAL: Duration = Duration::from_millis(10);
/// What the API may take meanwhile.
const API_P99_MAX: Duration = Duration::from_millis(250);

/// One of the 64.
#[derive(Clone, Copy)]
pub(crate) struct Attack {
    /// `<category>/<attack>`.
    pub(crate) name: &'static str,
    /// Carries it out, as tenants of its own. Panics unless it ends exactly as it must.
    pub(crate) carry_out: fn(Arc<World>) -> CarriedOut,
}

/// An attack under way.
pub(crate) type CarriedOut = Pin<Box<dyn Future<Output = Contained> + Send>>;

/// How an attack ended.
#[derive(Debug)]
pub(crate) struct Contained {
    /// The failure's code, or a word for what became of it.
    pub(crate) outcome: String,
    /// From the moment at which the guest or its component arrived.
    pub(crate) took: Duration,
}

impl Contained {
    /// Variants of one attack: it took as long as the longest of them.
    pub(crate) fn all(variants: impl IntoIterator<Item = Self>) -> Self {
        let mut variants: Vec<Self> = variants.into_iter().collect();
        let took = variants.iter().map(|variant| variant.took).max().unwrap_or_default();
        variants.dedup_by(|a, b| a.outcome == b.outcome);
        let outcomes: Vec<String> = variants.into_iter().map(|variant| variant.outcome).collect();
        Self { outcome: outcomes.join("+"), took }
    }
}

/// An attack with its name: `attack!("cpu/loop", |world| …)`, whose body is async.
macro_rules! attack {
    ($name:literal, |$world:ident| $body:expr) => {
        $crate::hostile_guests::harness::Attack {
            name: $name,
            carry_out: |$world| Box::pin(async move { $body }),
        }
    };
}
pub(crate) use attack;

/// Carries the attacks out alone, one after the other.
pub(crate) async fn alone(attacks: &[Attack]) {
    let world = Arc::new(World::start().await);
    let mut failed = Vec::new();
    let mut slowest = Duration::ZERO;
    for attack in attacks {
        // A task of its own: one that fails says so, and the others are still tried.
        let contained = tokio::spawn((attack.carry_out)(Arc::clone(&world))).await;
        world.nothing_remains().await;
        let neighbor = world.neighbor_works().await;
        let Ok(contained) = contained else {
            failed.push(attack.name);
            continue;
        };
        slowest = slowest.max(contained.took);
        println!(
            "FIGURE hostile_guest name={} contained_ms={} outcome={} neighbor_ms={}",
            attack.name,
            contained.took.as_millis(),
            contained.outcome,
            neighbor.as_millis()
        );
    }
    world.expel_attackers().await;
    let (before, after) = world.back_to_normal().await;
    let category = attacks[0].name.split('/').next().unwrap();
    println!(
        "FIGURE hostile_guests_alone category={category} attacks={} contained={} slowest_ms={} \
         descriptors={}/{} threads={}/{} rss_kib={}/{}",
        attacks.len(),
        attacks.len() - failed.len(),
        slowest.as_millis(),
        before.descriptors,
        after.descriptors,
        before.threads,
        after.threads,
        before.rss_kib,
        after.rss_kib
    );
    assert!(failed.is_empty(), "not contained: {failed:?}");
}

/// Carries the attacks out eight at a time, while Alice works and uses the API.
pub(crate) async fn at_once(attacks: &[Attack]) {
    let world = Arc::new(World::start().await);
    let over = CancellationToken::new();
    let probing = tokio::spawn(probe(Arc::clone(&world), over.clone()));
    let working = tokio::spawn(work_on(Arc::clone(&world), over.clone()));
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut running = JoinSet::new();
    for attack in attacks.iter().copied() {
        let place = Arc::clone(&places).acquire_owned().await.unwrap();
        let world = Arc::clone(&world);
        running.spawn(async move {
            let contained = tokio::spawn((attack.carry_out)(world)).await;
            drop(place);
            (attack.name, contained)
        });
    }
    let ended = running.join_all().await;
    over.cancel();
    let (api, mut neighbor) = (probing.await.unwrap(), working.await.unwrap());
    world.nothing_remains().await;
    world.neighbor_works().await;
    world.expel_attackers().await;
    let (before, after) = world.back_to_normal().await;
    let failed: Vec<_> =
        ended.iter().filter(|(_, end)| end.is_err()).map(|(name, _)| name).collect();
    neighbor.sort_unstable();
    println!(
        "FIGURE hostile_guests attacks={} contained={} at_once={AT_ONCE} api_p99_ms={} probes={} \
         neighbor_requests={} neighbor_p99_ms={} descriptors={}/{} threads={}/{} rss_kib={}/{}",
        attacks.len(),
        attacks.len() - failed.len(),
        p99(&api).as_millis(),
        api.len(),
        neighbor.len(),
        p99(&neighbor).as_millis(),
        before.descriptors,
        after.descriptors,
        before.threads,
        after.threads,
        before.rss_kib,
        after.rss_kib
    );
    assert!(failed.is_empty(), "not contained: {failed:?}");
    assert!(p99(&api) < API_P99_MAX, "{:?}", p99(&api));
}

/// Asks the API all the time; how long each answer took, in order of size.
async fn probe(world: Arc<World>, over: CancellationToken) -> Vec<Duration> {
    let operator = world.operator();
    let mut times = Vec::new();
    while !over.is_cancelled() {
        for (client, path) in [(&operator, "/healthz"), (world.alice(), "/v1/connections")] {
            let began = Instant::now();
            assert_eq!(client.get(path).await.status, 200);
            times.push(began.elapsed());
        }
        tokio::time::sleep(PROBE_INTERVAL).await;
    }
    times.sort_unstable();
    times
}

/// Alice's requests, one after the other, each with exactly what it must give.
async fn work_on(world: Arc<World>, over: CancellationToken) -> Vec<Duration> {
    let mut times = Vec::new();
    while !over.is_cancelled() {
        times.push(world.neighbor_works().await);
    }
    times
}

fn p99(sorted: &[Duration]) -> Duration {
    sorted.get(sorted.len() * 99 / 100).copied().unwrap_or_default()
}
