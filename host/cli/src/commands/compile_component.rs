//! `cordon compile-component`: the process that a host starts to compile a component in. Not for
//! people; see `cordon_runtime::compile_child`.

use std::io::{stdin, stdout};

use anyhow::Context as _;
use cordon_runtime::{CompilerLimits, CompilerProcess, compile_child};

use super::Outcome;

/// The command's name.
const NAME: &str = "compile-component";

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Address space of the process
    #[arg(long, value_name = "BYTES")]
    memory_bytes_max: u64,
    /// Processor time of the process
    #[arg(long, value_name = "SECONDS")]
    processor_seconds_max: u64,
    /// Stack of a connector
    #[arg(long, value_name = "BYTES")]
    stack_bytes_max: usize,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Outcome> {
    let limits = CompilerLimits {
        memory_bytes_max: args.memory_bytes_max,
        processor_seconds_max: args.processor_seconds_max,
        stack_bytes_max: args.stack_bytes_max,
    };
    compile_child(limits, stdin().lock(), stdout().lock())?;
    Ok(Outcome::Done)
}

/// This program, as the one that compiles.
pub(super) fn process() -> anyhow::Result<CompilerProcess> {
    let program = std::env::current_exe().context("where this program lies is not known")?;
    Ok(CompilerProcess { program, arguments: vec![NAME.to_owned()] })
}
