//! `cordon connection`.

mod dry_run;
mod grants;

use clap::Subcommand;
use serde_json::Value;

use super::body::{JsonFile, JsonOption, segment};
use super::target::Target;
use super::{Outcome, PageArgs, cell, page_of};
use crate::client::{ApiPath, Client};
use crate::config::Environment;
use crate::output::{Output, View, by_command, items, joined, problem_line};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    target: Target,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List connections, newest first
    List(PageArgs),
    /// List the types that a connection may have
    Types {
        /// Only this category
        #[arg(long)]
        category: Option<String>,
        /// Only types whose name contains this
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,
    },
    /// Show one connection
    Show {
        /// Its key or its UUID
        #[arg(value_parser = segment)]
        key: String,
    },
    /// Create or replace a connection; its key is the object's, else made of its name
    Apply(JsonFile),
    /// Delete a connection
    Delete {
        /// Its key or its UUID
        #[arg(value_parser = segment)]
        key: String,
    },
    /// Run the test queries; exits with 1 when one does not pass
    Test {
        /// Its key or its UUID
        #[arg(value_parser = segment)]
        key: String,
    },
    /// Show what an action would send, with placeholders, and send nothing; exits with 1 when
    /// something of it would be refused
    DryRun(dry_run::Args),
    /// What a connection asks for, was granted, and can do
    #[command(subcommand)]
    Grants(grants::Command),
    /// Store the credentials of a connection, in place of those before
    Secrets {
        /// Its key or its UUID
        #[arg(value_parser = segment)]
        key: String,
        #[command(flatten)]
        file: JsonOption,
    },
}

pub(super) async fn run(
    args: Args,
    environment: &Environment,
    output: Output,
) -> anyhow::Result<Outcome> {
    let client = args.target.client(environment)?;
    match args.command {
        Command::List(page) => {
            let answer = client.get(page.of(ApiPath::new(["connections"]))).await?;
            output.answer(&answer, connections)?;
        }
        Command::Types { category, search } => {
            let path = ApiPath::new(["connection-types"]);
            let path = path.with("category", category).with("search", search);
            output.answer(&client.get(path).await?, types)?;
        }
        Command::Show { key } => {
            output.answer(&client.get(ApiPath::new(["connections", &key])).await?, connection)?;
        }
        Command::Apply(file) => {
            let file = file.read()?;
            let path = ApiPath::new(["connections", &file.key()?]);
            output.answer(&client.put(path, file.bytes).await?, connection)?;
        }
        Command::Delete { key } => {
            let answer = client.delete(ApiPath::new(["connections", &key])).await?;
            output.answer(&answer, |_| View::line(format!("deleted {key}")))?;
        }
        Command::Test { key } => return test(&client, output, &key).await,
        Command::DryRun(args) => return dry_run::run(args, &client, output).await,
        Command::Grants(command) => grants::run(command, &client, output).await?,
        Command::Secrets { key, file } => {
            let path = ApiPath::new(["connections", &key, "secrets"]);
            output.answer(&client.put(path, file.read()?.bytes).await?, |answer| {
                View::line(format!("stored: {}", joined(answer, "names")))
            })?;
        }
    }
    Ok(Outcome::Done)
}

async fn test(client: &Client, output: Output, key: &str) -> anyhow::Result<Outcome> {
    let answer = client.post(ApiPath::new(["connections", key, "test"]), None).await?;
    output.answer(&answer, tested)?;
    let healthy = answer.json()?.get("healthy").and_then(Value::as_bool).unwrap_or(false);
    Ok(if healthy { Outcome::Done } else { Outcome::Failed })
}

fn connections(list: &Value) -> View {
    let rows = items(list, "items").map(|item| {
        ["key", "connector_type", "mode", "enabled", "name"].map(|name| cell(item, name))
    });
    page_of(list, View::table(["KEY", "TYPE", "MODE", "ENABLED", "NAME"], rows.collect()))
}

fn types(list: &Value) -> View {
    let rows = items(list, "items").map(|item| {
        let [kind, category, name] =
            ["connector_type", "category", "name"].map(|name| cell(item, name));
        [kind, category, joined(item, "actions"), name]
    });
    View::table(["TYPE", "CATEGORY", "ACTIONS", "NAME"], rows.collect())
}

fn connection(object: &Value) -> View {
    let scalars = [
        "key",
        "uuid",
        "name",
        "connector_type",
        "mode",
        "enabled",
        "credentials_location",
        "credentials_source",
    ];
    let fields = scalars.map(|name| (name, cell(object, name)));
    let plugin = object.get("plugin").map(|plugin| {
        ["name", "version"].map(|name| cell(plugin, name)).join(" ").trim().to_owned()
    });
    let plugin = ("plugin", plugin.unwrap_or_default());
    let capabilities = ("capabilities", joined(object, "capabilities"));
    let problems: Vec<_> =
        items(object, "problems").map(|p| ("problem", problem_line(p))).collect();
    View::fields(fields.into_iter().chain([plugin, capabilities]).chain(problems))
}

fn tested(object: &Value) -> View {
    let rows: Vec<_> = items(object, "queries")
        .map(|query| ["name", "status", "outcome"].map(|name| cell(query, name)))
        .collect();
    let healthy = object.get("healthy").and_then(Value::as_bool).unwrap_or(false);
    let verdict = match object.get("failure") {
        _ if healthy => "healthy".to_owned(),
        Some(failure) => {
            let detail = cell(failure, "detail");
            format!("not healthy: {} ({})", by_command(&detail), cell(failure, "code"))
        }
        None => "not healthy".to_owned(),
    };
    // It may have ended before the first of them.
    let table = if rows.is_empty() {
        View::default()
    } else {
        View::table(["QUERY", "STATUS", "OUTCOME"], rows)
    };
    table.and_line(verdict)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_test_that_ended_before_its_queries_says_why_and_shows_no_table() {
        let detail = "to grant what it needs: cordon connection grants approve crm, or PUT \
                      /v1/connections/crm/grants {}";
        let failure = json!({ "code": "not_granted", "detail": detail });
        let view = tested(&json!({ "healthy": false, "queries": [], "failure": failure }));
        let expected = "not healthy: to grant what it needs: cordon connection grants approve crm \
                        (not_granted)";
        assert_eq!(view.lines(), [expected]);
    }

    #[test]
    fn a_connection_names_the_version_of_its_plugin() {
        let plugin = json!({ "name": "shop", "version": "1.0.0", "digest": "sha256:ab" });
        let view = connection(&json!({ "key": "crm", "plugin": plugin }));
        assert_eq!(view.lines(), ["key     crm", "plugin  shop 1.0.0"]);
    }
}
