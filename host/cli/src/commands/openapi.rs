//! `cordon openapi`.

use super::Outcome;
use crate::output::Output;

pub(super) fn run(output: Output) -> anyhow::Result<Outcome> {
    output.raw(&cordon_api::openapi_json().into())?;
    Ok(Outcome::Done)
}
