//! `cordon plugin activate`.

use serde_json::Value;

use super::{Version, connections};
use crate::client::{ApiPath, Client};
use crate::commands::cell;
use crate::output::{Output, View};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    version: Version,
    /// Only say what would become of each connection
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(args: Args, client: &Client, output: Output) -> anyhow::Result<()> {
    let Args { version: Version { name, version }, dry_run } = args;
    let path = ApiPath::new(["plugins", &name, &version, "activate"]);
    let path = path.with("dry_run", dry_run.then_some(true));
    output.answer(&client.post(path, None).await?, switched)
}

fn switched(object: &Value) -> View {
    let (plugin, of_type) = (object.get("plugin"), object.get("connections"));
    let [name, version] =
        ["name", "version"].map(|name| plugin.map(|of| cell(of, name)).unwrap_or_default());
    let verb = if cell(object, "dry_run") == "true" { "would be" } else { "is" };
    let view = View::line(format!("{name} {version} {verb} active"));
    view.and(of_type.map(|of_type| connections(of_type, &version)).unwrap_or_default())
}
