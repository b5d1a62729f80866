//! Follows a request by asking for it again and again, a line for each change.

use std::time::Duration;

use serde_json::Value;

use super::request::view::{action, outcome, waiting_for};
use super::{Outcome, cell};
use crate::client::{ApiPath, Client};
use crate::output::{Output, View, items};

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

/// Follows a request. Without a change nothing is printed.
pub(super) async fn follow(
    client: &Client,
    output: Output,
    id: &str,
    until: Until,
) -> anyhow::Result<Outcome> {
    let mut before = Value::Null;
    loop {
        let answer = client.get(ApiPath::new(["privacy-requests", id])).await?;
        let now = answer.json()?;
        let lines = changes(&before, &now);
        if !lines.is_empty() {
            let view = lines.into_iter().fold(View::default(), View::and_line);
            output.answer(&answer, |_| view)?;
        }
        if let Some(outcome) = ended(&cell(&now, "status"), until) {
            return Ok(outcome);
        }
        before = now;
        tokio::time::sleep(INTERVAL).await;
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

/// What is different: the request's status, and that of each of its tasks.
fn changes(before: &Value, now: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    let tasks: Vec<&Value> = items(before, "tasks").collect();
    for task in items(now, "tasks") {
        let [id, connection, status] = ["id", "connection", "status"].map(|name| cell(task, name));
        let known = tasks.iter().find(|known| cell(known, "id") == id);
        if known.is_none_or(|known| cell(known, "status") != status) {
            let line = format!("{connection} {}: {status} {}", action(task), outcome(task));
            lines.push(line.trim_end().to_owned());
        }
    }
    let status = cell(now, "status");
    let waiting = waiting_for(now);
    if cell(before, "status") != status || waiting_for(before) != waiting {
        let mut line = format!("request {}: {status}", cell(now, "id"));
        if !waiting.is_empty() {
            line.push_str(", waiting for ");
            line.push_str(&waiting);
        }
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_changed_makes_a_line() {
        let task = |status: &str| json!({"id": "t", "connection": "crm", "action": "access", "status": status});
        let first = json!({"id": "r", "status": "in_processing", "tasks": [task("queued")]});
        let second = json!({"id": "r", "status": "in_processing", "tasks": [task("running")]});
        assert_eq!(
            changes(&Value::Null, &first),
            ["crm access: queued", "request r: in_processing"]
        );
        assert_eq!(changes(&first, &second), ["crm access: running"]);
        assert!(changes(&second, &second).is_empty());
    }

    #[test]
    fn a_request_that_waits_for_a_person_ends_a_wait_and_not_a_watch() {
        assert_eq!(ended("requires_input", Until::Ended), None);
        assert_eq!(ended("requires_input", Until::EndedOrHeldUp), Some(Outcome::Done));
        assert_eq!(ended("error", Until::Ended), Some(Outcome::Failed));
        assert_eq!(ended("in_processing", Until::EndedOrHeldUp), None);
    }
}
