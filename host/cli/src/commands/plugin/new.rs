//! `cordon plugin new`: a small, complete project, out of what is embedded in this program.
//! Written as a whole or not at all, and into nobody's files.

mod templates {
    //! Made by `build/templates.rs`.
    include!(concat!(env!("OUT_DIR"), "/templates.rs"));
}

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use cordon_model::plugin::PluginRef;
use serde_json::json;

use super::project::Language;
use crate::output::{Output, View};

/// What begins a connector type that would begin with a digit.
const TYPE_PREFIX: &str = "c_";

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The name of the plugin: a-z, 0-9, _ and -
    #[arg(value_parser = name)]
    name: String,
    /// What it is written in
    #[arg(long = "lang", value_name = "LANGUAGE", value_enum, default_value = "rust")]
    language: Language,
    /// Where the project is put; left out: a new directory of the plugin's name
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,
}

fn name(text: &str) -> Result<String, String> {
    if PluginRef::is_name(text) {
        return Ok(text.to_owned());
    }
    Err("must be 1 to 64 of a-z, 0-9, '_' and '-', and begin with a letter or a digit".to_owned())
}

pub(super) fn run(args: Args, output: Output) -> anyhow::Result<()> {
    let Args { name, language, directory } = args;
    let directory = directory.unwrap_or_else(|| PathBuf::from(&name));
    if language == Language::Rust && name.starts_with(|c: char| c.is_ascii_digit()) {
        bail!("the name of a Rust package begins with a letter");
    }
    let files = files(&name, language);
    write(&directory, &files)?;
    if output.json {
        let files: Vec<_> = files.iter().map(|(path, _)| path).collect();
        let shown = json!({
            "name": name, "directory": directory.display().to_string(), "files": files,
        });
        return output.raw(&shown.to_string().into());
    }
    let lines = [
        format!("{name} is in {}; README.md says what is there", directory.display()),
        format!("  cd {}", directory.display()),
        "  cordon plugin build".to_owned(),
        "  cordon plugin test".to_owned(),
    ];
    output.view(&lines.into_iter().fold(View::default(), View::and_line))
}

/// The files of a project: path and content.
fn files(name: &str, language: Language) -> Vec<(String, String)> {
    let templates = match language {
        Language::Rust => templates::RUST,
        Language::JavaScript => templates::JAVASCRIPT,
        Language::Python => templates::PYTHON,
    };
    let marks =
        [("@NAME@", name.to_owned()), ("@TYPE@", connector_type(name)), ("@TITLE@", title(name))];
    let filled = |text: &str| {
        let fill = |text: String, (mark, word): &(&str, String)| text.replace(mark, word);
        marks.iter().fold(text.to_owned(), fill)
    };
    templates.iter().map(|(path, text)| ((*path).to_owned(), filled(text))).collect()
}

/// A connector type: letters, digits and underscores, a letter first.
fn connector_type(name: &str) -> String {
    let plain = name.replace('-', "_");
    let digit = plain.starts_with(|c: char| c.is_ascii_digit());
    let plain = if digit { format!("{TYPE_PREFIX}{plain}") } else { plain };
    plain.chars().take(64).collect()
}

/// `user-service` as people read it: `User service`.
fn title(name: &str) -> String {
    let words = name.replace(['-', '_'], " ");
    let mut letters = words.trim().chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

/// Beside its place first, so that nothing half written is left there.
fn write(directory: &Path, files: &[(String, String)]) -> anyhow::Result<()> {
    let shown = directory.display();
    if directory.exists() {
        let mut entries = std::fs::read_dir(directory)
            .with_context(|| format!("{shown} is there and is no directory that can be read"))?;
        ensure!(entries.next().is_none(), "{shown} is there already and is not empty");
    }
    let unwritable = || format!("{shown} cannot be written");
    let parent = match directory.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(parent).with_context(unwritable)?;
    let beside = tempfile::Builder::new().prefix(".cordon-new-").tempdir_in(parent);
    let beside = beside.with_context(unwritable)?;
    // The one that is made here has everybody's rights, not those of a temporary directory.
    let whole = beside.path().join("project");
    for (path, text) in files {
        let file = whole.join(path);
        if let Some(directory) = file.parent() {
            std::fs::create_dir_all(directory).with_context(unwritable)?;
        }
        std::fs::write(file, text).with_context(unwritable)?;
    }
    // Takes the place of an empty directory, and of nothing else.
    std::fs::rename(&whole, directory).with_context(unwritable)
}

#[cfg(test)]
mod tests;
