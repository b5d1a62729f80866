//! `cordon plugin remove`.

use super::Version;
use crate::client::{ApiPath, Client};
use crate::output::{Output, View};

pub(super) async fn run(which: &Version, client: &Client, output: Output) -> anyhow::Result<()> {
    let Version { name, version } = which;
    let answer = client.delete(ApiPath::new(["plugins", name, version])).await?;
    output.answer(&answer, |_| View::line(format!("removed {name} {version}")))
}
