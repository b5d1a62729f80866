//! Name and version inside a component, where admission looks for them.

use std::borrow::Cow;

use anyhow::{Context as _, bail};
use wasm_encoder::{ComponentNameSection, ComponentSection as _, CustomSection};
use wit_component::DecodedWasm;

/// The component with its name and version: the last ones count.
pub(super) fn with(mut component: Vec<u8>, name: &str, version: &str) -> Vec<u8> {
    let mut names = ComponentNameSection::new();
    names.component(name);
    names.append_to_component(&mut component);
    let (name, data) = (Cow::Borrowed("version"), Cow::Borrowed(version.as_bytes()));
    CustomSection { name, data }.append_to_component(&mut component);
    component
}

/// What a component imports, in its order.
pub(super) fn imports(component: &[u8]) -> anyhow::Result<Vec<String>> {
    let DecodedWasm::Component(resolve, world) = wit_component::decode(component)? else {
        bail!("what was built is no component");
    };
    let world = resolve.worlds.get(world).context("the component has no world")?;
    Ok(world.imports.keys().map(|key| resolve.name_world_key(key)).collect())
}
