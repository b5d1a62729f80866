//! How requests are shown.

use serde_json::Value;

use super::super::{cell, page_of};
use crate::output::{View, by_command, items, joined};

pub(super) fn requests(list: &Value) -> View {
    let rows = items(list, "items").map(|item| {
        ["id", "status", "policy", "created_at", "due_at", "external_id"]
            .map(|name| cell(item, name))
    });
    let head = ["ID", "STATUS", "POLICY", "CREATED", "DUE", "EXTERNAL ID"];
    page_of(list, View::table(head, rows.collect()))
}

pub(super) fn request(object: &Value) -> View {
    let scalars = [
        "id",
        "status",
        "policy",
        "external_id",
        "denial_reason",
        "created_at",
        "due_at",
        "ended_at",
        "expired_at",
        "updated_at",
    ];
    let fields = scalars.map(|name| (name, cell(object, name)));
    let waits = [("waiting_for", waiting_for(object)), ("unserved", joined(object, "unserved"))];
    let package = object.get("package").map(|package| cell(package, "sha256"));
    let package = ("package", package.unwrap_or_default());
    let problems: Vec<_> = items(object, "problems").map(|p| ("problem", problem(p))).collect();
    let view = View::fields(fields.into_iter().chain(waits).chain([package]).chain(problems));
    let rows: Vec<_> = items(object, "tasks")
        .map(|task| {
            let [id, connection, status] =
                ["id", "connection", "status"].map(|name| cell(task, name));
            [id, connection, action(task), status, outcome(task)]
        })
        .collect();
    let view = if rows.is_empty() {
        view
    } else {
        view.and(View::table(["TASK", "CONNECTION", "ACTION", "STATUS", "OUTCOME"], rows))
    };
    next(object).into_iter().fold(view, View::and_line)
}

/// What a person can do next, with the command.
fn next(request: &Value) -> Option<String> {
    let id = cell(request, "id");
    let not_granted = |of: &Value| cell(of, "code") == "not_granted";
    let failed = || items(request, "tasks").filter_map(|task| task.get("failure"));
    match cell(request, "status").as_str() {
        "pending" => Some(format!("waits for approval: cordon request approve {id}")),
        "error" if failed().any(not_granted) || items(request, "problems").any(not_granted) => {
            Some(format!("once everything is granted: cordon request retry {id}"))
        }
        _ => None,
    }
}

/// Why a request has no package, where that is for good.
pub(super) fn no_package(request: &Value) -> Option<String> {
    let status = cell(request, "status");
    let is_final = ["complete", "denied", "canceled"].contains(&status.as_str());
    let has_one = request.get("package").is_some_and(|package| !package.is_null());
    (is_final && !has_one).then(|| {
        format!(
            "the request is {status} and has no package, and there will be none: one is made when \
             a request for access or identifiers completes"
        )
    })
}

/// What a task does, and for identifiers, which.
pub(in super::super) fn action(task: &Value) -> String {
    format!("{} {}", cell(task, "action"), cell(task, "wanted")).trim_end().to_owned()
}

/// What a task found or did, why it was skipped, or how it failed, in a few words.
pub(in super::super) fn outcome(task: &Value) -> String {
    let words = |part: &str, names: [&str; 2]| {
        let part = task.get(part).filter(|part| part.is_object())?;
        Some(names.map(|name| cell(part, name)).join(" ").trim().to_owned())
    };
    words("finding", ["count", "kind"])
        .or_else(|| words("failure", ["code", "label"]))
        .or_else(|| words("skipped", ["reason", "placeholder"]))
        .unwrap_or_default()
}

/// The connections whose forms wait for a person.
pub(in super::super) fn waiting_for(request: &Value) -> String {
    let connections = items(request, "waiting_for").map(|waiting| cell(waiting, "connection"));
    connections.collect::<Vec<_>>().join(", ")
}

fn problem(problem: &Value) -> String {
    let [code, connection, detail] =
        ["code", "connection", "detail"].map(|name| cell(problem, name));
    let place = if connection.is_empty() { connection } else { format!("{connection}: ") };
    format!("{place}{} ({code})", by_command(&detail))
}

pub(super) fn inputs(list: &Value) -> View {
    let rows = items(list, "items").flat_map(|item| {
        let [connection, provided] = ["connection", "provided"].map(|name| cell(item, name));
        let form = item.get("form");
        let asked = form.into_iter().flat_map(|form| items(form, "fields")).map(|field| {
            let [label, required, name] =
                ["label", "required", "name"].map(|name| cell(field, name));
            let given = items(item, "given").any(|given| cell(given, "label") == label);
            [label, joined(field, "types"), required, given.to_string(), name]
        });
        // Of an earlier definition: it counts again when the label is back.
        let is_asked = move |label: &str| {
            form.is_some_and(|form| items(form, "fields").any(|f| cell(f, "label") == label))
        };
        let left = items(item, "given").filter(move |given| !is_asked(&cell(given, "label")));
        let left = left.map(|given| {
            let [label, field_type] = ["label", "type"].map(|name| cell(given, name));
            [label, field_type, "false".to_owned(), "true".to_owned(), "not asked for".to_owned()]
        });
        let rows: Vec<_> = asked.chain(left).collect();
        rows.into_iter().map(move |[label, types, required, given, name]| {
            [connection.clone(), provided.clone(), label, types, required, given, name]
        })
    });
    let head = ["CONNECTION", "PROVIDED", "LABEL", "TYPES", "REQUIRED", "GIVEN", "FIELD"];
    View::table(head, rows.collect())
}

pub(super) fn given(request: &Value) -> View {
    let (status, id) = (cell(request, "status"), cell(request, "id"));
    let view = View::line(format!("stored; the request is {status}"));
    if status != "requires_input" {
        return view;
    }
    view.and_line(format!("once every input is given: cordon request resume {id}"))
}

pub(super) fn events(list: &Value) -> View {
    let rows = items(list, "items").map(|item| {
        let by = item.get("actor").map(|actor| match cell(actor, "name") {
            name if name.is_empty() => cell(actor, "type"),
            name => name,
        });
        [cell(item, "at"), cell(item, "event"), by.unwrap_or_default()]
    });
    page_of(list, View::table(["AT", "EVENT", "BY"], rows.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_request_is_shown_with_its_tasks_and_what_failed() {
        let object = json!({
            "id": "r", "status": "error", "policy": "delete", "external_id": null,
            "waiting_for": [], "unserved": ["optout"], "package": {"sha256": "ab"},
            "problems": [{"code": "in_doubt", "connection": "crm", "detail": "settle it"}],
            "tasks": [
                {"id": "1", "connection": "crm", "action": "delete", "status": "error",
                 "failure": {"code": "in_doubt", "label": "delete/0"}},
                {"id": "2", "connection": "crm", "action": "identifiers", "wanted": "user_id",
                 "status": "complete", "finding": {"kind": "identities", "count": 2}},
                {"id": "3", "connection": "crm", "action": "access", "status": "queued"},
            ],
        });
        let expected = [
            "id        r",
            "status    error",
            "policy    delete",
            "unserved  optout",
            "package   ab",
            "problem   crm: settle it (in_doubt)",
            "TASK  CONNECTION  ACTION               STATUS    OUTCOME",
            "1     crm         delete               error     in_doubt delete/0",
            "2     crm         identifiers user_id  complete  2 identities",
            "3     crm         access               queued",
        ];
        assert_eq!(request(&object).lines(), expected);
    }

    #[test]
    fn what_a_person_can_do_next_is_said_with_its_command() {
        let lines = |object: &Value| request(object).lines().to_vec();
        let pending = lines(&json!({ "id": "r", "status": "pending" }));
        assert_eq!(pending.last().unwrap(), "waits for approval: cordon request approve r");
        let failed = |status: &str, code: &str| {
            let task = json!({ "id": "1", "status": "error", "failure": { "code": code } });
            lines(&json!({ "id": "r", "status": status, "tasks": [task] })).pop().unwrap()
        };
        let again = "once everything is granted: cordon request retry r";
        assert_eq!(failed("error", "not_granted"), again);
        for (status, code) in [("error", "timeout"), ("canceled", "not_granted")] {
            assert!(failed(status, code).ends_with(code));
        }
    }

    #[test]
    fn a_package_is_missing_for_good_only_when_the_request_is_over() {
        for (status, package, for_good) in [
            ("complete", json!(null), true),
            ("denied", json!(null), true),
            ("in_processing", json!(null), false),
            ("complete", json!({ "sha256": "ab" }), false),
        ] {
            let request = json!({ "status": status, "package": package });
            assert_eq!(no_package(&request).is_some(), for_good, "{status}");
        }
    }
}
