//! `cordon egress`.

use clap::Subcommand;
use serde_json::{Value, json};

use super::target::Target;
use super::{Outcome, cell};
use crate::client::ApiPath;
use crate::config::Environment;
use crate::output::{Output, View, joined};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    target: Target,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Say what would become of a request, and which rule decides; exits with 1 when it is denied
    Explain {
        /// Key or UUID of the connection that would send it
        #[arg(long, value_name = "KEY")]
        connection: String,
        /// The verb
        #[arg(long, default_value = "GET")]
        method: String,
        /// The whole URL
        url: String,
    },
}

pub(super) async fn run(
    args: Args,
    environment: &Environment,
    output: Output,
) -> anyhow::Result<Outcome> {
    let client = args.target.client(environment)?;
    let Command::Explain { connection, method, url } = args.command;
    let body = json!({ "connection": connection, "method": method, "url": url });
    let path = ApiPath::new(["egress", "explain"]);
    let answer = client.post(path, Some(body.to_string().into())).await?;
    output.answer(&answer, explained)?;
    let allowed = answer.json()?.get("decision").and_then(Value::as_str) == Some("allow");
    Ok(if allowed { Outcome::Done } else { Outcome::Failed })
}

fn explained(answer: &Value) -> View {
    let fields = ["decision", "stage", "code", "rule"].map(|name| (name, cell(answer, name)));
    let addresses = ("addresses", joined(answer, "addresses"));
    let missing = answer.get("missing_grant").map(|grants| ("missing grant", grants.to_string()));
    let all = fields.into_iter().chain([addresses]).chain(missing);
    View::fields(all.filter(|(_, value)| !value.is_empty()))
}
