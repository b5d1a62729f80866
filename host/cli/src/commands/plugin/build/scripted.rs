//! Connectors in JavaScript and Python: the tools of the Bytecode Alliance put the code and its
//! interpreter into one component, and leave out what needs WASI.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};

use super::tool;

/// The component of a project in JavaScript.
pub(super) fn javascript(directory: &Path) -> anyhow::Result<Vec<u8>> {
    const INSTALL: &str = "npm install";
    let componentize = directory.join("node_modules/@bytecodealliance/componentize-js");
    ensure!(
        componentize.is_dir(),
        "componentize-js is missing; in {} run: {INSTALL}",
        directory.display()
    );
    into_file(|output| {
        let mut node = Command::new("node");
        node.current_dir(directory).args(["build.mjs", "wit"]).arg(output);
        tool(&mut node, "install Node.js: https://nodejs.org").map(|_| ())
    })
}

/// The component of a project in Python.
pub(super) fn python(directory: &Path) -> anyhow::Result<Vec<u8>> {
    let install = format!(
        "in {} run: python3 -m venv .venv && .venv/bin/pip install -r requirements.txt",
        directory.display()
    );
    let own = directory.join(".venv/bin/componentize-py");
    let program = if own.is_file() { own } else { PathBuf::from("componentize-py") };
    into_file(|output| {
        let mut python = Command::new(&program);
        python.current_dir(directory).args(["--quiet", "--wit-path", "wit", "--world", "plugin"]);
        python.args(["componentize", "--stub-wasi", "connector", "--output"]).arg(output);
        tool(&mut python, &install).map(|_| ())
    })
}

/// What a tool writes into a file.
fn into_file(make: impl FnOnce(&Path) -> anyhow::Result<()>) -> anyhow::Result<Vec<u8>> {
    let place = tempfile::tempdir().context("no place for the tool's output")?;
    let output = place.path().join("connector.wasm");
    make(&output)?;
    std::fs::read(&output).context("the tool wrote no component")
}
