//! What is said of a request that goes on: a line for each change, and what a person can do when
//! it waits for one. Pure: from answers of the API to lines.

use serde_json::Value;

use super::super::cell;
use super::super::request::view::{action, outcome, waiting_for};
use crate::output::items;

/// What is different: the request's status, and what is told of each of its tasks.
pub(super) fn changes(before: &Value, now: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    let told: Vec<(String, String)> =
        items(before, "tasks").map(|task| (cell(task, "id"), of_task(task))).collect();
    for task in items(now, "tasks") {
        let (id, state) = (cell(task, "id"), of_task(task));
        if told.iter().find(|(known, _)| *known == id).is_none_or(|(_, before)| *before != state) {
            let (connection, action) = (cell(task, "connection"), action(task));
            lines.push(format!("{connection} {action}: {state}"));
        }
    }
    let (id, status) = (cell(now, "id"), cell(now, "status"));
    let waiting = waiting_for(now);
    if cell(before, "status") != status || waiting_for(before) != waiting {
        let mut line = format!("request {id}: {status}");
        if !waiting.is_empty() {
            line.push_str(", waiting for ");
            line.push_str(&waiting);
        }
        lines.push(line);
        lines.extend(remedies(now).into_iter().map(|remedy| format!("  {remedy}")));
    }
    lines
}

/// A task's status, how often it was tried, what it waits for and what it came to.
pub(super) fn of_task(task: &Value) -> String {
    let tries = items(task, "queries").filter_map(|query| query.get("attempts")?.as_u64()).max();
    let tries = tries.filter(|tries| *tries > 1).map(|tries| format!("{tries} tries"));
    let until = cell(task, "waiting_until");
    let until = if until.is_empty() { until } else { format!("until {until}") };
    let parts = [cell(task, "status"), until, tries.unwrap_or_default(), outcome(task)];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("  ")
}

/// What a person can do about a request that does not go on by itself.
pub(super) fn remedies(request: &Value) -> Vec<String> {
    let id = cell(request, "id");
    match cell(request, "status").as_str() {
        "pending" => vec![format!("to let it start: cordon request approve {id}")],
        "requires_input" => {
            let mut remedies: Vec<_> =
                items(request, "waiting_for").map(|waiting| input(request, &id, waiting)).collect();
            remedies.push(format!("then, unless it goes on: cordon request resume {id}"));
            remedies
        }
        "paused" => vec![format!("to let it go on: cordon request resume {id}")],
        "error" => vec![
            format!("for what failed: cordon request show {id}"),
            format!("once that is mended: cordon request retry {id}"),
        ],
        _ => Vec::new(),
    }
}

/// The command that answers one form: a manual webhook's by its connection, one that a connector
/// asked for in the middle of a task by the task.
fn input(request: &Value, id: &str, waiting: &Value) -> String {
    let [task, connection] = ["task", "connection"].map(|name| cell(waiting, name));
    let is_manual = items(request, "tasks")
        .any(|known| cell(known, "id") == task && cell(known, "stage") == "manual");
    let form = if is_manual { connection } else { task };
    format!("to answer: cordon request input {id} {form} LABEL=VALUE")
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
    fn a_task_says_what_it_waits_for_and_how_often_it_was_tried() {
        let waiting = json!({
            "status": "waiting", "waiting_until": "2026-01-02T03:04:05Z",
            "queries": [{"attempts": 1}, {"attempts": 3}],
        });
        assert_eq!(of_task(&waiting), "waiting  until 2026-01-02T03:04:05Z  3 tries");
        let failed =
            json!({"status": "error", "failure": {"code": "timeout", "label": "access/0"}});
        assert_eq!(of_task(&failed), "error  timeout access/0");
    }

    #[test]
    fn a_request_that_waits_for_a_person_names_the_command_that_answers() {
        let request = json!({
            "id": "r", "status": "requires_input",
            "tasks": [{"id": "t", "stage": "manual"}, {"id": "u", "stage": "access"}],
            "waiting_for": [
                {"task": "t", "connection": "legal"}, {"task": "u", "connection": "crm"},
            ],
        });
        let expected = [
            "to answer: cordon request input r legal LABEL=VALUE",
            "to answer: cordon request input r u LABEL=VALUE",
            "then, unless it goes on: cordon request resume r",
        ];
        assert_eq!(remedies(&request), expected);
        let lines = changes(&Value::Null, &json!({"id": "r", "status": "pending"}));
        assert_eq!(lines, ["request r: pending", "  to let it start: cordon request approve r"]);
        assert!(remedies(&json!({"id": "r", "status": "in_processing"})).is_empty());
    }
}
