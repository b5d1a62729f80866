//! Builds the plugins that come with the host: each is compiled to wasm by a cargo of its own and
//! encoded as a component, which `src/built_in.rs` takes in.
//!
//! All builds of the host (debug, release, clippy) share one directory for this, so the plugins
//! are compiled once. The only thing that is ever fetched is the wasm target of the toolchain.

#[path = "build/component.rs"]
mod component;
#[path = "build/nested_cargo.rs"]
mod nested_cargo;
#[path = "build/templates.rs"]
mod templates;
#[path = "build/toolchain.rs"]
mod toolchain;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// The plugins: package name and the file that `src/built_in.rs` includes.
const PLUGINS: [(&str, &str); 2] =
    [("cordon-api-proxy", "api_proxy.wasm"), ("cordon-manual-webhook", "manual_webhook.wasm")];

/// What the plugins are made from, seen from the workspace. Watched for changes.
const SOURCES: [&str; 9] = [
    "wit",
    "plugins/sdk/src",
    "plugins/sdk/Cargo.toml",
    "plugins/api_proxy/src",
    "plugins/api_proxy/Cargo.toml",
    "plugins/manual_webhook/src",
    "plugins/manual_webhook/Cargo.toml",
    "Cargo.toml",
    "Cargo.lock",
];

fn main() -> Result<()> {
    let workspace = workspace()?;
    for source in SOURCES.into_iter().chain(templates::SOURCES) {
        directive("rerun-if-changed", &workspace.join(source).display().to_string());
    }
    for own in ["build.rs", "build"] {
        directive("rerun-if-changed", own);
    }
    if let toolchain::Target::Added = toolchain::ensure_target()? {
        directive("warning", "the target wasm32-unknown-unknown was missing; rustup has added it");
    }
    let out = variable("OUT_DIR")?;
    templates::write(&workspace, &out)?;
    let packages = PLUGINS.map(|(package, _)| package);
    let modules = nested_cargo::build(&workspace, &packages, &target_directory(&out)?)?;
    for (package, file) in PLUGINS {
        let module = modules.join(format!("{}.wasm", package.replace('-', "_")));
        let encoded = component::encode(&module).with_context(|| format!("encoding {package}"))?;
        std::fs::write(out.join(file), encoded).with_context(|| format!("writing {file}"))?;
    }
    Ok(())
}

/// The root of the workspace: this package stands in `host/cli`.
fn workspace() -> Result<PathBuf> {
    let package = variable("CARGO_MANIFEST_DIR")?;
    package.ancestors().nth(2).map(Path::to_owned).context("the package stands in no workspace")
}

/// Where the plugins are built. `OUT_DIR` is `<target>/<profile>/build/<package>/out`; counting
/// from there also finds a target directory that was set from outside.
fn target_directory(out: &Path) -> Result<PathBuf> {
    let target = out.ancestors().nth(4).context("OUT_DIR does not lie in a target directory")?;
    Ok(target.join("plugins"))
}

fn variable(name: &str) -> Result<PathBuf> {
    std::env::var_os(name).map(PathBuf::from).with_context(|| format!("cargo did not set {name}"))
}

fn directive(name: &str, value: &str) {
    println!("cargo:{name}={value}");
}
