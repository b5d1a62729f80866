//! `cordon plugin list`.

use serde_json::Value;

use crate::client::{ApiPath, Client};
use crate::commands::cell;
use crate::output::{Output, View, items};

pub(super) async fn run(client: &Client, output: Output) -> anyhow::Result<()> {
    output.answer(&client.get(ApiPath::new(["plugins"])).await?, view)
}

fn view(list: &Value) -> View {
    let rows = items(list, "items").map(|item| {
        let [name, version, kind, state] =
            ["name", "version", "connector_type", "state"].map(|name| cell(item, name));
        let tenant = match (cell(item, "built_in").as_str(), cell(item, "tenant")) {
            ("true", _) => "(built in)".to_owned(),
            (_, tenant) if tenant.is_empty() => "(all)".to_owned(),
            (_, tenant) => tenant,
        };
        let active = if cell(item, "active") == "true" { "yes" } else { "no" };
        [name, version, kind, tenant, active.to_owned(), state]
    });
    View::table(["NAME", "VERSION", "TYPE", "TENANT", "ACTIVE", "STATE"], rows.collect())
}
