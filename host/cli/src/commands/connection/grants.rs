//! `cordon connection grants`.

use clap::Subcommand;
use serde_json::Value;

use crate::client::{ApiPath, Client};
use crate::commands::body::{JsonOption, segment};
use crate::commands::cell;
use crate::output::{Output, View, items, joined};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show them, and what is missing
    Show {
        /// Key or UUID of the connection
        #[arg(value_parser = segment)]
        key: String,
    },
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
    let answer = match command {
        Command::Show { key } => client.get(ApiPath::new(["connections", &key, "grants"])).await?,
        Command::Apply { key, file } => {
            let path = ApiPath::new(["connections", &key, "grants"]);
            client.put(path, file.read()?.bytes).await?
        }
    };
    output.answer(&answer, shown)
}

fn shown(state: &Value) -> View {
    let sides = ["needs", "granted", "effective", "missing"];
    let rows = sides.into_iter().flat_map(|side| {
        let grants = state.get(side).into_iter();
        grants.flat_map(move |grants| rows(side, grants))
    });
    let approval = format!("approval: {}", cell(state, "approval"));
    View::table(["", "GRANT", "WHERE", "WHAT"], rows.collect()).and_line(approval)
}

fn rows(side: &str, grants: &Value) -> Vec<[String; 4]> {
    let row =
        |kind: &str, place: String, what: String| [side.to_owned(), kind.to_owned(), place, what];
    let http = items(grants, "http").map(|grant| {
        let place = format!("{} {}", cell(grant, "origin"), cell(grant, "path_prefix"));
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
