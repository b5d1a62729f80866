//! `cordon request submit`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context as _;
use bytes::Bytes;
use serde_json::json;

use super::super::Outcome;
use super::super::body::read_json;
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
    /// The whole request as JSON, instead of the other options; - reads standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["policy", "identities", "external_id"])]
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
    let mut identities: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (kind, value) in args.identities {
        identities.entry(kind).or_default().push(value);
    }
    let mut body = json!({ "policy": args.policy, "identities": identities });
    if let (Some(object), Some(id)) = (body.as_object_mut(), args.external_id) {
        object.insert("external_id".to_owned(), id.into());
    }
    Ok(body.to_string().into())
}

fn identity(text: &str) -> Result<(String, String), String> {
    let (kind, value) = text.split_once('=').ok_or("write KIND=VALUE, like email=p@example.com")?;
    Ok((kind.to_owned(), value.to_owned()))
}
