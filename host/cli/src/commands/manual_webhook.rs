//! `cordon policy manual-webhook`.

use anyhow::Context as _;
use clap::Subcommand;
use serde_json::Value;

use super::body::{JsonFile, segment};
use super::cell;
use crate::client::{ApiPath, Client};
use crate::output::{Output, View, items, text};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the manual webhooks of a policy
    List {
        /// The policy
        #[arg(value_parser = segment)]
        policy: String,
    },
    /// Create or replace the manual webhook of the connection that the file names
    Apply {
        /// The policy
        #[arg(value_parser = segment)]
        policy: String,
        #[command(flatten)]
        file: JsonFile,
    },
    /// Delete the manual webhook of a connection
    Delete {
        /// The policy
        #[arg(value_parser = segment)]
        policy: String,
        /// The connection
        #[arg(value_parser = segment)]
        connection: String,
    },
}

pub(super) async fn run(args: Args, client: &Client, output: Output) -> anyhow::Result<()> {
    match args.command {
        Command::List { policy } => {
            let path = ApiPath::new(["policies", &policy, "manual-webhooks"]);
            output.answer(&client.get(path).await?, manual_webhooks)
        }
        Command::Apply { policy, file } => {
            let file = file.read()?;
            let connection = text(&file.value, "connection")
                .context("the manual webhook names no connection")?;
            let connection = segment(&connection).map_err(anyhow::Error::msg)?;
            let path = ApiPath::new(["policies", &policy, "manual-webhooks", &connection]);
            output.answer(&client.put(path, file.bytes).await?, manual_webhook)
        }
        Command::Delete { policy, connection } => {
            let path = ApiPath::new(["policies", &policy, "manual-webhooks", &connection]);
            output.answer(&client.delete(path).await?, |_| {
                View::line(format!("deleted the manual webhook of {connection}"))
            })
        }
    }
}

fn manual_webhooks(list: &Value) -> View {
    let rows = items(list, "items").map(|item| {
        let labels = items(item, "fields").map(|field| cell(field, "dsr_package_label"));
        let labels = labels.collect::<Vec<_>>().join(", ");
        [cell(item, "connection"), cell(item, "enabled"), labels]
    });
    View::table(["CONNECTION", "ENABLED", "LABELS"], rows.collect())
}

fn manual_webhook(object: &Value) -> View {
    let fields = ["connection", "enabled", "confirm"].map(|name| (name, cell(object, name)));
    let rows = items(object, "fields")
        .map(|field| ["dsr_package_label", "required", "pii_field"].map(|name| cell(field, name)));
    View::fields(fields).and(View::table(["LABEL", "REQUIRED", "FIELD"], rows.collect()))
}
