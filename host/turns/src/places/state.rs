//! Who holds places, who waits, and who is next. Nothing here waits or wakes.
//!
//! Kept true by `serve` after every change: while a place is free, nobody waits who could have
//! it. A newcomer may therefore take a free place at once, and is ahead of nobody.

use std::collections::{HashMap, VecDeque};

use cordon_model::{ConnectionKey, TenantId};
use tokio::sync::oneshot;

use super::{Maxima, Place, Seat, TooManyWait};

type Owner = Option<TenantId>;

#[derive(Debug)]
pub(super) struct State {
    free: usize,
    waiting_max: usize,
    arrivals: u64,
    /// Only those that hold a place or wait.
    tenants: HashMap<Owner, Tenant>,
    /// Tenants that wait, in the order of their turns.
    turns: VecDeque<Owner>,
}

#[derive(Debug, Default)]
struct Tenant {
    held: u32,
    max: u32,
    waiting: usize,
    lines: HashMap<Option<ConnectionKey>, Line>,
}

/// Those of one connection.
#[derive(Debug, Default)]
struct Line {
    held: u32,
    max: u32,
    waiting: VecDeque<Waiter>,
}

#[derive(Debug)]
struct Waiter {
    number: u64,
    to: oneshot::Sender<Place>,
}

/// How many there are at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// Who have a place.
    pub held: u64,
    /// The same, of the connection that has most of them.
    pub of_one_connection: u64,
    /// Who wait for one.
    pub waiting: u64,
}

/// A place for somebody.
#[derive(Debug)]
pub(super) struct Granted {
    pub(super) seat: Seat,
    pub(super) to: oneshot::Sender<Place>,
}

/// The number of one that has to wait, and where its place will come.
pub(super) type Number = (u64, oneshot::Receiver<Place>);

impl State {
    pub(super) fn new(places: usize, waiting_max: usize) -> Self {
        let (tenants, turns) = (HashMap::new(), VecDeque::new());
        Self { free: places, waiting_max, arrivals: 0, tenants, turns }
    }

    /// Takes a place (None), or a number. The maxima are as of now.
    pub(super) fn arrive(
        &mut self,
        seat: &Seat,
        maxima: Maxima,
    ) -> Result<Option<Number>, TooManyWait> {
        let tenant = self.tenants.entry(seat.tenant.clone()).or_default();
        tenant.max = maxima.tenant.max(1);
        let line = tenant.lines.entry(seat.connection.clone()).or_default();
        line.max = if seat.connection.is_some() { maxima.connection.max(1) } else { u32::MAX };
        if self.free > 0 && tenant.waiting == 0 && tenant.held < tenant.max && line.held < line.max
        {
            self.free -= 1;
            tenant.held += 1;
            line.held += 1;
            return Ok(None);
        }
        if tenant.waiting >= self.waiting_max {
            self.tidy(seat);
            return Err(TooManyWait);
        }
        let (to, granted) = oneshot::channel();
        let number = self.arrivals;
        self.arrivals += 1;
        line.waiting.push_back(Waiter { number, to });
        tenant.waiting += 1;
        if tenant.waiting == 1 {
            self.turns.push_back(seat.tenant.clone());
        }
        Ok(Some((number, granted)))
    }

    /// Gives every free place to whoever is next.
    pub(super) fn serve(&mut self) -> Vec<Granted> {
        let mut granted = Vec::new();
        while self.free > 0 {
            let Some(next) = self.serve_one() else { break };
            granted.push(next);
        }
        granted
    }

    fn serve_one(&mut self) -> Option<Granted> {
        let ready = |owner: &Owner| self.tenants.get(owner).is_some_and(Tenant::is_ready);
        let at = self.turns.iter().position(ready)?;
        let owner = self.turns.remove(at)?;
        let tenant = self.tenants.get_mut(&owner)?;
        let (connection, to) = tenant.serve()?;
        self.free -= 1;
        if tenant.waiting > 0 {
            self.turns.push_back(owner.clone());
        }
        Some(Granted { seat: Seat { tenant: owner, connection }, to })
    }

    /// Gives a place back.
    pub(super) fn leave(&mut self, seat: &Seat) {
        self.free += 1;
        if let Some(tenant) = self.tenants.get_mut(&seat.tenant) {
            tenant.held = tenant.held.saturating_sub(1);
            if let Some(line) = tenant.lines.get_mut(&seat.connection) {
                line.held = line.held.saturating_sub(1);
            }
        }
        self.tidy(seat);
    }

    /// Forgets one that waits, unless it was given a place already.
    pub(super) fn forget(&mut self, seat: &Seat, number: u64) {
        let Some(tenant) = self.tenants.get_mut(&seat.tenant) else { return };
        let Some(line) = tenant.lines.get_mut(&seat.connection) else { return };
        // Numbers rise along a line.
        let Ok(at) = line.waiting.binary_search_by_key(&number, |waiter| waiter.number) else {
            return;
        };
        line.waiting.remove(at);
        tenant.waiting -= 1;
        if tenant.waiting == 0 {
            self.turns.retain(|owner| *owner != seat.tenant);
        }
        self.tidy(seat);
    }

    /// Of a tenant, or of all. Looks only at those who hold a place or wait.
    pub(super) fn count(&self, of: Option<&TenantId>) -> Count {
        let tenants = self.tenants.iter();
        let counted = tenants.filter(|(owner, _)| of.is_none() || owner.as_ref() == of);
        counted.fold(Count::default(), |sum, (_, tenant)| {
            let of_connections = tenant.lines.iter().filter(|(connection, _)| connection.is_some());
            let most = of_connections.map(|(_, line)| line.held.into()).max().unwrap_or(0);
            Count {
                held: sum.held + u64::from(tenant.held),
                of_one_connection: sum.of_one_connection.max(most),
                waiting: sum.waiting + tenant.waiting as u64,
            }
        })
    }

    /// How many of a tenant wait.
    pub(super) fn waiting_of(&self, owner: &Owner) -> usize {
        self.tenants.get(owner).map_or(0, |tenant| tenant.waiting)
    }

    /// Whether nobody holds and nobody waits.
    #[cfg(test)]
    pub(super) fn is_untouched(&self, places: usize) -> bool {
        self.free == places && self.tenants.is_empty() && self.turns.is_empty()
    }

    /// Keeps nothing of who neither holds nor waits.
    fn tidy(&mut self, seat: &Seat) {
        let Some(tenant) = self.tenants.get_mut(&seat.tenant) else { return };
        let idle = |line: &Line| line.held == 0 && line.waiting.is_empty();
        if tenant.lines.get(&seat.connection).is_some_and(idle) {
            tenant.lines.remove(&seat.connection);
        }
        if tenant.lines.is_empty() {
            self.tenants.remove(&seat.tenant);
        }
    }
}

impl Tenant {
    fn is_ready(&self) -> bool {
        self.held < self.max && self.waiting > 0 && self.lines.values().any(Line::is_ready)
    }

    /// Whoever came first, of those whose connection has room.
    fn serve(&mut self) -> Option<(Option<ConnectionKey>, oneshot::Sender<Place>)> {
        let ready = self.lines.iter_mut().filter(|(_, line)| line.is_ready());
        let first = |line: &Line| line.waiting.front().map(|waiter| waiter.number);
        let (connection, line) = ready.min_by_key(|(_, line)| first(line))?;
        let waiter = line.waiting.pop_front()?;
        let connection = connection.clone();
        line.held += 1;
        self.held += 1;
        self.waiting -= 1;
        Some((connection, waiter.to))
    }
}

impl Line {
    fn is_ready(&self) -> bool {
        self.held < self.max && !self.waiting.is_empty()
    }
}
