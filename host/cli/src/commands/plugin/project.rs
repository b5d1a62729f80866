//! The directory of a connector: in which language it is written, what it is called, and where
//! its component is put. Reads manifests; runs nothing.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use cordon_model::plugin::PluginRef;
use serde_json::Value;

/// Where a component is put.
const BUILT: &str = "dist";

/// What a connector is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Language {
    Rust,
    #[value(name = "js", alias = "javascript")]
    JavaScript,
    Python,
}

impl Language {
    const ALL: [Self; 3] = [Self::Rust, Self::JavaScript, Self::Python];

    /// The file that a project of this language is known by.
    const fn manifest(self) -> &'static str {
        match self {
            Self::Rust => "Cargo.toml",
            Self::JavaScript => "package.json",
            Self::Python => "pyproject.toml",
        }
    }
}

/// The project of a connector.
pub(super) struct Project {
    pub(super) directory: PathBuf,
    pub(super) language: Language,
    pub(super) name: String,
    pub(super) version: String,
}

impl Project {
    /// Looks at what lies in a directory.
    pub(super) fn find(directory: &Path) -> anyhow::Result<Self> {
        let found = |language: &Language| directory.join(language.manifest()).is_file();
        let mut languages = Language::ALL.into_iter().filter(found);
        let names = Language::ALL.map(Language::manifest).join(", ");
        let shown = directory.display();
        let language = languages.next().with_context(|| {
            format!("{shown} is no connector's project: it has none of {names}")
        })?;
        ensure!(languages.next().is_none(), "{shown} has more than one of {names}");
        let directory = directory.canonicalize().with_context(|| format!("{shown}"))?;
        let (name, version) = named(&directory, language)?;
        ensure!(
            PluginRef::is_name(&name),
            "the project's name cannot be a plugin's: 1 to 64 of a-z, 0-9, '_' and '-', and no \
             '_' or '-' at the beginning"
        );
        ensure!(PluginRef::is_version(&version), "the project's version cannot be a plugin's");
        Ok(Self { directory, language, name, version })
    }

    /// Where its component is, once it was built.
    pub(super) fn component(&self) -> PathBuf {
        self.directory.join(BUILT).join(format!("{}.wasm", self.name))
    }
}

/// A component by its file, or by the directory of its project.
pub(super) fn component(path: &Path) -> anyhow::Result<PathBuf> {
    if !path.is_dir() {
        return Ok(path.to_owned());
    }
    let project = Project::find(path)?;
    let component = project.component();
    if !component.is_file() {
        bail!("{} was not built; run: cordon plugin build", project.name);
    }
    Ok(component)
}

/// Name and version in the manifest.
fn named(directory: &Path, language: Language) -> anyhow::Result<(String, String)> {
    let file = directory.join(language.manifest());
    let shown = file.display();
    let text = std::fs::read_to_string(&file).with_context(|| format!("{shown}"))?;
    let unreadable = || format!("{shown} cannot be read");
    let manifest: Value = match language {
        Language::JavaScript => serde_json::from_str(&text).with_context(unreadable)?,
        Language::Rust | Language::Python => toml::from_str(&text).with_context(unreadable)?,
    };
    let named = match language {
        Language::Rust => manifest.get("package"),
        Language::Python => manifest.get("project"),
        Language::JavaScript => Some(&manifest),
    };
    let word = |key: &str| {
        let word = named.and_then(|named| named.get(key)).and_then(Value::as_str);
        word.map(str::to_owned).with_context(|| format!("{shown} says no {key}"))
    };
    Ok((word("name")?, word("version")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Result<(Language, String, String), String> {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(directory.path().join(name), text).unwrap();
        }
        let found = Project::find(directory.path()).map_err(|error| format!("{error:#}"))?;
        Ok((found.language, found.name, found.version))
    }

    #[test]
    fn a_project_is_known_by_its_manifest_and_says_its_name_and_version() {
        for (file, text, language) in [
            ("Cargo.toml", "[package]\nname = \"crm\"\nversion = \"1.2.0\"", Language::Rust),
            ("package.json", r#"{"name": "crm", "version": "1.2.0"}"#, Language::JavaScript),
            ("pyproject.toml", "[project]\nname = \"crm\"\nversion = \"1.2.0\"", Language::Python),
        ] {
            let expected = (language, "crm".to_owned(), "1.2.0".to_owned());
            assert_eq!(found(&[(file, text)]), Ok(expected));
        }
    }

    #[test]
    fn what_is_no_project_is_refused_with_what_is_missing() {
        for (files, message) in [
            (&[][..], "it has none of Cargo.toml"),
            (&[("Cargo.toml", ""), ("package.json", "{}")], "more than one"),
            (&[("Cargo.toml", "[package]\nname = \"crm\"")], "says no version"),
            (&[("package.json", r#"{"name": "@a/b", "version": "1"}"#)], "cannot be a plugin's"),
            (&[("package.json", "{")], "cannot be read"),
        ] {
            let error = found(files).unwrap_err();
            assert!(error.contains(message), "{error}");
        }
    }
}
