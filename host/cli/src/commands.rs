//! The command line: what can be typed, a file a command.
//!
//! `serve` runs a host, `demo` a temporary one; `openapi` prints the document; all others talk to a running host over
//! its API and decide nothing themselves. Secrets and what people supply are read from files or
//! standard input, never from arguments, which every process of the machine can see.

mod audit;
mod body;
mod compile_component;
mod connection;
mod demo;
mod doctor;
mod egress;
mod import;
mod limits;
mod manual_webhook;
mod openapi;
mod plugin;
mod policy;
mod policy_webhook;
mod request;
mod serve;
mod target;
mod tenant;
mod watch;

use clap::{Parser, Subcommand};
use serde_json::Value;

use crate::client::ApiPath;
use crate::config::Environment;
use crate::output::{Output, View, text};

/// Runs privacy requests through connectors that cannot leak what they never see.
#[derive(Debug, Parser)]
#[command(name = "cordon", version, max_term_width = 100)]
pub struct Cli {
    /// Print the API's JSON instead of tables
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a host
    Serve(serve::Args),
    /// Show everything on this machine: a real API, a real host, every kind of request
    Demo(demo::Args),
    /// Connections: the configured uses of connectors
    Connection(connection::Args),
    /// Policies, and the manual webhooks they link to connections
    Policy(policy::Args),
    /// Plugins: the components behind kinds of connection
    Plugin(plugin::Args),
    /// Tenants and their API keys
    Tenant(tenant::Args),
    /// Privacy requests
    Request(request::Args),
    /// Take over the configuration of another agent
    Import(import::Args),
    /// The ledger: who did what
    Audit(audit::Args),
    /// The way out: what would become of a request
    Egress(egress::Args),
    /// How much a tenant, or the host, may use
    Limits(limits::Args),
    /// Check what the machine must allow; needs no running host
    Doctor(doctor::Args),
    /// Print the OpenAPI document of this version; needs no running host
    Openapi,
    /// Compile a component from standard input to standard output
    #[command(hide = true)]
    CompileComponent(compile_component::Args),
}

/// What a command came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It did what it was asked to.
    Done,
    /// It did, and what it found is a failure: a test that did not pass, a request in `error`.
    Failed,
}

impl Cli {
    /// How the command prints.
    pub fn output(&self) -> Output {
        Output { json: self.json }
    }

    /// Does it.
    ///
    /// # Errors
    /// With everything to tell the person who typed it.
    pub async fn run(self, environment: &Environment) -> anyhow::Result<Outcome> {
        let output = self.output();
        match self.command {
            Command::Serve(args) => serve::run(args, environment).await,
            Command::Demo(args) => demo::run(args, output).await,
            Command::Connection(args) => connection::run(args, environment, output).await,
            Command::Policy(args) => policy::run(args, environment, output).await,
            Command::Plugin(args) => Box::pin(plugin::run(args, environment, output)).await,
            Command::Tenant(args) => tenant::run(args, environment, output).await,
            Command::Request(args) => request::run(args, environment, output).await,
            Command::Import(args) => import::run(args, environment, output).await,
            Command::Audit(args) => audit::run(args, environment, output).await,
            Command::Egress(args) => egress::run(args, environment, output).await,
            Command::Limits(args) => limits::run(args, environment, output).await,
            Command::Doctor(args) => doctor::run(args, environment, output).await,
            Command::Openapi => openapi::run(output),
            Command::CompileComponent(args) => compile_component::run(&args),
        }
    }
}

/// Which part of a list.
#[derive(Debug, Clone, clap::Args)]
struct PageArgs {
    /// At most this many
    #[arg(long, value_name = "COUNT")]
    limit: Option<u32>,
    /// Go on where a list broke off
    #[arg(long)]
    cursor: Option<String>,
}

impl PageArgs {
    fn of(self, path: ApiPath) -> ApiPath {
        path.with("limit", self.limit).with("cursor", self.cursor)
    }
}

/// A list as a view, and how to see more of it.
fn page_of(list: &Value, view: View) -> View {
    match text(list, "next_cursor") {
        Some(cursor) => view.and_line(format!("more: --cursor {cursor}")),
        None => view,
    }
}

/// A scalar member of an object as the cell of a table.
fn cell(object: &Value, name: &str) -> String {
    text(object, name).unwrap_or_default()
}

#[cfg(test)]
mod tests;
