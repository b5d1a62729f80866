//! The components that attack: one in Rust, which is told how by its configuration, and core
//! modules written by hand for what no compiler would make.
//!
//! A module by hand is `by_hand/base.wat` of the guest's crate with a few parts in the place of
//! its own; the base does everything that the contract wants, and each file beside it says what it
//! does wrong.

use std::path::Path;

use serde_json::json;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use super::mallory::Ended;
use super::world::World;

const HOSTILE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/hostile.wasm"));
const MARK: &[u8] = b"@@manifest@@";
const MANIFEST_BYTES: usize = 128;
const BASE: &str = include_str!("../../guests/hostile/by_hand/base.wat");

/// The Rust guest, which asks to read nothing. See `tests/guests/hostile`.
pub(crate) fn hostile() -> Vec<u8> {
    HOSTILE.to_vec()
}

/// The same, of the type `hostile_reader`, which asks to read identities.
pub(crate) fn hostile_reader() -> Vec<u8> {
    hostile_with("type=hostile_reader reads=identities")
}

/// The same with these words in its manifest: `type=… reads=identities,responses`.
pub(crate) fn hostile_with(words: &str) -> Vec<u8> {
    let mut component = hostile();
    let at = component.windows(MARK.len()).position(|window| window == MARK).unwrap();
    let manifest = &mut component[at + MARK.len()..at + MANIFEST_BYTES];
    manifest.fill(b' ');
    manifest[..words.len()].copy_from_slice(words.as_bytes());
    component
}

/// A part of the base: from `;; begin <name>` to `;; end <name>`.
fn part<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(&format!(";; begin {name}\n"))?;
    let (part, _) = rest.split_once(&format!(";; end {name}\n"))?;
    Some(part)
}

/// The component of a module by hand, of the type `by_hand`. Parts of `attack` take the place of
/// those of the base; `variant` takes the place of `$VARIANT` in them.
pub(crate) fn by_hand(attack: &str, variant: &str) -> Vec<u8> {
    let mut module = BASE.to_owned();
    for name in ["imports", "memory", "realloc", "run", "post", "more"] {
        if let Some(own) = part(attack, name) {
            let usual = part(BASE, name).unwrap();
            let marked = |part: &str| format!(";; begin {name}\n{part};; end {name}\n");
            module = module.replace(&marked(usual), &own.replace("$VARIANT", variant));
        }
    }
    component(&module)
}

/// A run of a module by hand, taken in and connected by a new tenant.
pub(crate) async fn by_hand_runs(world: &World, attack: &str, variant: &str) -> Ended {
    let mallory = world.mallory().await;
    mallory.install(&by_hand(attack, variant)).await;
    mallory.connect(&mallory.connection_of("by_hand", &json!({}))).await;
    mallory.request("access").await
}

/// Wraps a module into a component of the contract.
fn component(module: &str) -> Vec<u8> {
    let mut module = wat::parse_str(module).unwrap();
    let mut resolve = Resolve::default();
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit/connector.wit");
    let package = resolve.push_file(wit).unwrap();
    let world = resolve.select_world(&[package], Some("plugin")).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default().validate(true).module(&module).unwrap().encode().unwrap()
}
