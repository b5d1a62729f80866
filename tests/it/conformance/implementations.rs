//! The components that the suite is run against, and where they are.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::support::target;

/// Built like the built-in connectors are.
const RUST: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/paginated.wasm"));

/// The contract and the sources of the example, seen from the workspace.
const CONTRACT: &str = "wit";
const EXAMPLE: &str = "plugins/examples/paginated";

/// A component of the connector `contacts`.
pub(super) struct Implementation {
    pub(super) component: Vec<u8>,
    /// Whether it is to import WASI.
    pub(super) wasi: bool,
}

impl Implementation {
    /// The one of this name: `rust`, a language, or a language with `-wasi`. None, and a line on
    /// standard error that no test runner keeps for itself, when it was not built.
    pub(super) fn found(name: &str) -> Option<Self> {
        if name == "rust" {
            return Some(Self { component: RUST.to_vec(), wasi: false });
        }
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let path = languages().join(name).with_extension("wasm");
        let (language, wasi) = name.strip_suffix("-wasi").map_or((name, false), |of| (of, true));
        let Some(built) = newest(&path) else {
            return skipped(name, "it is not there");
        };
        let sources = [workspace.join(EXAMPLE).join(language), workspace.join(CONTRACT)];
        if sources.iter().filter_map(|source| newest(source)).any(|changed| changed > built) {
            return skipped(name, "it is older than its source");
        }
        Some(Self { component: fs::read(path).unwrap(), wasi })
    }
}

fn skipped<T>(name: &str, why: &str) -> Option<T> {
    let line = format!("SKIPPED conformance of {name}: {why}; run `just languages`\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
    None
}

/// `<target>/languages`.
fn languages() -> PathBuf {
    target::directory().join("languages")
}

/// When a file, or any file in a directory, was written last. None: there is none.
fn newest(path: &Path) -> Option<SystemTime> {
    let Ok(entries) = fs::read_dir(path) else {
        return fs::metadata(path).ok()?.modified().ok();
    };
    entries.filter_map(|entry| newest(&entry.unwrap().path())).max()
}
