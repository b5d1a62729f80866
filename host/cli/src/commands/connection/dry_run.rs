//! `cordon connection dry-run`: what would be sent, in lines that a person can read.

use std::collections::BTreeMap;

use clap::ValueEnum;
use serde_json::{Value, json};

use crate::client::{ApiPath, Client};
use crate::commands::body::{identity, segment};
use crate::commands::{Outcome, cell};
use crate::output::{Output, View, by_command, items, joined, text};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Key or UUID of the connection
    #[arg(value_parser = segment)]
    key: String,
    /// What it would be asked for
    #[arg(long, value_enum)]
    action: Action,
    /// A person, like email=p@example.com; may be repeated, and may be invented
    #[arg(long = "identity", value_name = "KIND=VALUE", value_parser = identity)]
    identities: Vec<(String, String)>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Action {
    Access,
    Delete,
    Optout,
    Identifiers,
}

impl Action {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Delete => "delete",
            Self::Optout => "optout",
            Self::Identifiers => "identifiers",
        }
    }
}

pub(super) async fn run(args: Args, client: &Client, output: Output) -> anyhow::Result<Outcome> {
    let mut identities: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (kind, value) in args.identities {
        identities.entry(kind).or_default().push(value);
    }
    let body = json!({ "action": args.action.as_str(), "identities": identities });
    let path = ApiPath::new(["connections", &args.key, "dry-run"]);
    let answer = client.post(path, Some(body.to_string().into())).await?;
    output.answer(&answer, shown)?;
    let ready = answer.json()?.get("ready").and_then(Value::as_bool).unwrap_or(false);
    Ok(if ready { Outcome::Done } else { Outcome::Failed })
}

fn shown(run: &Value) -> View {
    let mut view = View::default();
    for request in items(run, "requests") {
        view = view.and(one(request)).and_line("");
    }
    for query in items(run, "skipped_queries") {
        let [name, reason, placeholder] =
            ["name", "reason", "placeholder"].map(|member| cell(query, member));
        view = view.and_line(format!("skipped  {name}: {reason} {placeholder}").trim_end());
    }
    for field in run.get("form").into_iter().flat_map(|form| items(form, "fields")) {
        let (name, label) = (cell(field, "name"), cell(field, "label"));
        view = view.and_line(format!("asks  {name} ({label}: {})", joined(field, "types")));
    }
    for problem in items(run, "problems") {
        let label = text(problem, "label").map(|label| format!("{label}: "));
        let (code, detail) = (cell(problem, "code"), cell(problem, "detail"));
        let detail = by_command(&detail);
        view = view.and_line(format!("problem  {}{detail} ({code})", label.unwrap_or_default()));
    }
    let mut beyond = items(run, "may_also_send").map(beyond_plan).peekable();
    if beyond.peek().is_some() {
        view = view.and_line(
            "may also send, whatever the action, made of answers that a dry run does not have:",
        );
    }
    beyond.fold(view, View::and_line).and_line(verdict(run))
}

/// Requests that cannot be shown, by what they are limited to.
fn beyond_plan(need: &Value) -> String {
    let (methods, origin) = (joined(need, "methods"), cell(need, "origin"));
    let mut line = format!("  {methods} {origin} {} and below", cell(need, "path_prefix"));
    let secrets = joined(need, "secrets");
    if !secrets.is_empty() {
        line.push_str(&format!(", with {secrets}"));
    }
    line
}

/// A request like it is written on the wire, below its label.
fn one(request: &Value) -> View {
    let mut head = cell(request, "label");
    let identities = request.get("identities").and_then(Value::as_object);
    for (kind, nth) in identities.into_iter().flatten() {
        head.push_str(&format!("  {kind} #{nth}"));
    }
    if request.get("verify_tls").and_then(Value::as_bool) == Some(false) {
        head.push_str("  certificates unchecked");
    }
    let egress = request.get("egress").unwrap_or(&Value::Null);
    let decision = match cell(egress, "decision").as_str() {
        "not_reached" => "not reached".to_owned(),
        "deny" => format!(
            "denied at {}: {}: {}",
            cell(egress, "stage"),
            cell(egress, "code"),
            cell(egress, "detail")
        ),
        other => other.to_owned(),
    };
    let line = format!("  {} {}", cell(request, "method"), cell(request, "url"));
    let mut view = View::line(format!("{head}  [{decision}]")).and_line(line);
    let headers = request.get("headers").and_then(Value::as_object);
    for (name, value) in headers.into_iter().flatten() {
        view = view.and_line(format!("  {name}: {}", value.as_str().unwrap_or_default()));
    }
    for line in text(request, "body").iter().flat_map(|body| body.lines()) {
        view = view.and_line(format!("  {line}"));
    }
    view
}

fn verdict(run: &Value) -> String {
    let requests = items(run, "requests").count();
    let ready = run.get("ready").and_then(Value::as_bool).unwrap_or(false);
    let more = items(run, "may_also_send").next().is_some();
    match (ready, more) {
        (true, false) => format!("{requests} would be sent; nothing was"),
        (true, true) => format!("{requests} would be sent, and perhaps more; nothing was"),
        (false, _) => "not ready; nothing was sent".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_shown_as_it_would_go_out_with_placeholders() {
        let run = json!({
            "ready": false,
            "requests": [
                {
                    "label": "access/0", "method": "POST", "url": "https://a.example/u",
                    "headers": { "Authorization": "Bearer {token}" },
                    "body": "{\"email\": \"{email}\"}", "identities": { "email": 2 },
                    "verify_tls": true, "egress": { "decision": "allow" },
                },
                {
                    "label": "access/1", "method": "GET", "url": "https://b.example/",
                    "headers": {}, "identities": {}, "verify_tls": false,
                    "egress": {
                        "decision": "deny", "stage": "policy", "code": "origin_not_granted",
                        "detail": "https://b.example is not granted",
                    },
                },
            ],
            "skipped_queries": [
                { "name": "access/2", "reason": "missing_placeholder", "placeholder": "user_id" },
            ],
            "problems": [{ "code": "missing_placeholder", "label": "access/3", "detail": "x" }],
        });
        assert_eq!(
            shown(&run).lines(),
            [
                "access/0  email #2  [allow]",
                "  POST https://a.example/u",
                "  Authorization: Bearer {token}",
                "  {\"email\": \"{email}\"}",
                "",
                "access/1  certificates unchecked  [denied at policy: origin_not_granted: \
                 https://b.example is not granted]",
                "  GET https://b.example/",
                "",
                "skipped  access/2: missing_placeholder user_id",
                "problem  access/3: x (missing_placeholder)",
                "not ready; nothing was sent",
            ]
        );
    }

    #[test]
    fn what_cannot_be_shown_is_said_with_what_it_is_limited_to() {
        let run = json!({
            "ready": true,
            "requests": [{
                "label": "delete/find", "method": "GET", "url": "https://a.example/find",
                "headers": {}, "identities": {}, "egress": { "decision": "allow" },
            }],
            "may_also_send": [
                {
                    "methods": ["DELETE", "GET"], "origin": "https://a.example",
                    "path_prefix": "/accounts", "secrets": ["api_key"],
                },
                {
                    "methods": ["GET"], "origin": "https://b.example", "path_prefix": "/",
                    "secrets": [],
                },
            ],
        });
        assert_eq!(
            shown(&run).lines().get(3..).unwrap(),
            [
                "may also send, whatever the action, made of answers that a dry run does not have:",
                "  DELETE, GET https://a.example /accounts and below, with api_key",
                "  GET https://b.example / and below",
                "1 would be sent, and perhaps more; nothing was",
            ]
        );
    }
}
