//! Turns a core module into a component and looks at what it imports: a plugin of ours imports
//! the contract and nothing else, no WASI either.

use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use wit_component::{ComponentEncoder, DecodedWasm};

/// The package of every interface that may be imported.
const CONTRACT: &str = "cordon:connector/";

/// Encodes the module in a file.
///
/// # Errors
/// When it is no module of the contract, or imports something else.
pub(crate) fn encode(module: &Path) -> Result<Vec<u8>> {
    let module = std::fs::read(module).with_context(|| format!("reading {}", module.display()))?;
    let component = ComponentEncoder::default().validate(true).module(&module)?.encode()?;
    for import in imports(&component)? {
        ensure!(import.starts_with(CONTRACT), "it imports {import}, which is not of the contract");
    }
    Ok(component)
}

fn imports(component: &[u8]) -> Result<Vec<String>> {
    let DecodedWasm::Component(resolve, world) = wit_component::decode(component)? else {
        bail!("what was encoded is no component");
    };
    let world = resolve.worlds.get(world).context("the component has no world")?;
    Ok(world.imports.keys().map(|key| resolve.name_world_key(key)).collect())
}
