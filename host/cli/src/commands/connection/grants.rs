//! `cordon connection grants`.

mod approve;

use clap::Subcommand;
use cordon_model::grant::Paths;
use serde_json::Value;

use crate::client::{ApiPath, Client};
use crate::commands::body::{JsonOption, segment};
use crate::commands::cell;
use crate::output::{Output, View, items, joined, problem_line, text};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show them, what is missing, and what other versions of the plugin would need
    Show {
        /// Key or UUID of the connection
        #[arg(value_parser = segment)]
        key: String,
    },
    /// Grant what is missing, and keep what was granted
    Approve(approve::Args),
    /// Replace everything that was granted
    Apply {
        /// Key or UUID of the connection
        #[arg(value_parser = segment)]
        key: String,
        #[command(flatten)]
        file: JsonOption,
    },
}

pub(super) async fn run(command: Command, client: &Client, output: Output) -> anyhow::Result<()> {
    let (key, answer) = match command {
        Command::Show { key } => {
            let answer = client.get(path(&key)).await?;
            (key, answer)
        }
        Command::Approve(args) => approve::run(args, client).await?,
        Command::Apply { key, file } => {
            let answer = client.put(path(&key), file.read()?.bytes).await?;
            (key, answer)
        }
    };
    output.answer(&answer, |state| shown(state, &key))
}

fn path(key: &str) -> ApiPath {
    ApiPath::new(["connections", key, "grants"])
}

fn shown(state: &Value, key: &str) -> View {
    let sides = ["needs", "granted", "effective", "missing"];
    let rows = sides.into_iter().flat_map(|side| {
        let grants = state.get(side).into_iter();
        grants.flat_map(move |grants| rows(side, grants))
    });
    let waiting = || items(state, "waiting_versions");
    let ahead = waiting().flat_map(|waiting| {
        let side = format!("with {}", cell(waiting, "version"));
        let missing = waiting.get("missing").into_iter();
        missing.flat_map(move |grants| self::rows(&side, grants))
    });
    let approval = match cell(state, "approval") {
        word if word == "waiting" => {
            format!(
                "approval: waiting; cordon connection grants approve {key} grants what is missing"
            )
        }
        word => format!("approval: {word}"),
    };
    let table = View::table(["", "GRANT", "WHERE", "WHAT"], rows.chain(ahead).collect());
    let lines = waiting().flat_map(|waiting| waits(waiting, key));
    lines.fold(table.and_line(approval), View::and_line)
}

/// What becomes of the connection with another version.
fn waits(waiting: &Value, key: &str) -> Vec<String> {
    let [name, version, reason] = ["name", "version", "reason"].map(|field| cell(waiting, field));
    let state = if cell(waiting, "active") == "true" { "active" } else { "installed, not active" };
    let what = match reason.as_str() {
        "needs_more" => format!(
            "needs what is listed with it; cordon connection grants approve {key} --with {version} \
             grants that, and cordon plugin activate {name} {version} switches"
        ),
        "refused" => "refuses the configuration".to_owned(),
        "not_now" => cell(waiting, "detail"),
        _ => format!("needs nothing more; cordon plugin activate {name} {version} switches"),
    };
    let line = format!("{name} {version} ({state}): {what}");
    let problems = items(waiting, "problems").map(|p| format!("  {}", problem_line(p)));
    std::iter::once(line).chain(problems).collect()
}

fn rows(side: &str, grants: &Value) -> Vec<[String; 4]> {
    let row =
        |kind: &str, place: String, what: String| [side.to_owned(), kind.to_owned(), place, what];
    let listed: Vec<&Value> = items(grants, "http").collect();
    let http = told(&listed).map(|grant| {
        let paths = match grant.get("path") {
            Some(_) => format!("exactly {}", cell(grant, "path")),
            None => format!("{} and below", cell(grant, "path_prefix")),
        };
        let place = format!("{} {paths}", cell(grant, "origin"));
        let mut what = joined(grant, "methods");
        for name in ["unverified_tls", "raw"] {
            if grant.get(name).and_then(Value::as_bool).unwrap_or(false) {
                what.push_str(&format!(", {name}"));
            }
        }
        row("http", place, what)
    });
    let secrets = items(grants, "secrets").map(|grant| {
        let what = format!("{} in {}", cell(grant, "name"), joined(grant, "places"));
        row("secret", cell(grant, "origin"), what)
    });
    let mut rows: Vec<_> = http.chain(secrets).collect();
    let private = joined(grants, "private");
    if !private.is_empty() {
        rows.push(row("private", private, String::new()));
    }
    for name in ["identities", "responses"] {
        if cell(grants, name) == "read" {
            rows.push(row("read", String::new(), name.to_owned()));
        }
    }
    rows
}

/// The grants that say something which no other of the same list says.
fn told<'v>(listed: &'v [&'v Value]) -> impl Iterator<Item = &'v Value> {
    listed.iter().enumerate().filter_map(|(n, grant)| {
        let covered = listed.iter().enumerate().any(|(m, other)| {
            // Of two that say the same, the first is told.
            n != m && covers(other, grant) && (m < n || !covers(grant, other))
        });
        (!covered).then_some(*grant)
    })
}

/// Whether one grant of HTTP allows all that the other does.
fn covers(one: &Value, other: &Value) -> bool {
    let paths = |of: &Value| {
        Paths::read(text(of, "path").as_deref(), text(of, "path_prefix").as_deref()).ok()
    };
    let same = |name: &str| one.get(name) == other.get(name);
    let method = |method: &Value| items(one, "methods").any(|own| own == method);
    ["origin", "unverified_tls", "raw"].into_iter().all(same)
        && items(other, "methods").all(method)
        && paths(one).zip(paths(other)).is_some_and(|(one, other)| one.covers_all(&other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_another_grant_of_the_same_side_covers_is_not_shown() {
        let grant = |paths: (&str, &str), methods: &[&str]| json!({ "origin": "https://a.example", (paths.0): paths.1, "methods": methods });
        let below = grant(("path_prefix", "/v2/guests"), &["DELETE", "GET"]);
        let covered = grant(("path", "/v2/guests"), &["GET"]);
        let other_method = grant(("path", "/v2/guests"), &["POST"]);
        let beside = grant(("path", "/v2/guests-old"), &["GET"]);
        let listed = [&covered, &below, &below, &other_method, &beside];
        let shown: Vec<_> = told(&listed).collect();
        assert_eq!(shown, [&below, &other_method, &beside]);
    }

    #[test]
    fn a_path_and_a_prefix_are_told_apart_and_what_waits_is_said_with_its_command() {
        let http = |paths: &Value| {
            let mut grant = json!({ "origin": "https://api.acme.com", "methods": ["GET"] });
            grant.as_object_mut().unwrap().extend(paths.as_object().unwrap().clone());
            json!({ "http": [grant], "identities": "handle", "responses": "handle" })
        };
        let state = json!({
            "approval": "waiting",
            "needs": http(&json!({ "path": "/members" })),
            "granted": http(&json!({ "path_prefix": "/v0" })),
            "missing": http(&json!({ "path": "/members" })),
            "waiting_versions": [
                {
                    "name": "shop", "version": "1.1.0", "active": true, "reason": "needs_more",
                    "missing": http(&json!({ "path_prefix": "/members" })),
                },
                { "name": "shop", "version": "1.2.0", "active": false },
                {
                    "name": "shop", "version": "1.3.0", "active": false, "reason": "refused",
                    "problems": [{ "pointer": "/config/x", "detail": "leave it out" }],
                },
            ],
        });
        let view = shown(&state, "crm");
        insta::assert_snapshot!(view.lines().join("\n"));
    }
}
