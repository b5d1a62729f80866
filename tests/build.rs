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
const SOURCES: [&str; 6] =
    ["wit", "plugins/sdk/src", "plugins/examples", "tests/guests", "host/cli/build", "Cargo.lock"];

/// The guest that imports WASI, which no plugin of ours does.
const WITH_WASI: &str = "wasi";

/// Every guest.
const GUESTS: [&str; 6] = ["scripted", "hostile", "reader", "residue", "stranger", WITH_WASI];

/// Every example for authors, by its folder.
const EXAMPLES: [&str; 3] = ["asks_first", "export_job", "paginated"];

fn main() -> Result<()> {
    let package = variable("CARGO_MANIFEST_DIR")?;
    let workspace = package.parent().context("the tests stand in no workspace")?;
    for source in SOURCES {
        println!("cargo:rerun-if-changed={}", workspace.join(source).display());
    }
    toolchain::ensure_target()?;
    let out = variable("OUT_DIR")?;
    let target = out.ancestors().nth(4).context("OUT_DIR does not lie in a target directory")?;
    let examples = EXAMPLES.iter().map(|name| format!("cordon-example-{}", name.replace('_', "-")));
    let packages = GUESTS.iter().map(|guest| format!("cordon-{guest}-guest")).chain(examples);
    let packages: Vec<String> = packages.collect();
    let packages: Vec<&str> = packages.iter().map(String::as_str).collect();
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
    for example in EXAMPLES {
        let module = modules.join(format!("cordon_example_{example}.wasm"));
        let encoded = component::encode(&module).with_context(|| format!("encoding {example}"))?;
        std::fs::write(out.join(format!("{example}.wasm")), encoded)
            .with_context(|| format!("writing {example}.wasm"))?;
    }
    Ok(())
}

fn variable(name: &str) -> Result<PathBuf> {
    std::env::var_os(name).map(PathBuf::from).with_context(|| format!("cargo did not set {name}"))
}
