//! `cordon plugin show`.

use super::{Version, plugin};
use crate::client::{ApiPath, Client};
use crate::output::Output;

pub(super) async fn run(which: &Version, client: &Client, output: Output) -> anyhow::Result<()> {
    let path = ApiPath::new(["plugins", &which.name, &which.version]);
    output.answer(&client.get(path).await?, plugin)
}
