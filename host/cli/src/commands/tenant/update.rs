//! `cordon tenant update`, and the limits that `cordon tenant create` sets.

use anyhow::{Context as _, bail};
use serde_json::{Map, Value, json};

use super::super::body::segment;
use crate::client::{ApiPath, Client};
use crate::output::Output;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The tenant
    #[arg(value_parser = segment)]
    tenant: String,
    /// Its name for people
    #[arg(long, value_name = "TEXT")]
    display_name: Option<String>,
    /// A limit of its own, like calls_in_flight=8; `usual` is what every tenant has; may be
    /// repeated. `cordon limits --tenant TENANT` lists them
    #[arg(long = "limit", value_name = "NAME=VALUE", value_parser = limit)]
    limits: Vec<NewLimit>,
    /// Whether its keys are refused and its requests rest
    #[arg(long, value_name = "true|false")]
    suspended: Option<bool>,
}

/// One limit, as it was typed. The server knows which there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NewLimit {
    name: String,
    /// None: as every tenant has it.
    value: Option<u64>,
}

pub(super) async fn run(args: Args, client: &Client, output: Output) -> anyhow::Result<()> {
    let Args { tenant, display_name, limits, suspended } = args;
    let mut patch = Map::new();
    patch.extend(display_name.map(|name| ("display_name".to_owned(), name.into())));
    patch.extend(suspended.map(|suspended| ("suspended".to_owned(), suspended.into())));
    patch.extend(object_of(&limits).map(|limits| ("limits".to_owned(), limits)));
    if patch.is_empty() {
        bail!("say what is to change: --display-name, --limit or --suspended");
    }
    let path = ApiPath::new(["tenants", &tenant]);
    let answer = client.patch(path, Value::Object(patch).to_string().into()).await?;
    output.answer(&answer, super::tenant)
}

/// Limits as the API takes them; none: there are none.
pub(super) fn object_of(limits: &[NewLimit]) -> Option<Value> {
    let member = |limit: &NewLimit| (limit.name.clone(), json!(limit.value));
    let members: Map<_, _> = limits.iter().map(member).collect();
    (!members.is_empty()).then_some(Value::Object(members))
}

pub(super) fn limit(text: &str) -> anyhow::Result<NewLimit> {
    let (name, value) = text.split_once('=').context("expected NAME=VALUE")?;
    let value = match value {
        "usual" => None,
        number => Some(number.parse().context("expected a whole number, or `usual`")?),
    };
    Ok(NewLimit { name: name.to_owned(), value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_numbers_or_what_every_tenant_has() {
        let limits = ["calls_in_flight=8", "requests_in_flight=usual"].map(|l| limit(l).unwrap());
        let expected = json!({"calls_in_flight": 8, "requests_in_flight": null});
        assert_eq!(object_of(&limits), Some(expected));
        assert_eq!(object_of(&[]), None);
        for wrong in ["calls_in_flight", "calls_in_flight=", "calls_in_flight=-1"] {
            assert!(limit(wrong).is_err(), "{wrong}");
        }
    }
}
