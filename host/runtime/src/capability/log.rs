//! `log`: words for the operator, capped in lines and bytes. Silent when the run has a read
//! grant, because then they may hold what was read; unless an author plays the answers, who is
//! told instead of the operator.

use std::sync::Arc;

use cordon_model::subject::is_invisible;
use cordon_model::{FailureCode, TaskId, TenantId};

use crate::bindings::log;
use crate::call::{CallState, RunState, Stop};
use crate::cassette::Player;
use crate::options::Options;

/// What one call may still log.
pub(crate) struct LogBudget {
    lines: u32,
    bytes: usize,
    /// Ends a guest that does nothing but log; logging is the one thing it may do unasked.
    dropped_left: u32,
    /// None in `describe` and `validate`, which are asked for nobody in particular.
    speaker: Option<Speaker>,
    quiet: bool,
    /// An author who plays the answers.
    player: Option<Arc<dyn Player>>,
}

/// Whose run it is that says something.
struct Speaker {
    tenant: TenantId,
    connection: String,
    /// None in a test of the connection.
    task: Option<TaskId>,
}

/// Lines over the limit that are dropped in silence before the call is ended.
const DROPPED_MAX: u32 = 100_000;

impl LogBudget {
    pub(crate) fn new(options: &Options, run: Option<&RunState>) -> Self {
        let speaker = run.map(|run| Speaker {
            tenant: run.connection.tenant.clone(),
            connection: run.connection.key.to_string(),
            task: run.calls.task.as_ref().map(|calls| calls.task),
        });
        Self {
            lines: options.log_lines_max,
            bytes: options.log_bytes_max,
            dropped_left: DROPPED_MAX,
            speaker,
            quiet: run.is_some_and(|run| !run.keeps_words()),
            player: run.and_then(RunState::player).cloned(),
        }
    }

    /// The line as it may be logged, within what is left.
    fn admit(&mut self, message: &str) -> Result<Option<String>, Stop> {
        if self.quiet || self.lines == 0 || self.bytes == 0 {
            self.dropped_left = self.dropped_left.checked_sub(1).ok_or_else(|| {
                Stop::failed(FailureCode::LimitReached, "the run logs without end")
            })?;
            return Ok(None);
        }
        self.lines -= 1;
        let line = one_line(message, self.bytes);
        self.bytes = self.bytes.saturating_sub(line.len());
        Ok(Some(line))
    }
}

/// At most `bytes` bytes of the message, without what a reader cannot see: a line break would let
/// it pose as another line of the log, an escape or an override as another text.
fn one_line(message: &str, bytes: usize) -> String {
    let end = message.floor_char_boundary(bytes);
    let (kept, _) = message.split_at(end);
    kept.chars().filter(|c| !is_invisible(*c)).collect()
}

impl log::Host for CallState {
    fn write(&mut self, level: log::Level, message: String) -> wasmtime::Result<()> {
        let admitted = self.log.admit(&message);
        if let Some(line) = self.or_end(admitted)? {
            let said = match level {
                log::Level::Debug => "debug",
                log::Level::Info => "info",
                log::Level::Warn => "warn",
            };
            if let Some(player) = &self.log.player {
                player.logged(said, &line);
                return Ok(());
            }
            let speaker = self.log.speaker.as_ref();
            tracing::debug!(
                tenant.id = speaker.map(|speaker| speaker.tenant.as_str()),
                task.id = speaker.and_then(|speaker| speaker.task).map(tracing::field::display),
                connection.id = speaker.map(|speaker| speaker.connection.as_str()),
                said,
                line,
                "a connector says"
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(quiet: bool) -> LogBudget {
        let options = Options { log_lines_max: 2, log_bytes_max: 8, ..Options::default() };
        LogBudget { quiet, ..LogBudget::new(&options, None) }
    }

    #[test]
    fn lines_and_bytes_are_capped() {
        let mut log = budget(false);
        assert_eq!(log.admit("abc").unwrap().as_deref(), Some("abc"));
        assert_eq!(log.admit("defghijk").unwrap().as_deref(), Some("defgh"));
        assert_eq!(log.admit("l").unwrap(), None);
    }

    #[test]
    fn a_line_cannot_pose_as_two() {
        assert_eq!(one_line("a\n\u{1b}[31mb\r\u{85}c", 100), "a[31mbc");
        assert_eq!(one_line("aé", 2), "a", "cut between characters");
    }

    #[test]
    fn a_line_cannot_turn_its_reader_around() {
        assert_eq!(one_line("a\u{202e}b\u{2066}c\u{200f}d\u{2028}e\u{feff}f", 100), "abcdef");
    }

    #[test]
    fn a_run_that_may_read_logs_nothing() {
        assert_eq!(budget(true).admit("x").unwrap(), None);
    }

    #[test]
    fn a_guest_that_does_nothing_but_log_is_ended() {
        let mut log = budget(true);
        log.dropped_left = 1;
        assert!(log.admit("x").is_ok());
        assert!(log.admit("x").is_err());
    }
}
