//! The commands that change a request and are answered with it.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::{Id, view};
use crate::client::Client;
use crate::commands::body::read;
use crate::output::Output;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Let a request go on that has its inputs, or that is paused
    Resume {
        #[command(flatten)]
        id: Id,
        /// A file with the token of the webhook that halts it; - reads standard input
        #[arg(long, value_name = "FILE")]
        token_file: Option<PathBuf>,
    },
    /// Approve a request
    Approve(Id),
    /// Deny a request
    Deny {
        #[command(flatten)]
        id: Id,
        /// Why; kept in the audit log, so it must not name the person
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Cancel a request
    Cancel(Id),
    /// Try failed tasks again
    Retry {
        #[command(flatten)]
        id: Id,
        /// Only this task; may be repeated
        #[arg(long = "task", value_name = "TASK")]
        tasks: Vec<String>,
    },
    /// Say what became of a call that is in doubt
    Settle {
        #[command(flatten)]
        id: Id,
        /// The failed task
        #[arg(long)]
        task: String,
        /// The label of the call
        #[arg(long)]
        call: String,
        /// Whether it took effect
        #[arg(long)]
        outcome: SettledAs,
        /// How you know; kept in the audit log, so it must not name the person
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum SettledAs {
    /// It took effect, and is not sent again
    #[value(name = "done")]
    Done,
    /// It did not, and is sent again
    #[value(name = "not_done")]
    NotDone,
}

pub(super) async fn run(command: Command, client: &Client, output: Output) -> anyhow::Result<()> {
    let (id, act, body) = match command {
        Command::Resume { id, token_file } => {
            let token = token_file.map(|file| read(&file)).transpose()?;
            let body = token.map(|token| json!({ "token": text_of(&token) }));
            (id, "resume", body)
        }
        Command::Approve(id) => (id, "approve", None),
        Command::Deny { id, reason } => (id, "deny", reason.map(|why| json!({ "reason": why }))),
        Command::Cancel(id) => (id, "cancel", None),
        Command::Retry { id, tasks } => {
            let body = (!tasks.is_empty()).then(|| json!({ "tasks": tasks }));
            (id, "retry", body)
        }
        Command::Settle { id, task, call, outcome, note } => {
            let outcome = match outcome {
                SettledAs::Done => "done",
                SettledAs::NotDone => "not_done",
            };
            let body = json!({ "task": task, "call": call, "outcome": outcome, "note": note });
            (id, "settle", Some(body))
        }
    };
    let body = body.map(|body: Value| body.to_string().into());
    output.answer(&client.post(id.below([act]), body).await?, view::request)
}

/// A token as it stands in a file, which an editor ends with a line break.
fn text_of(token: &[u8]) -> String {
    String::from_utf8_lossy(token).trim().to_owned()
}
