//! A connector in Rust: cargo makes a module of it, `wit-component` a component. No WASI comes in.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};
use serde_json::Value;
use wit_component::ComponentEncoder;

use super::tool;

/// What connectors are compiled to.
const TARGET: &str = "wasm32-unknown-unknown";

const NO_RUST: &str = "install Rust: https://rustup.rs";

/// The component of the project in a directory.
pub(super) fn component(directory: &Path) -> anyhow::Result<Vec<u8>> {
    ensure_target(directory)?;
    let mut cargo = Command::new("cargo");
    cargo.current_dir(directory).args(["build", "--release", "--target", TARGET]);
    cargo.arg("--message-format=json-render-diagnostics");
    if let Some(home) = std::env::home_dir() {
        // Messages of panics hold the paths of sources; where the author keeps them is nobody's
        // business, and must not change the digest of a plugin.
        for (from, to) in [(home.join(".cargo").as_path(), "/cargo"), (directory, "/connector")] {
            cargo.arg("--config").arg(remapped(from, to));
        }
    }
    let said = tool(&mut cargo, NO_RUST)?;
    let module = module(&said).context(
        "cargo made no module; the library of the project is of the crate type cdylib, and of no \
         other",
    )?;
    let module = std::fs::read(&module).with_context(|| format!("{}", module.display()))?;
    let encoded = ComponentEncoder::default().validate(true).module(&module);
    encoded
        .and_then(|mut encoder| encoder.encode())
        .context("the module is no connector: does it say export!(…)?")
}

/// The rustflags of cargo's configuration are added to each other.
fn remapped(from: &Path, to: &str) -> String {
    let flag = Value::from(format!("--remap-path-prefix={}={to}", from.display()));
    format!("target.{TARGET}.rustflags=[{flag}]")
}

/// The module in what cargo answered: of the last library, which is the project's.
fn module(said: &[u8]) -> Option<PathBuf> {
    let lines = said.split(|byte| *byte == b'\n');
    let messages = lines.filter_map(|line| serde_json::from_slice::<Value>(line).ok());
    let files =
        messages.filter(|message| message.get("reason") == Some(&"compiler-artifact".into()));
    let mut files = files.filter_map(|message| {
        let files = message.get("filenames")?.as_array()?.clone();
        let file = files.iter().filter_map(Value::as_str).find(|file| file.ends_with(".wasm"))?;
        Some(PathBuf::from(file))
    });
    files.next_back()
}

/// Adds the target to the toolchain of the project when it is missing.
fn ensure_target(directory: &Path) -> anyhow::Result<()> {
    if has_target(directory)? {
        return Ok(());
    }
    let remedy = format!("run: rustup target add {TARGET}");
    let mut rustup = Command::new("rustup");
    // Not every toolchain is rustup's: whether this helped is asked of the compiler.
    let _ = tool(rustup.current_dir(directory).args(["target", "add", TARGET]), &remedy);
    ensure!(has_target(directory)?, "the toolchain cannot compile to {TARGET}; {remedy}");
    Ok(())
}

fn has_target(directory: &Path) -> anyhow::Result<bool> {
    let mut rustc = Command::new("rustc");
    rustc.current_dir(directory).args(["--print", "target-libdir", "--target", TARGET]);
    let asked = rustc.output().with_context(|| format!("rustc cannot be run; {NO_RUST}"))?;
    let libraries = String::from_utf8_lossy(&asked.stdout);
    Ok(asked.status.success() && Path::new(libraries.trim()).is_dir())
}
