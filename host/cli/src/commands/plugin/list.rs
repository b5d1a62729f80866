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
        let signed = item.get("signed_by").map(|by| cell(by, "publisher")).unwrap_or_default();
        [name, version, kind, tenant, active.to_owned(), state, signed]
    });
    let head = ["NAME", "VERSION", "TYPE", "TENANT", "ACTIVE", "STATE", "SIGNED BY"];
    let view = items(list, "damaged").fold(View::table(head, rows.collect()), |view, item| {
        let [name, version] = ["name", "version"].map(|name| cell(item, name));
        view.and_line(format!("{name} {version} is damaged: remove it and install it again"))
    });
    list.get("folder").into_iter().fold(view, folder)
}

/// What the operator's folder did not come to; what it did stands in the table.
fn folder(view: View, folder: &Value) -> View {
    let view = match cell(folder, "problem") {
        problem if problem.is_empty() => view,
        problem => view.and_line(format!("the plugins folder: {problem}")),
    };
    let troubled = items(folder, "files").filter(|file| cell(file, "state") != "installed");
    troubled.fold(view, |view, file| {
        let [name, state, problem] = ["file", "state", "problem"].map(|name| cell(file, name));
        view.and_line(format!("{name} is {state}: {problem}"))
    })
}
