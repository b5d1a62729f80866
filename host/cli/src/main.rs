//! The binary `cordon`.

use std::process::ExitCode;

use clap::Parser as _;
use cordon_cli::commands::{Cli, Outcome};
use cordon_cli::config::Environment;

fn main() -> ExitCode {
    // A wrong command line ends here, with 2.
    let cli = Cli::parse();
    let output = cli.output();
    let ended = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(cli.run(&Environment::of_process())));
    match ended {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Failed) => ExitCode::FAILURE,
        Err(error) => {
            output.failure(&error);
            ExitCode::FAILURE
        }
    }
}
