//! Who may go on now: a fixed number of places, given to tenants in turns.
//!
//! A tenant holds so many places at most, and each of its connections so many of them. A tenant
//! that waits is served after at most one turn of each other tenant, however much they ask for;
//! within a tenant whoever came first is served first, past those whose connection is full. A
//! future that is dropped leaves nothing behind: neither a place in the queue nor one that it was
//! given and did not take. Used for the calls of the host (`instance`) and, with one turn of
//! computing for a place, for those that compute without a pause (`pace`).

mod state;

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use cordon_model::{ConnectionKey, TenantId};
use tokio::sync::oneshot;

use crate::caller::Caller;
use state::{Granted, State};

/// The places, and everybody who waits for one.
#[derive(Debug)]
pub(crate) struct Places {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    gauges: Option<Gauges>,
}

/// Names of what is told about the places.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gauges {
    /// Places that are taken.
    pub(crate) taken: &'static str,
    /// Who waits for one.
    pub(crate) waiting: &'static str,
}

/// Who wants a place, and what that one may hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seat {
    pub(crate) tenant: Option<TenantId>,
    /// None: only the tenant's limit holds.
    pub(crate) connection: Option<ConnectionKey>,
}

/// More of the tenant wait already than may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooManyWait;

impl Places {
    /// So many places; of each tenant so many may wait.
    pub(crate) fn new(places: usize, waiting_max: usize, gauges: Option<Gauges>) -> Self {
        let state = Mutex::new(State::new(places, waiting_max));
        Self { shared: Arc::new(Shared { state, gauges }) }
    }

    /// Gets in line. The turn is to be awaited.
    pub(crate) fn claim(&self, caller: &Caller) -> Result<Turn, TooManyWait> {
        let Caller { tenant, connection, calls_max, connection_calls_max, .. } = caller;
        let seat = Seat { tenant: tenant.clone(), connection: connection.clone() };
        let maxima = (*calls_max, *connection_calls_max);
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
pub(crate) struct Place {
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
pub(crate) struct Turn(Inner);

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
