//! Keeps the layout of the tree true, so that it need not be remembered: who may depend on whom,
//! which crate alone may name which library, how large a file may be and how it begins.
//!
//! Reads `cargo metadata` and the files of the checkout; needs no network.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, MetadataCommand, Package};

/// Most lines of one file.
const LINES_MAX: usize = 600;

/// Which of our crates a crate may use. What is not listed here does not exist.
const MAY_USE: [(&str, &[&str]); 23] = [
    ("cordon-model", &[]),
    ("cordon-turns", &["cordon-model"]),
    ("cordon-store", &["cordon-model", "cordon-turns"]),
    ("cordon-egress", &["cordon-model"]),
    ("cordon-secrets", &["cordon-model", "cordon-egress"]),
    ("cordon-runtime", &["cordon-model", "cordon-turns", "cordon-egress"]),
    ("cordon-package", &["cordon-model", "cordon-turns"]),
    ("cordon-engine", &["cordon-model", "cordon-turns"]),
    ("cordon-api", &["cordon-model", "cordon-engine"]),
    (
        "cordon-cli",
        &[
            "cordon-model",
            "cordon-turns",
            "cordon-store",
            "cordon-egress",
            "cordon-secrets",
            "cordon-runtime",
            "cordon-package",
            "cordon-engine",
            "cordon-api",
        ],
    ),
    ("cordon-connector-sdk", &[]),
    ("cordon-api-proxy", &["cordon-connector-sdk"]),
    ("cordon-manual-webhook", &["cordon-connector-sdk"]),
    ("cordon-example-asks-first", &["cordon-connector-sdk"]),
    ("cordon-example-export-job", &["cordon-connector-sdk"]),
    ("cordon-example-paginated", &["cordon-connector-sdk"]),
    ("cordon-scripted-guest", &["cordon-connector-sdk"]),
    ("cordon-hostile-guest", &["cordon-connector-sdk"]),
    ("cordon-residue-guest", &["cordon-connector-sdk"]),
    ("cordon-reader-guest", &["cordon-connector-sdk"]),
    ("cordon-stranger-guest", &["cordon-connector-sdk"]),
    ("cordon-wasi-guest", &["cordon-connector-sdk"]),
    ("cordon-tests", &[]),
];

/// A library, the crate that alone may name it, and whether tests may too.
const ONLY_IN: [(&str, &str, bool); 7] = [
    ("redb", "cordon-store", false),
    ("hyper-rustls", "cordon-egress", false),
    ("reqwest", "cordon-egress", false),
    ("wasmtime", "cordon-runtime", false),
    ("object_store", "cordon-package", false),
    ("axum", "cordon-api", true),
    ("clap", "cordon-cli", false),
];

/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 5] = ["util", "utils", "helper", "helpers", "common"];

/// What may stand in no source file. In two halves, so that this file does not hold them.
const NOT_IN_SOURCES: [&str; 5] = [
    concat!("#[ign", "ore"),
    concat!("to", "do!("),
    concat!("unimpl", "emented!("),
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
];

#[test]
fn crates_depend_on_each_other_in_one_direction() {
    let mut wrong = Vec::new();
    for package in packages() {
        let name = package.name.to_string();
        let Some((_, allowed)) = MAY_USE.iter().find(|(known, _)| *known == name) else {
            wrong.push(format!("{name} is not in the list of crates"));
            continue;
        };
        for dependency in &package.dependencies {
            let tests_only = dependency.kind == DependencyKind::Development;
            let ours = dependency.path.is_some();
            if ours && !tests_only && !allowed.contains(&dependency.name.as_str()) {
                wrong.push(format!("{name} must not use {}", dependency.name));
            }
        }
    }
    assert_none(&wrong);
}

#[test]
fn each_library_with_a_risk_is_named_by_one_crate() {
    let mut wrong = Vec::new();
    for package in packages() {
        for dependency in &package.dependencies {
            for (library, owner, tests_may) in ONLY_IN {
                let family = dependency.name.strip_prefix(library);
                // `wasmtime-wasi` belongs to `wasmtime`.
                if !family.is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_'])) {
                    continue;
                }
                let exempt = tests_may && dependency.kind == DependencyKind::Development;
                if package.name.as_str() != owner && !exempt {
                    let name = &dependency.name;
                    wrong.push(format!("{} names {name}, which belongs to {owner}", package.name));
                }
            }
        }
    }
    assert_none(&wrong);
}

#[test]
fn versions_stand_in_the_root_manifest_alone() {
    let mut wrong = Vec::new();
    for package in packages() {
        let manifest = fs::read_to_string(&package.manifest_path).unwrap();
        let mut section = String::new();
        for line in manifest.lines().map(str::trim) {
            if line.starts_with('[') {
                section = line.trim_matches(['[', ']']).to_owned();
                if section.contains("dependencies.") {
                    wrong.push(format!("{}: [{section}] is not one line", package.name));
                }
                continue;
            }
            let dependency = section.ends_with("dependencies");
            let version = section == "package" && line.starts_with("version");
            let blank = line.is_empty() || line.starts_with('#');
            let inherited = line.replace(' ', "").contains("workspace=true");
            if (dependency || version) && !blank && !inherited {
                wrong.push(format!("{}: {line}", package.name));
            }
        }
    }
    assert_none(&wrong);
}

#[test]
fn a_source_file_is_short_and_begins_with_its_purpose() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let lines = text.lines().count();
        if lines > LINES_MAX {
            wrong.push(format!("{path} has {lines} lines"));
        }
        if !text.starts_with("//! ") {
            wrong.push(format!("{path} does not begin with `//!`"));
        }
    }
    assert_none(&wrong);
}

#[test]
fn a_module_has_a_name_that_says_what_is_inside() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let mut parts = path.split('/').map(|part| part.trim_end_matches(".rs"));
        if parts.any(|part| EMPTY_NAMES.contains(&part)) {
            wrong.push(path.clone());
        }
        if path.ends_with("/mod.rs") {
            wrong.push(format!("{path}: a module `foo` is `foo.rs` and `foo/`"));
        }
        for name in text.lines().filter_map(declared_module) {
            if EMPTY_NAMES.contains(&name) {
                wrong.push(format!("{path}: mod {name}"));
            }
        }
    }
    assert_none(&wrong);
}

/// The name in `mod name;` or `pub mod name {`.
fn declared_module(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let line = match line.strip_prefix("pub") {
        Some(rest) => rest.trim_start_matches(|c| c != ' ').trim_start(),
        None => line,
    };
    let name = line.strip_prefix("mod ")?;
    name.split([';', ' ', '{']).next()
}

#[test]
fn nothing_is_left_for_later() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        for (number, line) in (1..).zip(text.lines()) {
            if NOT_IN_SOURCES.iter().any(|word| line.contains(word)) {
                wrong.push(format!("{path}:{number}: {}", line.trim()));
            }
        }
    }
    assert_none(&wrong);
}

#[test]
fn one_file_builds_the_http_client() {
    let builders: Vec<_> = sources()
        .into_iter()
        .filter(|(path, _)| path.starts_with("host/") || path.starts_with("plugins/"))
        .filter(|(path, text)| builds_a_client(path, text))
        .map(|(path, _)| path)
        .collect();
    assert_eq!(builders, ["host/egress/src/client.rs"]);
    for line in [
        "let client = reqwest::Client::new();",
        "let client = Client::builder().build()?;",
        "let client = reqwest::ClientBuilder::default().build()?;",
        "let text = reqwest::get(url).await?.text().await?;",
        "let client = hyper_util::client::legacy::Client::builder(executor)",
    ] {
        assert!(builds_a_client("host/api/src/new.rs", line), "{line} is not noticed");
    }
    let inside_its_crate = "let client = Client::default();";
    assert!(builds_a_client("host/egress/src/new.rs", inside_its_crate), "{inside_its_crate}");
}

/// Whether a file makes an HTTP client of its own, or does without one.
fn builds_a_client(path: &str, text: &str) -> bool {
    const BUILDERS: [&str; 9] = [
        "Client::builder",
        "ClientBuilder::new",
        "ClientBuilder::default",
        "reqwest::Client::new",
        "reqwest::Client::default",
        "reqwest::get(",
        "reqwest::blocking",
        "client::legacy",
        "client::conn",
    ];
    // A bare `Client` is another crate's own, but for the one that may name the library.
    let bare = ["Client::new(", "Client::default("];
    let short = path.starts_with("host/egress/") && bare.iter().any(|word| text.contains(word));
    short || BUILDERS.iter().any(|word| text.contains(word))
}

#[test]
fn no_file_names_a_path_of_the_machine_it_was_written_on() {
    let root = root();
    let outside = concat!("..", "/shared");
    let mut words = vec![outside.to_owned()];
    // A checkout directly below `/` would be found in honest text.
    if root.components().count() > 2 {
        words.push(root.to_string_lossy().into_owned());
    }
    let mut wrong = Vec::new();
    for path in files(&root) {
        // What is no text holds no path that anybody reads.
        let Ok(text) = fs::read_to_string(&path) else {
            continue;
        };
        if let Some(word) = words.iter().find(|word| text.contains(*word)) {
            wrong.push(format!("{} names {word}", relative(&path)));
        }
    }
    assert_none(&wrong);
}

fn assert_none(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

/// The members of the workspace, as their manifests describe them.
fn packages() -> Vec<Package> {
    let metadata = MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .no_deps()
        .other_options(["--offline".to_owned()])
        .exec()
        .unwrap();
    assert!(metadata.packages.len() > 1);
    metadata.packages
}

fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap().to_owned()
}

fn relative(path: &Path) -> String {
    let path = path.strip_prefix(root()).unwrap();
    path.to_string_lossy().replace('\\', "/")
}

/// Every Rust file of ours, by its path from the root.
fn sources() -> BTreeMap<String, String> {
    let root = root();
    let sources: BTreeMap<_, _> = ["host", "plugins", "tests"]
        .iter()
        .flat_map(|folder| files(&root.join(folder)))
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| (relative(&path), fs::read_to_string(&path).unwrap()))
        .collect();
    assert!(sources.contains_key("tests/it/tidy.rs"));
    sources
}

/// Every file below a folder that a person wrote.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut folders = vec![folder.to_owned()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            let made_by_a_tool = entry.file_name() == "target" || entry.file_name() == ".git";
            match entry.file_type().unwrap() {
                kind if kind.is_dir() && !made_by_a_tool => folders.push(entry.path()),
                kind if kind.is_file() => files.push(entry.path()),
                _ => {}
            }
        }
    }
    files.sort();
    files
}
