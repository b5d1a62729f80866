//! The processors of the machine: who may compute now, tenants in turns.
//!
//! A tenant computes on as many processors as there are. While others are about, one with a backlog
//! leaves one free, where there is more than one; and all tenants together have twice as many
//! turns as there are processors: so that a second one never waits for the first, and a third
//! waits for one turn at most. Without this whoever hands in very much is ahead of everybody in the
//! queues of the async workers and of the threads for blocking work, which know no tenants.
//!
//! What waits for a file, a network or another's answer has no turn meanwhile. A turn is not
//! taken back: work that computes for long delays who waits behind it for as long.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use cordon_model::TenantId;
use tokio::task::spawn_blocking;
use tokio_util::task::AbortOnDropHandle;

use crate::places::{Gauges, Maxima, Place, Places, Seat, TooManyWait, Turn};

/// What is told about who computes.
const GAUGES: Gauges = Gauges { taken: "cordon_turns_taken", waiting: "cordon_turns_waiting" };

/// How long a tenant counts as being about after a turn: requests come in bursts, and wait for
/// others' systems in between.
const ABOUT: Duration = Duration::from_secs(1);

/// The processors. Clones share them.
#[derive(Debug, Clone)]
pub struct Processors {
    places: Arc<Places>,
    count: u32,
    company: Arc<Mutex<Company>>,
}

/// Whether more than one tenant is about.
#[derive(Debug, Default)]
struct Company {
    /// Who came last, and when somebody else than the one before came.
    last: Option<TenantId>,
    changed: Option<Instant>,
}

impl Company {
    /// Notes who came; whether somebody else is about.
    fn sees(&mut self, tenant: &TenantId, now: Instant) -> bool {
        if self.last.as_ref() != Some(tenant) {
            self.changed = self.last.replace(tenant.clone()).map(|_| now);
        }
        self.changed.is_some_and(|changed| now.duration_since(changed) < ABOUT)
    }
}

/// The work was not done, or not to its end: the host is stopping, or the work panicked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended;

impl Processors {
    /// So many; at least one.
    pub fn new(count: usize) -> Self {
        let count = count.max(1);
        let places = Places::new(count.saturating_mul(2), usize::MAX, Some(GAUGES));
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        Self { places: Arc::new(places), count, company: Arc::default() }
    }

    /// As many as the system gives this process.
    pub fn of_the_machine() -> Self {
        Self::new(available_parallelism().map_or(1, usize::from))
    }

    /// Does blocking work on a thread for it, when it is the tenant's turn; none: the host's own
    /// work. Dropped before its turn, the work is not done.
    ///
    /// The work waits in a task of its own: whoever awaits it may itself be waiting for a turn
    /// (`in_turns`), and must not hold up one that was given to the work.
    ///
    /// # Errors
    /// See [`Ended`].
    pub async fn blocking<T: Send + 'static>(
        &self,
        tenant: Option<TenantId>,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Ended> {
        let mut turn = self.claim(tenant).map_err(|TooManyWait| Ended)?;
        let work = move |place: Place| {
            spawn_blocking(move || {
                let _place = place;
                work()
            })
        };
        let working = match poll_fn(|cx| Poll::Ready(Pin::new(&mut turn).poll(cx))).await {
            Poll::Ready(place) => work(place).await,
            Poll::Pending => {
                let waiting = tokio::spawn(async move { work(turn.await).await });
                match AbortOnDropHandle::new(waiting).await {
                    Ok(done) => done,
                    Err(ended) => Err(ended),
                }
            }
        };
        working.map_err(|_| Ended)
    }

    /// Goes on with a future only while it is the tenant's turn: a turn for each time that it is
    /// polled.
    pub async fn in_turns<F: Future>(&self, tenant: &TenantId, future: F) -> F::Output {
        let mut future = pin!(future);
        loop {
            let place = self.turn(Some(tenant.clone())).await;
            let polled = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await;
            drop(place);
            if let Poll::Ready(output) = polled {
                return output;
            }
            woken().await;
        }
    }

    /// A turn, until it is dropped; none: the host's own. Whoever has one computes, and waits for
    /// nothing. To be awaited where nothing else keeps it from being polled: it may have been
    /// given already.
    pub async fn turn(&self, tenant: Option<TenantId>) -> Option<Place> {
        match self.claim(tenant) {
            Ok(turn) => Some(turn.await),
            Err(TooManyWait) => None,
        }
    }

    /// Refuses nobody: any number may wait.
    fn claim(&self, tenant: Option<TenantId>) -> Result<Turn, TooManyWait> {
        let has_company = tenant.as_ref().is_some_and(|tenant| self.has_company(tenant));
        let has_backlog = has_company && self.places.waiting_of(&tenant) >= self.count as usize;
        let most = if has_backlog { (self.count - 1).max(1) } else { self.count };
        let maxima = Maxima { tenant: most, connection: most };
        self.places.claim(Seat { tenant, connection: None }, maxima)
    }

    fn has_company(&self, tenant: &TenantId) -> bool {
        let mut company = self.company.lock().unwrap_or_else(PoisonError::into_inner);
        company.sees(tenant, Instant::now())
    }
}

/// Until the task is woken, by what was polled before.
pub async fn woken() {
    let mut asked = false;
    poll_fn(|_| match std::mem::replace(&mut asked, true) {
        true => Poll::Ready(()),
        false => Poll::Pending,
    })
    .await;
}

#[cfg(test)]
mod tests;
