//! `cordon demo`: see [`crate::demo`].

use std::sync::Arc;

use crate::clock::SystemClock;
use crate::commands::Outcome;
use crate::demo;
use crate::output::Output;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Leave everything running, and show how to go on by hand
    #[arg(long)]
    keep: bool,
}

pub(super) async fn run(args: Args, output: Output) -> anyhow::Result<Outcome> {
    let mut stdout = output.stream();
    // A whole host: too large to be part of every command.
    Box::pin(demo::run(args.keep, Arc::new(SystemClock), &mut stdout)).await?;
    Ok(Outcome::Done)
}
