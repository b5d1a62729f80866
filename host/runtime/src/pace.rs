//! How a call computes: its processor time, which is limited, and the pauses that it makes for
//! others.
//!
//! A call computes when it is its tenant's turn of the processors. Guests are made to yield every
//! tick, but one tenant's that spin would still hold every worker for a tick at a time. A call that has computed for a tick without a pause of its own
//! therefore needs a place in the heavy lane for each further tick, tenants in turns, and there
//! are fewer of those than workers. Calls that wait more than they compute never need one and
//! find a worker. Wraps the work of `instance::call`; the deadline is not its business.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use cordon_turns::{Place, Places, Processors, woken};
use rustix::time::{ClockId, clock_gettime};

use crate::caller::Caller;
use crate::options::Options;

/// What a call has used when its processor time is first asked for; until then it is taken to
/// have computed whenever it was being polled.
const EXACT_FROM: Duration = Duration::from_millis(1);

/// The processor time of one call.
#[derive(Debug)]
pub(crate) struct Meter {
    used: Duration,
    max: Duration,
    tick: Duration,
    /// Time it computed, less the time that it paused of its own accord. Two ticks at most: who
    /// spun once is not heavy for ever.
    debt: Duration,
    paused: Option<Instant>,
    made_to_yield: MadeToYield,
}

/// Told by the store that its guest was made to yield: it is in its own code, and not in a host
/// function that waits.
#[derive(Debug, Clone, Default)]
pub(crate) struct MadeToYield(Arc<AtomicBool>);

impl MadeToYield {
    pub(crate) fn tell(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn was(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}

/// The call used up its processor time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UsedUp;

impl Meter {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            used: Duration::ZERO,
            max: options.processor_time_max,
            tick: options.epoch_tick,
            debt: Duration::ZERO,
            paused: None,
            made_to_yield: MadeToYield::default(),
        }
    }

    pub(crate) fn made_to_yield(&self) -> MadeToYield {
        self.made_to_yield.clone()
    }

    /// So far.
    pub(crate) const fn used(&self) -> Duration {
        self.used
    }

    fn is_heavy(&self) -> bool {
        self.debt >= self.tick
    }

    /// The call goes on.
    fn resume(&mut self) {
        if let Some(since) = self.paused.take() {
            self.debt = self.debt.saturating_sub(since.elapsed());
        }
    }

    /// It computed for so long, and stopped. Fails when that was too long: only where the guest
    /// was made to yield, so that no call of its own to the outside is cut off.
    fn stop(&mut self, computed: Duration) -> Result<(), UsedUp> {
        self.used += computed;
        self.debt = (self.debt + computed).min(self.tick * 2);
        if !self.made_to_yield.was() {
            self.paused = Some(Instant::now());
            return Ok(());
        }
        if self.used >= self.max { Err(UsedUp) } else { Ok(()) }
    }

    fn poll<F: Future>(
        &mut self,
        work: Pin<&mut F>,
        cx: &mut Context<'_>,
    ) -> Result<Poll<F::Output>, UsedUp> {
        let stopwatch = Stopwatch::start(self.used >= EXACT_FROM);
        let polled = work.poll(cx);
        let computed = stopwatch.stop();
        if polled.is_ready() {
            self.used += computed;
            return Ok(polled);
        }
        self.stop(computed)?;
        Ok(polled)
    }
}

/// Where calls get in line to compute.
#[derive(Debug)]
pub(crate) struct Lanes {
    /// For everybody.
    pub(crate) processors: Processors,
    /// Before that, for those that compute without a pause.
    pub(crate) heavy: Places,
}

impl Lanes {
    async fn turn(&self, caller: &Caller, is_heavy: bool) -> (Option<Place>, Option<Place>) {
        let heavy = match is_heavy {
            // The lane lets any number wait: they are in the pool, which is bounded.
            true => self.heavy.claim(caller.seat(), caller.maxima()).ok(),
            false => None,
        };
        let heavy = match heavy {
            Some(turn) => Some(turn.await),
            None => None,
        };
        (self.processors.turn(caller.tenant.clone()).await, heavy)
    }
}

/// Does work at its pace.
pub(crate) async fn paced<F: Future>(
    meter: &mut Meter,
    lanes: &Lanes,
    caller: &Caller,
    work: F,
) -> Result<F::Output, UsedUp> {
    let mut work = pin!(work);
    loop {
        meter.resume();
        let turn = lanes.turn(caller, meter.is_heavy()).await;
        let polled = poll_fn(|cx| Poll::Ready(meter.poll(work.as_mut(), cx))).await?;
        drop(turn);
        if let Poll::Ready(done) = polled {
            return Ok(done);
        }
        woken().await;
    }
}

/// Measures one turn of computing.
enum Stopwatch {
    /// Asking the system for the processor time costs as much as a short call.
    Exact(Duration),
    /// No less than the processor time.
    Quick(Instant),
}

impl Stopwatch {
    fn start(exact: bool) -> Self {
        if exact { Self::Exact(processor_time()) } else { Self::Quick(Instant::now()) }
    }

    fn stop(self) -> Duration {
        match self {
            Self::Exact(began) => processor_time().saturating_sub(began),
            Self::Quick(began) => began.elapsed(),
        }
    }
}

/// Of this thread.
fn processor_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(now.tv_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests;
