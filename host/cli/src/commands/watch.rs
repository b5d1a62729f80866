//! Follows a request by asking for it again and again: on a terminal as a picture that is drawn
//! over itself, anywhere else as a line for each change, with `--json` as an object for each.
//!
//! Decides nothing: a request goes on whether or not somebody watches.

mod picture;
mod story;

use std::pin::pin;
use std::time::Duration;

use serde_json::Value;
use tokio::signal::ctrl_c;

use self::picture::Picture;
use super::{Outcome, cell};
use crate::client::{ApiPath, Client};
use crate::output::{Output, View, note};

/// How often the request is asked for.
const INTERVAL: Duration = Duration::from_millis(500);

/// When to stop following.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// When nothing happens any more: in `error` only a person moves it.
    Ended,
    /// The same, and when a person has to do something before it goes on.
    EndedOrHeldUp,
}

/// How a request is shown.
enum Display {
    Picture(Picture),
    /// What changed since this.
    Story(Value),
}

/// Follows a request. Whoever interrupts it learns that the request goes on.
pub(super) async fn follow(
    client: &Client,
    output: Output,
    id: &str,
    until: Until,
) -> anyhow::Result<Outcome> {
    let mut display = match output.screen() {
        Some(screen) => Display::Picture(Picture::new(screen)),
        None => Display::Story(Value::Null),
    };
    let mut interrupted = pin!(ctrl_c());
    loop {
        let path = ApiPath::new(["privacy-requests", id]);
        let answer = tokio::select! {
            answer = client.get(path) => answer?,
            _ = &mut interrupted => return display.given_up(id),
        };
        let now = answer.json()?;
        let outcome = ended(&cell(&now, "status"), until);
        display.show(output, now)?;
        if let Some(outcome) = outcome {
            return Ok(outcome);
        }
        tokio::select! {
            () = tokio::time::sleep(INTERVAL) => {}
            _ = &mut interrupted => return display.given_up(id),
        }
    }
}

impl Display {
    fn show(&mut self, output: Output, now: Value) -> anyhow::Result<()> {
        match self {
            Self::Picture(picture) => picture.show(&now),
            Self::Story(before) => {
                let lines = story::changes(before, &now);
                if !lines.is_empty() && output.json {
                    output.raw(&now.to_string().into())?;
                } else if !lines.is_empty() {
                    output.view(&lines.into_iter().fold(View::default(), View::and_line))?;
                }
                *before = now;
                Ok(())
            }
        }
    }

    /// Not done, so that a script does not go on as if it was.
    fn given_up(&mut self, id: &str) -> anyhow::Result<Outcome> {
        if let Self::Picture(picture) = self {
            picture.leave()?;
        }
        note(&format!("the request goes on; follow it again with: cordon request watch {id}"));
        Ok(Outcome::Failed)
    }
}

fn ended(status: &str, until: Until) -> Option<Outcome> {
    match status {
        "complete" => Some(Outcome::Done),
        "denied" | "canceled" | "error" => Some(Outcome::Failed),
        "pending" | "requires_input" | "paused" => {
            (until == Until::EndedOrHeldUp).then_some(Outcome::Done)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_waits_for_a_person_ends_a_wait_and_not_a_watch() {
        for held_up in ["pending", "requires_input", "paused"] {
            assert_eq!(ended(held_up, Until::Ended), None);
            assert_eq!(ended(held_up, Until::EndedOrHeldUp), Some(Outcome::Done));
        }
        assert_eq!(ended("in_processing", Until::EndedOrHeldUp), None);
        assert_eq!(ended("complete", Until::Ended), Some(Outcome::Done));
        for failed in ["error", "denied", "canceled"] {
            assert_eq!(ended(failed, Until::Ended), Some(Outcome::Failed));
        }
    }
}
