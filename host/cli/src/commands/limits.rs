//! `cordon limits`.

use serde_json::Value;

use super::target::Target;
use super::{Outcome, cell};
use crate::client::ApiPath;
use crate::config::Environment;
use crate::output::{Output, View, items};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    target: Target,
}

pub(super) async fn run(
    args: Args,
    environment: &Environment,
    output: Output,
) -> anyhow::Result<Outcome> {
    let client = args.target.client(environment)?;
    output.answer(&client.get(ApiPath::new(["limits"])).await?, limits)?;
    Ok(Outcome::Done)
}

fn limits(answer: &Value) -> View {
    let whose = match cell(answer, "tenant") {
        tenant if tenant.is_empty() => "every tenant".to_owned(),
        tenant => format!("the tenant {tenant}"),
    };
    let of_tenant = View::line(whose).and(table(answer, "tenant_limits"));
    if items(answer, "host_limits").next().is_none() {
        return of_tenant;
    }
    of_tenant.and_line("").and_line("the host").and(table(answer, "host_limits"))
}

fn table(answer: &Value, list: &str) -> View {
    let rows = items(answer, list)
        .map(|limit| ["name", "value", "unit", "in_use", "source"].map(|name| cell(limit, name)));
    View::table(["LIMIT", "VALUE", "OF", "IN USE", "SET BY"], rows.collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_tenants_limits_are_one_table_and_the_hosts_a_second_one() {
        let limit = json!({
            "name": "calls_in_flight", "value": 64, "unit": "calls", "source": "default",
            "in_use": 3,
        });
        let of_tenant = json!({"tenant": "acme", "tenant_limits": [limit], "host_limits": []});
        assert_eq!(
            limits(&of_tenant).lines(),
            [
                "the tenant acme",
                "LIMIT            VALUE  OF     IN USE  SET BY",
                "calls_in_flight  64     calls  3       default",
            ]
        );
        let of_host = json!({"tenant": null, "tenant_limits": [limit], "host_limits": [limit]});
        assert_eq!(limits(&of_host).lines().len(), 7);
    }
}
