//! `cordon request submit`.

use std::path::PathBuf;

use anyhow::Context as _;
use bytes::Bytes;
use serde_json::json;

use super::super::Outcome;
use super::super::body::{by_kind, identity, read_json};
use super::super::watch::{Until, follow};
use super::view;
use crate::client::{ApiPath, Client};
use crate::output::{Output, text};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The policy that says what to do
    #[arg(long, required_unless_present = "file")]
    policy: Option<String>,
    /// The person, like email=p@example.com; may be repeated. Other users of this machine can
    /// see arguments: --file keeps them out of the list of processes
    #[arg(long = "identity", value_name = "KIND=VALUE", value_parser = identity)]
    #[arg(required_unless_present = "file")]
    identities: Vec<(String, String)>,
    /// Your own name for the request
    #[arg(long, value_name = "ID")]
    external_id: Option<String>,
    /// Where you are told how it goes; its host must be one of the tenant's webhook_hosts
    #[arg(long, value_name = "URL")]
    callback_url: Option<String>,
    /// The whole request as JSON, instead of the other options; - reads standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["policy", "identities", "external_id", "callback_url"])]
    file: Option<PathBuf>,
    /// Follow the request until it ends or waits for a person; exits with 1 when it fails
    #[arg(long)]
    wait: bool,
}

pub(super) async fn run(args: Args, client: &Client, output: Output) -> anyhow::Result<Outcome> {
    let wait = args.wait;
    let answer = client.post(ApiPath::new(["privacy-requests"]), Some(body(args)?)).await?;
    if !wait {
        output.answer(&answer, view::request)?;
        return Ok(Outcome::Done);
    }
    let id = text(&answer.json()?, "id").context("the server's answer names no request")?;
    follow(client, output, &id, Until::EndedOrHeldUp).await
}

fn body(args: Args) -> anyhow::Result<Bytes> {
    if let Some(file) = &args.file {
        return Ok(read_json(file)?.bytes);
    }
    let mut body = json!({ "policy": args.policy, "identities": by_kind(args.identities) });
    let names = [("external_id", args.external_id), ("callback_url", args.callback_url)];
    for (name, value) in names {
        if let (Some(object), Some(value)) = (body.as_object_mut(), value) {
            object.insert(name.to_owned(), value.into());
        }
    }
    Ok(body.to_string().into())
}
