//! `cordon plugin build`: makes the component of a project, with the tools of its language.

mod rust;
mod scripted;
mod stamp;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use cordon_model::PluginDigest;
use serde_json::{Value, json};

use super::project::{Language, Project};
use crate::output::{Output, View, items};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The directory of the connector
    #[arg(value_name = "DIR", default_value = ".")]
    directory: PathBuf,
}

/// A component that was made.
pub(super) struct Built {
    pub(super) component: PathBuf,
    name: String,
    version: String,
    digest: PluginDigest,
    size: usize,
    imports: Vec<String>,
    took: Duration,
}

pub(super) async fn run(args: Args, output: Output) -> anyhow::Result<()> {
    let project = Project::find(&args.directory)?;
    let version = project.version.clone();
    let built = build(project, version).await?;
    let shown = built.to_json();
    if output.json { output.raw(&shown.to_string().into()) } else { output.view(&view(&shown)) }
}

/// Makes the component of a project, as a version of it.
pub(super) async fn build(project: Project, version: String) -> anyhow::Result<Built> {
    // Cargo and the others speak to the terminal themselves, and take their time.
    let building = tokio::task::spawn_blocking(move || make(&project, &version));
    building.await.context("the build was cut off")?
}

fn make(project: &Project, version: &str) -> anyhow::Result<Built> {
    let began = Instant::now();
    let raw = match project.language {
        Language::Rust => rust::component(&project.directory)?,
        Language::JavaScript => scripted::javascript(&project.directory)?,
        Language::Python => scripted::python(&project.directory)?,
    };
    let bytes = stamp::with(raw, &project.name, version);
    let imports = stamp::imports(&bytes)?;
    let component = project.component();
    write(&component, &bytes)?;
    Ok(Built {
        component,
        name: project.name.clone(),
        version: version.to_owned(),
        digest: PluginDigest::of(&bytes),
        size: bytes.len(),
        imports,
        took: began.elapsed(),
    })
}

/// Whole or not at all.
fn write(file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let unwritable = || format!("{} cannot be written", file.display());
    let directory = file.parent().with_context(unwritable)?;
    std::fs::create_dir_all(directory).with_context(unwritable)?;
    let beside = file.with_extension("wasm.new");
    std::fs::write(&beside, bytes).with_context(unwritable)?;
    std::fs::rename(&beside, file).with_context(unwritable)
}

/// Runs a tool to its end. What it says goes to standard error, where it does not mix with ours;
/// what it answers is given back. `remedy`: the one command that helps when it is missing.
fn tool(command: &mut Command, remedy: &str) -> anyhow::Result<Vec<u8>> {
    let name = command.get_program().to_string_lossy().into_owned();
    let ran = command.stdin(std::process::Stdio::null()).stderr(std::process::Stdio::inherit());
    let ran = ran.output().with_context(|| format!("{name} cannot be run; {remedy}"))?;
    ensure!(ran.status.success(), "{name} failed; what it said stands above");
    Ok(ran.stdout)
}

impl Built {
    pub(super) fn to_json(&self) -> Value {
        json!({
            "component": self.component.display().to_string(),
            "name": self.name,
            "version": self.version,
            "digest": self.digest.to_string(),
            "size": self.size,
            "imports": self.imports,
            "seconds": (self.took.as_secs_f64() * 10.0).round() / 10.0,
        })
    }

    /// In a line.
    pub(super) fn line(&self) -> String {
        let (kib, seconds) = (self.size.div_ceil(1024), self.took.as_secs_f64());
        format!("built {} {}: {kib} KiB in {seconds:.1} s", self.name, self.version)
    }
}

fn view(shown: &Value) -> View {
    let of = |name: &'static str| (name, crate::commands::cell(shown, name));
    let view = View::fields(["component", "name", "version", "digest", "size"].map(of));
    items(shown, "imports")
        .filter_map(Value::as_str)
        .fold(view, |view, import| view.and_line(format!("imports  {import}")))
}
