//! Connectors in JavaScript and Python, where their tools are installed: below
//! `target/languages`, by `plugins/examples/paginated/build-languages`.

use std::path::{Path, PathBuf};

use super::project::author;
use crate::support::target;

fn tools() -> PathBuf {
    target::directory().join("languages")
}

/// Says in the output of the tests what was not tested.
fn skipped(what: &Path) -> bool {
    let missing = !what.exists();
    if missing {
        eprintln!("SKIPPED: {} is missing; run build-languages", what.display());
    }
    missing
}

async fn passes(language: &str, tools: &Path, within: &str) {
    let place = tempfile::tempdir().unwrap();
    let made = author(&["plugin", "new", "crm", "--lang", language], place.path()).await;
    assert_eq!(made.code, 0, "{}", made.stderr);
    let project = place.path().join("crm");
    let untooled = author(&["plugin", "build"], &project).await;
    assert_eq!(untooled.code, 1, "{}", untooled.stdout);
    assert!(untooled.stderr.contains("run: "), "{}", untooled.stderr);
    std::os::unix::fs::symlink(tools, project.join(within)).unwrap();
    let built = author(&["--json", "plugin", "build"], &project).await.json();
    let imports = built["imports"].as_array().unwrap();
    let own =
        |import: &serde_json::Value| import.as_str().unwrap().starts_with("cordon:connector/");
    assert!(imports.iter().all(own), "{imports:?}");
    let played = author(&["plugin", "test"], &project).await;
    assert_eq!(played.code, 0, "{}{}", played.stdout, played.stderr);
    assert_eq!(played.stdout.lines().count(), 3);
}

#[tokio::test]
async fn a_new_connector_in_javascript_builds_and_passes_its_cassettes() {
    let modules = tools().join("js/node_modules");
    if !skipped(&modules) {
        passes("js", &modules, "node_modules").await;
    }
}

#[tokio::test]
async fn a_new_connector_in_python_builds_and_passes_its_cassettes() {
    let environment = tools().join("venv");
    if !skipped(&environment) {
        passes("python", &environment, ".venv").await;
    }
}
