//! The bounded queue before the writer.
//!
//! Async callers wait for room without blocking a thread; the writer, which is a thread, waits
//! for work. Closing lets the writer finish what is queued and turns everybody else away.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use cordon_model::commit::{CommitError, StoreError};
use tokio::sync::{Semaphore, oneshot};

use crate::apply::Prepared;
use crate::error::closed;

/// A commit on its way to the writer.
pub(crate) struct Job {
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

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    closed: bool,
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
        state.jobs.push_back(job);
        let depth = state.jobs.len();
        drop(state);
        self.filled.notify_one();
        metrics::gauge!("cordon_store_queue_depth").set(depth as f64);
        Ok(())
    }

    /// Takes what is queued, at most `max`, and waits while there is nothing. None: it is closed,
    /// and everything was taken.
    pub(crate) fn take(&self, max: usize) -> Option<Vec<Job>> {
        let mut state = self.state();
        while state.jobs.is_empty() {
            if state.closed {
                return None;
            }
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let count = state.jobs.len().min(max.max(1));
        let jobs: Vec<Job> = state.jobs.drain(..count).collect();
        let depth = state.jobs.len();
        drop(state);
        self.room.add_permits(count);
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
