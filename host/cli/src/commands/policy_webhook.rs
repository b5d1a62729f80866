//! `cordon policy webhook`.

use clap::Subcommand;
use serde_json::Value;

use super::body::{JsonFile, segment};
use super::{PageArgs, cell, page_of};
use crate::client::{ApiPath, Client};
use crate::output::{Output, View, items};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the webhooks of a policy, newest first
    List {
        /// The policy
        #[arg(value_parser = segment)]
        policy: String,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Show one webhook
    Show {
        #[command(flatten)]
        id: Id,
    },
    /// Create a webhook; a secret that the host makes is shown this once
    Create {
        /// The policy
        #[arg(value_parser = segment)]
        policy: String,
        #[command(flatten)]
        file: JsonFile,
    },
    /// Replace a webhook; left out of the file, its secret stays
    Replace {
        #[command(flatten)]
        id: Id,
        #[command(flatten)]
        file: JsonFile,
    },
    /// Delete a webhook; the requests that it holds go on
    Delete {
        #[command(flatten)]
        id: Id,
    },
}

#[derive(Debug, clap::Args)]
struct Id {
    /// The policy
    #[arg(value_parser = segment)]
    policy: String,
    /// The id of the webhook
    #[arg(value_parser = segment)]
    webhook: String,
}

impl Id {
    fn path(&self) -> ApiPath {
        ApiPath::new(["policies", &self.policy, "webhooks", &self.webhook])
    }
}

pub(super) async fn run(args: Args, client: &Client, output: Output) -> anyhow::Result<()> {
    match args.command {
        Command::List { policy, page } => {
            let path = page.of(ApiPath::new(["policies", &policy, "webhooks"]));
            output.answer(&client.get(path).await?, webhooks)
        }
        Command::Show { id } => output.answer(&client.get(id.path()).await?, webhook),
        Command::Create { policy, file } => {
            let path = ApiPath::new(["policies", &policy, "webhooks"]);
            output.answer(&client.post(path, Some(file.read()?.bytes)).await?, webhook)
        }
        Command::Replace { id, file } => {
            output.answer(&client.put(id.path(), file.read()?.bytes).await?, webhook)
        }
        Command::Delete { id } => output.answer(&client.delete(id.path()).await?, |_| {
            View::line(format!("deleted the webhook {}", id.webhook))
        }),
    }
}

fn webhooks(list: &Value) -> View {
    let names = ["id", "phase", "order", "direction", "send_identities", "url"];
    let rows = items(list, "items").map(|item| names.map(|name| cell(item, name)));
    let titles = ["ID", "PHASE", "ORDER", "DIRECTION", "IDENTITIES", "URL"];
    page_of(list, View::table(titles, rows.collect()))
}

fn webhook(object: &Value) -> View {
    let names =
        ["id", "policy", "phase", "order", "direction", "url", "send_identities", "created_at"];
    let fields = names.map(|name| (name, cell(object, name)));
    let secret = cell(object, "secret");
    if secret.is_empty() {
        return View::fields(fields);
    }
    View::fields(fields.into_iter().chain([("secret", secret)]))
        .and_line("the secret is not shown again")
}
