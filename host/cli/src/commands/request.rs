//! `cordon request`.

mod act;
mod input;
mod package;
mod search;
mod submit;
pub(super) mod view;

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::Value;

use super::body::segment;
use super::target::Target;
use super::watch::{Until, follow};
use super::{Outcome, PageArgs, cell};
use crate::client::{ApiPath, Client, Refused};
use crate::config::Environment;
use crate::output::Output;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    target: Target,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Submit a privacy request
    Submit(submit::Args),
    /// Show one request: its tasks, what it waits for, what went wrong
    Show(Id),
    /// List requests, newest first
    List {
        /// Only requests in this status; may be repeated
        #[arg(long)]
        status: Vec<String>,
        /// Only requests under this policy
        #[arg(long)]
        policy: Option<String>,
        /// Only the request that the submitter calls this
        #[arg(long, value_name = "ID")]
        external_id: Option<String>,
        /// Only requests that are due before this time and not final, like 2027-01-31T12:00:00Z
        #[arg(long, value_name = "TIME")]
        due_before: Option<String>,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Find a person's requests
    Search(search::Args),
    /// Follow a request until it ends: live on a terminal, elsewhere a line for each change; exits
    /// with 1 unless it completes
    Watch(Id),
    /// Show what people are asked for
    Inputs(Id),
    /// Supply what a manual webhook asks for, in place of what was supplied before
    Input(input::Args),
    #[command(flatten)]
    Act(act::Command),
    /// List what happened, in order
    Events {
        #[command(flatten)]
        id: Id,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Save the package: the answer to the person
    Package {
        #[command(flatten)]
        id: Id,
        /// A file that does not exist yet; it is made readable for you alone
        #[arg(long, value_name = "FILE")]
        output: PathBuf,
    },
}

#[derive(Debug, clap::Args)]
struct Id {
    /// The request's id
    #[arg(value_parser = segment)]
    id: String,
}

impl Id {
    fn path(&self) -> ApiPath {
        ApiPath::new(["privacy-requests", &self.id])
    }

    fn below<'a>(&'a self, rest: impl IntoIterator<Item = &'a str>) -> ApiPath {
        ApiPath::new(["privacy-requests", &self.id].into_iter().chain(rest))
    }
}

pub(super) async fn run(
    args: Args,
    environment: &Environment,
    output: Output,
) -> anyhow::Result<Outcome> {
    let client = args.target.client(environment)?;
    match args.command {
        Command::Submit(args) => return submit::run(args, &client, output).await,
        Command::Watch(id) => return follow(&client, output, &id.id, Until::Ended).await,
        Command::Show(id) => output.answer(&client.get(id.path()).await?, view::request)?,
        Command::List { status, policy, external_id, due_before, page } => {
            let path = page.of(ApiPath::new(["privacy-requests"]));
            let path = path.with("policy", policy).with("external_id", external_id);
            let path = path.with("due_before", due_before);
            let path = status.into_iter().fold(path, |path, word| path.with("status", Some(word)));
            output.answer(&client.get(path).await?, view::requests)?;
        }
        Command::Search(args) => search::run(args, &client, output).await?,
        Command::Inputs(id) => {
            output.answer(&client.get(id.below(["manual-inputs"])).await?, view::inputs)?;
        }
        Command::Input(args) => input::run(args, &client, output).await?,
        Command::Events { id, page } => {
            output.answer(&client.get(page.of(id.below(["events"]))).await?, view::events)?;
        }
        Command::Package { id, output: file } => {
            let answer = match client.get(id.below(["package"])).await {
                Ok(answer) => answer,
                Err(error) => return Err(without_package(&id, &client, output, error).await),
            };
            output.view(&package::save(&file, &answer.body)?)?;
        }
        Command::Act(command) => act::run(command, &client, output).await?,
    }
    Ok(Outcome::Done)
}

/// Why there is no package, where the request can tell more than the refusal does.
async fn without_package(
    id: &Id,
    client: &Client,
    output: Output,
    error: anyhow::Error,
) -> anyhow::Error {
    let refused = error.downcast_ref::<Refused>();
    let problem = refused.and_then(|refused| serde_json::from_slice(&refused.body).ok());
    let not_ready = problem.is_some_and(|of: Value| cell(&of, "code") == "package_not_ready");
    // Who asked for JSON is told what the API says.
    if !not_ready || output.json {
        return error;
    }
    let Ok(answer) = client.get(id.path()).await else { return error };
    let request = answer.json().unwrap_or_default();
    view::no_package(&request).map_or(error, |why| anyhow::anyhow!(why))
}
