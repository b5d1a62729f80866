//! `cordon plugin install`.

use std::path::PathBuf;

use serde_json::Value;

use super::{connections, plugin};
use crate::client::{ApiPath, Client};
use crate::commands::body::read;
use crate::output::{Output, View};

/// What a component is sent as.
const WASM: &str = "application/wasm";

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The component; - reads standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Its name, instead of the one that the component gives itself
    #[arg(long)]
    name: Option<String>,
    /// Its version, instead of the one that the component gives itself
    #[arg(long)]
    version: Option<String>,
    /// Leave the version active that is active now
    #[arg(long)]
    inactive: bool,
}

pub(super) async fn run(args: Args, client: &Client, output: Output) -> anyhow::Result<()> {
    let component = read(&args.file)?;
    let path = ApiPath::new(["plugins"]).with("name", args.name).with("version", args.version);
    let path = path.with("activate", args.inactive.then_some(false));
    let answer = client.post_as(path, WASM, component).await?;
    output.answer(&answer, installed)
}

fn installed(object: &Value) -> View {
    match object.get("connections") {
        Some(of_type) => plugin(object).and(connections(of_type)),
        None => plugin(object),
    }
}
