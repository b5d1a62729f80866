//! `cordon request search`: a person's requests.

use std::path::PathBuf;

use bytes::Bytes;
use serde_json::json;

use super::super::PageArgs;
use super::super::body::{by_kind, identity, read_json};
use super::view;
use crate::client::{ApiPath, Client};
use crate::output::Output;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The person, like email=p@example.com; may be repeated, and any one will do. Other users of
    /// this machine can see arguments: --file keeps them out of the list of processes
    #[arg(long = "identity", value_name = "KIND=VALUE", value_parser = identity)]
    #[arg(required_unless_present = "file")]
    identities: Vec<(String, String)>,
    /// The search as JSON, {"identities": {…}}; - reads standard input
    #[arg(long, value_name = "FILE", conflicts_with = "identities")]
    file: Option<PathBuf>,
    #[command(flatten)]
    page: PageArgs,
}

pub(super) async fn run(args: Args, client: &Client, output: Output) -> anyhow::Result<()> {
    let body = match &args.file {
        Some(file) => read_json(file)?.bytes,
        None => Bytes::from(json!({ "identities": by_kind(args.identities) }).to_string()),
    };
    let path = args.page.of(ApiPath::new(["privacy-requests", "search"]));
    output.answer(&client.post(path, Some(body)).await?, view::requests)
}
