//! The commands that change a request and are answered with it.

use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::{Id, view};
use crate::client::Client;
use crate::output::Output;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Let a request that has its inputs go on
    Resume(Id),
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
        Command::Resume(id) => (id, "resume", None),
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
