//! Who may go on now: a fixed number of places, given to tenants in turns.
//!
//! A tenant holds so many places at most, and each of its connections so many of them. A tenant
//! that waits is served after at most one turn of each other tenant, however much they ask for;
//! within a tenant whoever came first is served first, past those whose connection is full. A
//! future that is dropped leaves nothing behind: neither a place in the queue nor one that it was
//! given and did not take.

mod state;

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use cordon_model::{ConnectionKey, TenantId};
use tokio::sync::oneshot;

use state::{Granted, State};

pub use state::Count;

/// The places, and everybody who waits for one.
#[derive(Debug)]
pub struct Places {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    gauges: Option<Gauges>,
}

/// Names of what is told about the places.
#[derive(Debug, Clone, Copy)]
pub struct Gauges {
    /// Places that are taken.
    pub taken: &'static str,
    /// Who waits for one.
    pub waiting: &'static str,
}

/// For whom a place is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seat {
    /// None: the host itself, which takes turns like a tenant.
    pub tenant: Option<TenantId>,
    /// None: only the tenant's limit holds.
    pub connection: Option<ConnectionKey>,
}

/// How many places one may hold at a time; at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Maxima {
    /// All of the tenant.
    pub tenant: u32,
    /// All of the connection.
    pub connection: u32,
}

/// More of the tenant wait already than may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooManyWait;

impl Places {
    /// So many places; of each tenant so many may wait.
    pub fn new(places: usize, waiting_max: usize, gauges: Option<Gauges>) -> Self {
        let state = Mutex::new(State::new(places, waiting_max));
        Self { shared: Arc::new(Shared { state, gauges }) }
    }

    /// How many of a tenant, or of all, have a place and how many wait.
    pub fn count(&self, tenant: Option<&TenantId>) -> Count {
        self.shared.lock().count(tenant)
    }

    /// How many of one owner wait.
    pub(crate) fn waiting_of(&self, owner: &Option<TenantId>) -> usize {
        self.shared.lock().waiting_of(owner)
    }

    /// Gets in line. The turn is to be awaited. The maxima hold from now on, for those that wait
    /// already too.
    ///
    /// # Errors
    /// When as many of the tenant wait as may.
    pub fn claim(&self, seat: Seat, maxima: Maxima) -> Result<Turn, TooManyWait> {
        let shared = Arc::clone(&self.shared);
        let (arrived, granted) = {
            let mut state = shared.lock();
            let arrived = state.arrive(&seat, maxima)?;
            // Only a limit that was raised since lets somebody go on here.
            (arrived, state.serve())
        };
        shared.give(granted);
        let inner = match arrived {
            None => {
                shared.tell(|names| names.taken, 1.0);
                Inner::There(Some(Place { shared, seat }))
            }
            Some((number, granted)) => {
                shared.tell(|names| names.waiting, 1.0);
                Inner::Waiting(Waiting { shared, seat, number, granted })
            }
        };
        Ok(Turn(inner))
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands places over. Not under the lock: a place that nobody takes any more goes back.
    fn give(self: &Arc<Self>, granted: Vec<Granted>) {
        for Granted { seat, to } in granted {
            self.tell(|names| names.taken, 1.0);
            drop(to.send(Place { shared: Arc::clone(self), seat }));
        }
    }

    fn tell(&self, which: impl FnOnce(&Gauges) -> &'static str, by: f64) {
        if let Some(names) = &self.gauges {
            metrics::gauge!(which(names)).increment(by);
        }
    }
}

/// A place, until it is dropped.
#[derive(Debug)]
pub struct Place {
    shared: Arc<Shared>,
    seat: Seat,
}

impl Drop for Place {
    fn drop(&mut self) {
        let granted = {
            let mut state = self.shared.lock();
            state.leave(&self.seat);
            state.serve()
        };
        self.shared.tell(|names| names.taken, -1.0);
        self.shared.give(granted);
    }
}

/// Comes to a place when it is the caller's turn.
#[derive(Debug)]
pub struct Turn(Inner);

#[derive(Debug)]
enum Inner {
    /// None: it was taken.
    There(Option<Place>),
    Waiting(Waiting),
}

#[derive(Debug)]
struct Waiting {
    shared: Arc<Shared>,
    seat: Seat,
    number: u64,
    granted: oneshot::Receiver<Place>,
}

impl Future for Turn {
    type Output = Place;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Place> {
        match &mut self.0 {
            Inner::There(place) => place.take().map_or(Poll::Pending, Poll::Ready),
            Inner::Waiting(waiting) => match Pin::new(&mut waiting.granted).poll(cx) {
                Poll::Ready(Ok(place)) => Poll::Ready(place),
                // The other end lies in what this holds, until it was used.
                Poll::Ready(Err(_)) | Poll::Pending => Poll::Pending,
            },
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // A place that was given meanwhile is in the channel, and goes back with it.
        self.shared.lock().forget(&self.seat, self.number);
        self.shared.tell(|names| names.waiting, -1.0);
    }
}

#[cfg(test)]
mod tests;
