//! `cordon plugin install`.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::{connections, plugin};
use crate::client::{ApiPath, Client};
use crate::commands::body::read;
use crate::commands::cell;
use crate::output::{Output, View};

/// What a component is sent as.
const WASM: &str = "application/wasm";
/// What its signature is sent in.
const SIGNATURE: &str = "Cordon-Signature";
/// What the name of a signature ends with, after that of its component.
const MINISIG: &str = ".minisig";

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
    /// Its signature [default: FILE.minisig, if there is one]
    #[arg(long, value_name = "FILE")]
    signature: Option<PathBuf>,
    /// Install it although a newer version was here
    #[arg(long)]
    allow_downgrade: bool,
}

pub(super) async fn run(args: Args, client: &Client, output: Output) -> anyhow::Result<()> {
    let component = read(&args.file)?;
    let signature = signature(&args)?;
    let path = ApiPath::new(["plugins"]).with("name", args.name).with("version", args.version);
    let path = path.with("activate", args.inactive.then_some(false));
    let path = path.with("allow_downgrade", args.allow_downgrade.then_some(true));
    let answer = match signature {
        None => client.post_as(path, WASM, component).await?,
        Some(signature) => {
            client.post_with(path, (WASM, component), (SIGNATURE, &signature)).await?
        }
    };
    output.answer(&answer, installed)
}

/// As it is sent; none: there is none.
fn signature(args: &Args) -> anyhow::Result<Option<String>> {
    let file = match &args.signature {
        Some(file) => file.clone(),
        None if args.file == Path::new("-") => return Ok(None),
        None => {
            let mut beside = args.file.as_os_str().to_owned();
            beside.push(MINISIG);
            let beside = PathBuf::from(beside);
            let is_there = beside.try_exists();
            let unknown = || format!("{} cannot be looked at", beside.display());
            if !is_there.with_context(unknown)? {
                return Ok(None);
            }
            beside
        }
    };
    Ok(Some(STANDARD.encode(read(&file)?)))
}

fn installed(object: &Value) -> View {
    match object.get("connections") {
        Some(of_type) => plugin(object).and(connections(of_type, &cell(object, "version"))),
        None => plugin(object),
    }
}
