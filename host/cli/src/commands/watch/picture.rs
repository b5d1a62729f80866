//! A request that goes on, as a picture on a terminal: its stages in their order, the tasks below
//! them, and how long each has been at what it is doing.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::super::cell;
use super::super::request::view::action;
use super::story;
use crate::output::screen::Screen;
use crate::output::{View, items};

/// The stages of a request, in their order.
const STAGES: [&str; 4] = ["manual", "identifiers", "access", "erasure"];

/// States of a task that nothing follows without a person.
const ENDED: [&str; 3] = ["complete", "skipped", "error"];

/// Draws a request, and remembers since when it has seen what.
pub(super) struct Picture {
    screen: Screen,
    began: Instant,
    /// By the id of a task: its status, and when that was first seen.
    since: HashMap<String, (String, Instant)>,
}

impl Picture {
    pub(super) fn new(screen: Screen) -> Self {
        Self { screen, began: Instant::now(), since: HashMap::new() }
    }

    /// Draws the request as it is now.
    pub(super) fn show(&mut self, request: &Value) -> anyhow::Result<()> {
        let now = Instant::now();
        for task in items(request, "tasks") {
            let status = cell(task, "status");
            let seen = self.since.entry(cell(task, "id")).or_insert_with(|| (status.clone(), now));
            if seen.0 != status {
                *seen = (status, now);
            }
        }
        let since = |task: &str| {
            let seen = self.since.get(task).map(|(_, seen)| now.duration_since(*seen));
            seen.unwrap_or_default()
        };
        let view = view(request, now.duration_since(self.began), since);
        Ok(self.screen.draw(&view)?)
    }

    /// Leaves the picture as it is, with the cursor on an empty line below it.
    pub(super) fn leave(&mut self) -> anyhow::Result<()> {
        Ok(self.screen.clear_below()?)
    }
}

/// The picture. `since` is for how long a task has had its status.
fn view(request: &Value, watched: Duration, since: impl Fn(&str) -> Duration) -> View {
    let [id, policy, status] = ["id", "policy", "status"].map(|name| cell(request, name));
    let head = View::line(format!("request {id}  {policy}  {status}  {}", elapsed(watched)));
    let mut rows: Vec<[String; 3]> = Vec::new();
    for stage in STAGES {
        let tasks = || items(request, "tasks").filter(|task| cell(task, "stage") == stage);
        let count = tasks().count();
        if count == 0 {
            continue;
        }
        let ended = tasks().filter(|task| has_ended(task)).count();
        rows.push([stage.to_owned(), format!("{ended} of {count}"), String::new()]);
        rows.extend(tasks().map(|task| {
            let name = format!("  {} {}", cell(task, "connection"), action(task));
            let time =
                if has_ended(task) { String::new() } else { elapsed(since(&cell(task, "id"))) };
            [name, story::of_task(task), time]
        }));
    }
    let table = View::columns(rows);
    story::remedies(request).into_iter().fold(head.and(table), View::and_line)
}

fn has_ended(task: &Value) -> bool {
    ENDED.contains(&cell(task, "status").as_str())
}

fn elapsed(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds}s"),
        (0, minutes, seconds) => format!("{minutes}m {seconds:02}s"),
        (hours, minutes, _) => format!("{hours}h {minutes:02}m"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn stages_stand_in_their_order_with_their_tasks_and_what_a_person_can_do() {
        let request = json!({
            "id": "r", "policy": "delete", "status": "requires_input",
            "tasks": [
                {"id": "3", "stage": "erasure", "connection": "crm", "action": "delete", "status": "queued"},
                {"id": "1", "stage": "manual", "connection": "legal", "action": "access", "status": "requires_input"},
                {"id": "2", "stage": "identifiers", "connection": "crm", "action": "identifiers",
                 "wanted": "user_id", "status": "complete", "finding": {"kind": "identities", "count": 2}},
            ],
            "waiting_for": [{"task": "1", "connection": "legal"}],
        });
        let since = |task: &str| Duration::from_secs(if task == "1" { 61 } else { 3 });
        let view = view(&request, Duration::from_secs(3_720), since);
        let expected = [
            "request r  delete  requires_input  1h 02m",
            "manual                     0 of 1",
            "  legal access             requires_input          1m 01s",
            "identifiers                1 of 1",
            "  crm identifiers user_id  complete  2 identities",
            "erasure                    0 of 1",
            "  crm delete               queued                  3s",
            "to answer: cordon request input r legal LABEL=VALUE",
            "then, unless it goes on: cordon request resume r",
        ];
        assert_eq!(view.lines(), expected);
    }
}
