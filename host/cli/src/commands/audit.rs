//! `cordon audit`.

use clap::Subcommand;
use serde_json::Value;

use super::target::Target;
use super::{Outcome, PageArgs, cell, page_of};
use crate::client::ApiPath;
use crate::config::Environment;
use crate::output::{Output, View, items};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    target: Target,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List who did what, newest first
    List {
        /// Only about this privacy request
        #[arg(long, value_name = "ID")]
        request: Option<String>,
        /// Only this word, like request.submitted
        #[arg(long, value_name = "WORD")]
        event: Option<String>,
        /// Only after this time, like 2027-01-31T12:00:00Z
        #[arg(long, value_name = "TIME")]
        after: Option<String>,
        /// Only before this time
        #[arg(long, value_name = "TIME")]
        before: Option<String>,
        /// The host's own ledger instead of the tenant's; takes an operator's key
        #[arg(long)]
        host: bool,
        #[command(flatten)]
        page: PageArgs,
    },
}

pub(super) async fn run(
    args: Args,
    environment: &Environment,
    output: Output,
) -> anyhow::Result<Outcome> {
    let client = args.target.client(environment)?;
    let Command::List { request, event, after, before, host, page } = args.command;
    let path = page.of(ApiPath::new(["audit"]));
    let path = path.with("request", request).with("event", event);
    let path = path.with("after", after).with("before", before);
    let path = path.with("ledger", host.then_some("host"));
    output.answer(&client.get(path).await?, entries)?;
    Ok(Outcome::Done)
}

fn entries(list: &Value) -> View {
    let rows = items(list, "items").map(|item| {
        let by = item.get("actor").map(|actor| match cell(actor, "name") {
            name if name.is_empty() => cell(actor, "type"),
            name => name,
        });
        let [sequence, at, event, request] =
            ["sequence", "at", "event", "request"].map(|name| cell(item, name));
        [sequence, at, event, by.unwrap_or_default(), request]
    });
    page_of(list, View::table(["#", "AT", "EVENT", "BY", "REQUEST"], rows.collect()))
}
