//! `cordon serve`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{Outcome, compile_component};
use crate::clock::SystemClock;
use crate::config::{Config, Environment, Overrides};
use crate::host::Host;
use crate::telemetry;

/// What the shell sees when a second Ctrl-C ended the process.
const INTERRUPTED: i32 = 130;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The configuration [env: CORDON_CONFIG] [default: cordon.toml, if there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where the data lies, instead of the configuration's data.directory [default: cordon-data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where to listen, instead of the configuration's server.listen [default: 127.0.0.1:7070]
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
}

pub(super) async fn run(args: Args, environment: &Environment) -> anyhow::Result<Outcome> {
    let overrides = Overrides { file: args.config, data_directory: args.data, listen: args.listen };
    let mut config = Config::load(&overrides, environment)?;
    config.runtime.compiler = Some(compile_component::process()?);
    telemetry::start(config.log)?;
    // Before anything is opened: a signal that comes during the start is not lost, and ends the
    // host as gracefully as one that comes later.
    let mut signals = Signals::new()?;
    let mut host = Box::pin(Host::start(config, Arc::new(SystemClock))).await?;
    let broken = loop {
        tokio::select! {
            error = host.broken() => break Some(error),
            asked = signals.next() => match asked {
                Asked::Stop => break None,
                Asked::ReadFolder => {}
            },
        }
        tracing::info!("SIGHUP: the plugins folder is read again, and nothing else");
        host.read_plugin_folder();
    };
    tracing::info!("stopping; a second signal ends the process at once");
    tokio::select! {
        stopped = host.stop() => match broken {
            Some(error) => return Err(error),
            None => stopped?,
        },
        () = signals.stop() => std::process::exit(INTERRUPTED),
    }
    tracing::info!("stopped");
    Ok(Outcome::Done)
}

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Stop,
    ReadFolder,
}

/// Ctrl-C and SIGTERM, which end the host, and SIGHUP, which does not.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    fn new() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen for signals");
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            hangup: listen(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.terminate.recv() => Asked::Stop,
            _ = self.interrupt.recv() => Asked::Stop,
            _ = self.hangup.recv() => Asked::ReadFolder,
        }
    }

    async fn stop(&mut self) {
        while self.next().await != Asked::Stop {}
    }
}
