//! Compiles the plugins with a cargo of their own, in a target directory of their own: the outer
//! cargo holds the lock of its directory while this runs.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use crate::toolchain::TARGET;

/// The profile in the workspace's manifest.
const PROFILE: &str = "plugin";

/// What the outer cargo, clippy or a coverage tool set for the host's build and is wrong here:
/// flags and wrappers for another target, another directory, a job server of another process.
const SCRUBBED: [&str; 14] = [
    "RUSTFLAGS",
    "RUSTDOCFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_ENCODED_RUSTDOCFLAGS",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "CARGO_INCREMENTAL",
    "CARGO_TARGET_DIR",
    "CARGO_MAKEFLAGS",
    "MAKEFLAGS",
    "MFLAGS",
    "CLIPPY_ARGS",
    "LLVM_PROFILE_FILE",
    "MIRI_BE_RUSTC",
];

/// The same, by the beginning of the name.
const SCRUBBED_PREFIXES: [&str; 5] =
    ["CARGO_PROFILE_", "CARGO_BUILD_", "CARGO_TARGET_", "CARGO_FEATURE_", "CARGO_CFG_"];

/// Builds packages; answers where their modules are.
///
/// # Errors
/// When cargo fails.
pub(crate) fn build(workspace: &Path, packages: &[&str], target_dir: &Path) -> Result<PathBuf> {
    let mut cargo = Command::new(crate::variable("CARGO")?);
    cargo.current_dir(workspace).args(["build", "--lib", "--profile", PROFILE, "--target", TARGET]);
    cargo.arg("--target-dir").arg(target_dir);
    for package in packages {
        cargo.args(["--package", package]);
    }
    if workspace.join("Cargo.lock").is_file() {
        cargo.arg("--locked");
    }
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_scrubbed(name)) {
        cargo.env_remove(name);
    }
    if let Some(registry) = registry() {
        // Messages of panics hold the paths of sources; where the builder keeps them is nobody's
        // business, and must not change the digest of a plugin.
        let mut flag = OsString::from("--remap-path-prefix=");
        flag.push(registry);
        flag.push("=/cargo");
        cargo.env("CARGO_ENCODED_RUSTFLAGS", flag);
    }
    let status = cargo.stdout(Stdio::null()).status().context("running cargo for the plugins")?;
    ensure!(status.success(), "the plugins do not compile; the messages of cargo stand above");
    Ok(target_dir.join(TARGET).join(PROFILE))
}

fn is_scrubbed(name: &OsStr) -> bool {
    let starts = |prefix: &&str| name.as_encoded_bytes().starts_with(prefix.as_bytes());
    SCRUBBED.iter().any(|scrubbed| name == *scrubbed) || SCRUBBED_PREFIXES.iter().any(starts)
}

/// Where cargo keeps the sources of dependencies.
fn registry() -> Option<PathBuf> {
    let cargo = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    cargo.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")))
}
