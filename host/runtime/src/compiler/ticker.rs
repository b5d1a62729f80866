//! Advances the epoch, so that a guest that spins yields and its deadline can fire.
//!
//! On an OS thread of its own: the timers of tokio do not run while every worker is inside a
//! guest. Holds the engine weakly and ends with it, or when it is dropped.

use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use wasmtime::Engine;

use crate::error::Error;

/// The thread, for as long as this lives.
pub(crate) struct Ticker {
    /// Dropped first, which ends the thread at once.
    stop: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    pub(crate) fn start(engine: &Engine, tick: Duration) -> Result<Self, Error> {
        let engine = engine.weak();
        let (stop, stopped) = sync_channel(0);
        let thread = std::thread::Builder::new()
            .name("cordon-epochs".to_owned())
            .spawn(move || {
                while stopped.recv_timeout(tick) == Err(RecvTimeoutError::Timeout) {
                    match engine.upgrade() {
                        Some(engine) => engine.increment_epoch(),
                        None => return,
                    }
                }
            })
            .map_err(|e| Error::Sandbox(format!("no thread for epochs: {e}")))?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It cannot have panicked: nothing in it does.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thread_ends_when_the_ticker_is_dropped_and_lets_go_of_the_engine() {
        let mut config = wasmtime::Config::new();
        config.epoch_interruption(true);
        let engine = Engine::new(&config).unwrap();
        let weak = engine.weak();
        let ticker = Ticker::start(&engine, Duration::from_millis(1)).unwrap();
        drop(ticker);
        drop(engine);
        assert!(weak.upgrade().is_none());
    }
}
