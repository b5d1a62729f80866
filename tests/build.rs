//! Builds the guests of the tests the way the host builds its own plugins.

#[path = "../host/cli/build/component.rs"]
mod component;
#[path = "../host/cli/build/nested_cargo.rs"]
mod nested_cargo;
#[path = "../host/cli/build/toolchain.rs"]
mod toolchain;

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use wit_component::ComponentEncoder;

/// What the guests are made from, seen from the workspace.
const SOURCES: [&str; 5] =
    ["wit", "plugins/sdk/src", "tests/guests", "host/cli/build", "Cargo.lock"];

/// The guest that imports WASI, which no plugin of ours does.
const WITH_WASI: &str = "wasi";

/// Every guest.
const GUESTS: [&str; 4] = ["scripted", "reader", "stranger", WITH_WASI];

fn main() -> Result<()> {
    let package = variable("CARGO_MANIFEST_DIR")?;
    let workspace = package.parent().context("the tests stand in no workspace")?;
    for source in SOURCES {
        println!("cargo:rerun-if-changed={}", workspace.join(source).display());
    }
    toolchain::ensure_target()?;
    let out = variable("OUT_DIR")?;
    let target = out.ancestors().nth(4).context("OUT_DIR does not lie in a target directory")?;
    let packages = GUESTS.map(|guest| format!("cordon-{guest}-guest"));
    let packages = packages.each_ref().map(String::as_str);
    let modules = nested_cargo::build(workspace, &packages, &target.join("plugins"))?;
    for guest in GUESTS {
        let module = modules.join(format!("cordon_{guest}_guest.wasm"));
        let encoded = match guest {
            WITH_WASI => {
                let module = std::fs::read(&module).context("reading the guest with WASI")?;
                ComponentEncoder::default().validate(true).module(&module)?.encode()?
            }
            _ => component::encode(&module)?,
        };
        std::fs::write(out.join(format!("{guest}.wasm")), encoded)
            .with_context(|| format!("writing {guest}.wasm"))?;
    }
    Ok(())
}

fn variable(name: &str) -> Result<PathBuf> {
    std::env::var_os(name).map(PathBuf::from).with_context(|| format!("cargo did not set {name}"))
}
