//! Makes sure that the toolchain can compile to wasm. `rust-toolchain.toml` asks for the target;
//! where the toolchain was installed without it, rustup adds it here.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

/// What plugins are compiled to.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// Whether the target was there.
pub(crate) enum Target {
    /// It was.
    Present,
    /// It is now.
    Added,
}

/// Adds the target when it is missing.
///
/// # Errors
/// When it is missing and cannot be added.
pub(crate) fn ensure_target() -> Result<Target> {
    if has_target()? {
        return Ok(Target::Present);
    }
    // RUSTUP_TOOLCHAIN is inherited, so this is the toolchain that runs the build.
    let added =
        Command::new("rustup").args(["target", "add", TARGET]).stdout(Stdio::null()).status();
    ensure!(
        added.is_ok_and(|status| status.success()) && has_target()?,
        "the plugins are compiled to {TARGET}, which this toolchain lacks and rustup could not \
         add; run: rustup target add {TARGET}"
    );
    Ok(Target::Added)
}

fn has_target() -> Result<bool> {
    let rustc = super::variable("RUSTC")?;
    let asked = Command::new(rustc)
        .args(["--print", "target-libdir", "--target", TARGET])
        .output()
        .context("running rustc")?;
    let libraries = String::from_utf8(asked.stdout).context("reading what rustc printed")?;
    Ok(asked.status.success() && Path::new(libraries.trim()).is_dir())
}
