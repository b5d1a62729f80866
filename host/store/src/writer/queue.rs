//! The bounded queue before the writer: a line for each tenant, served in turns.
//!
//! A batch takes so many commits of each tenant at most. So whoever has very many of them makes
//! nobody else's wait longer than for such a batch and its own, at the cost of more flushes.
//!
//! Async callers wait for room without blocking a thread; the writer, which is a thread, waits
//! for work. Closing lets the writer finish what is queued and turns everybody else away.

use std::collections::{HashMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use cordon_model::TenantId;
use cordon_model::commit::{CommitError, StoreError};
use tokio::sync::{Semaphore, oneshot};

use crate::apply::Prepared;
use crate::error::closed;

/// A commit on its way to the writer.
pub(crate) struct Job {
    /// Whose turn it takes; none: the host's own.
    pub(crate) tenant: Option<TenantId>,
    pub(crate) prepared: Prepared,
    /// None: nobody waits for the answer.
    pub(crate) reply: Option<oneshot::Sender<Result<(), CommitError>>>,
}

/// The queue.
pub(crate) struct Queue {
    state: Mutex<State>,
    filled: Condvar,
    room: Semaphore,
}

/// How much one batch may hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BatchMax {
    pub(crate) commits: usize,
    pub(crate) of_tenant: usize,
}

#[derive(Default)]
struct State {
    /// Only lines that are not empty.
    lines: HashMap<Option<TenantId>, VecDeque<Job>>,
    /// Those that have a line, in the order of their turns.
    turns: VecDeque<Option<TenantId>>,
    depth: usize,
    closed: bool,
}

impl State {
    fn push(&mut self, job: Job) {
        let line = self.lines.entry(job.tenant.clone()).or_default();
        if line.is_empty() {
            self.turns.push_back(job.tenant.clone());
        }
        line.push_back(job);
        self.depth += 1;
    }

    /// One of each tenant, then a second of each, and so on.
    fn take(&mut self, max: BatchMax) -> Vec<Job> {
        let mut jobs = Vec::with_capacity(self.depth.min(max.commits));
        for _ in 0..max.of_tenant.max(1) {
            for _ in 0..self.turns.len() {
                if jobs.len() >= max.commits.max(1) {
                    return jobs;
                }
                jobs.extend(self.next());
            }
        }
        jobs
    }

    fn next(&mut self) -> Option<Job> {
        let owner = self.turns.pop_front()?;
        let line = self.lines.get_mut(&owner)?;
        let job = line.pop_front();
        if line.is_empty() {
            self.lines.remove(&owner);
        } else {
            self.turns.push_back(owner);
        }
        self.depth -= usize::from(job.is_some());
        job
    }
}

impl Queue {
    /// An empty queue with room for `max` commits.
    pub(crate) fn new(max: usize) -> Self {
        let room = Semaphore::new(max.clamp(1, Semaphore::MAX_PERMITS));
        Self { state: Mutex::default(), filled: Condvar::new(), room }
    }

    /// Puts a commit in, as soon as there is room. Cancel-safe: dropped before there is room, the
    /// commit never was.
    pub(crate) async fn put(&self, job: Job) -> Result<(), StoreError> {
        self.room.acquire().await.map_err(|_| closed())?.forget();
        self.push(job)
    }

    /// Puts a commit in if there is room now.
    pub(crate) fn put_if_room(&self, job: Job) {
        if let Ok(room) = self.room.try_acquire() {
            room.forget();
            // Closed in between: such a commit is one that can be left out.
            let _ = self.push(job);
        }
    }

    fn push(&self, job: Job) -> Result<(), StoreError> {
        let mut state = self.state();
        if state.closed {
            return Err(closed());
        }
        state.push(job);
        let depth = state.depth;
        drop(state);
        self.filled.notify_one();
        metrics::gauge!("cordon_store_queue_depth").set(depth as f64);
        Ok(())
    }

    /// Takes what is queued, a batch at most, and waits while there is nothing. None: it is
    /// closed, and everything was taken.
    pub(crate) fn take(&self, max: BatchMax) -> Option<Vec<Job>> {
        let mut state = self.state();
        while state.depth == 0 {
            if state.closed {
                return None;
            }
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let jobs = state.take(max);
        let depth = state.depth;
        drop(state);
        self.room.add_permits(jobs.len());
        metrics::gauge!("cordon_store_queue_depth").set(depth as f64);
        Some(jobs)
    }

    /// Turns new commits away.
    pub(crate) fn close(&self) {
        self.state().closed = true;
        self.room.close();
        self.filled.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(tenant: &str) -> Job {
        let prepared = Prepared { operations: Vec::new(), files: Vec::new() };
        Job { tenant: Some(tenant.parse().unwrap()), prepared, reply: None }
    }

    fn queued(tenants: &str) -> State {
        let mut state = State::default();
        tenants.split(' ').for_each(|tenant| state.push(job(tenant)));
        state
    }

    fn batch(state: &mut State, commits: usize, of_tenant: usize) -> String {
        let jobs = state.take(BatchMax { commits, of_tenant });
        let owners = jobs.iter().map(|job| job.tenant.as_ref().unwrap().as_str());
        owners.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_batch_holds_so_many_commits_of_a_tenant_and_the_rest_comes_later() {
        let mut state = queued("big big big big big small");
        assert_eq!(batch(&mut state, 100, 2), "big small big");
        state.push(job("small"));
        assert_eq!(batch(&mut state, 100, 2), "big small big");
        assert_eq!(batch(&mut state, 100, 2), "big");
        assert_eq!((state.depth, state.lines.len(), state.turns.len()), (0, 0, 0));
    }

    #[test]
    fn who_found_no_room_in_a_batch_is_first_in_the_next() {
        let mut state = queued("a a b c");
        assert_eq!(batch(&mut state, 2, 8), "a b");
        assert_eq!(batch(&mut state, 2, 8), "c a");
        assert_eq!(state.depth, 0);
    }

    #[test]
    fn the_commits_of_a_tenant_stay_in_their_order() {
        let mut state = State::default();
        let replies: Vec<_> = (0..5)
            .map(|_| {
                let (reply, answer) = oneshot::channel();
                state.push(Job { reply: Some(reply), ..job("a") });
                answer
            })
            .collect();
        let mut jobs = state.take(BatchMax { commits: 3, of_tenant: 8 });
        jobs.extend(state.take(BatchMax { commits: 3, of_tenant: 8 }));
        for (job, mut answer) in jobs.into_iter().zip(replies) {
            let _ = job.reply.unwrap().send(Ok(()));
            assert!(answer.try_recv().is_ok());
        }
    }
}
