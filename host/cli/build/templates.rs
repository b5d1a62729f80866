//! Embeds what `cordon plugin new` writes: the templates, the SDK and the contract, as they are in
//! the checkout that the program is built from. Nothing is listed file by file but the directories.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use toml::{Table, Value};

/// The directories that are embedded, seen from the workspace. Watched for changes.
pub(crate) const SOURCES: [&str; 3] =
    ["host/cli/templates", "plugins/examples/paginated/js", "plugins/examples/paginated/python"];

/// Ends the name of a template that would mean something where it lies.
const INERT: &str = ".in";

/// The name of the examples' connector, and what `cordon plugin new` puts in its place.
const MARKED: [(&str, &str); 7] = [
    ("'contacts'", "'@TYPE@'"),
    ("\"contacts\"", "\"@TYPE@\""),
    ("'Contacts'", "'@TITLE@'"),
    ("\"Contacts\"", "\"@TITLE@\""),
    ("`contacts`; ../README.md says what it does.", "`@TYPE@`: a made-up API in pages."),
    ("/../wit", "/wit"),
    ("../../../../wit", "wit"),
];

/// Where the SDK finds the contract in the workspace, and in a project.
const CONTRACT: (&str, &str) = ("\"../../wit\"", "\"wit\"");

/// The files of a project: path and content.
type Files = Vec<(String, String)>;

/// Writes the Rust source that `commands/plugin/new` includes.
///
/// # Errors
/// When a directory cannot be read, or a manifest says something that cannot be resolved.
pub(crate) fn write(workspace: &Path, out: &Path) -> Result<()> {
    let templates = workspace.join("host/cli/templates");
    let examples = workspace.join("plugins/examples/paginated");
    let wit = files(&workspace.join("wit"), "wit/")?;
    let shared = files(&templates.join("shared"), "")?;
    let own = |language: &str| -> Result<Files> {
        let mut all = files(&templates.join(language), "")?;
        all.extend(shared.iter().cloned());
        Ok(all)
    };
    let mut rust = own("rust")?;
    rust.extend(sdk(workspace)?);
    let mut javascript = own("javascript")?;
    javascript.extend(example(&examples.join("js"), &["package.json", "README.md"])?);
    javascript.extend(wit.iter().cloned());
    let mut python = own("python")?;
    python.extend(example(&examples.join("python"), &["README.md"])?);
    python.extend(wit);
    let mut source = String::new();
    for (name, files) in [("RUST", rust), ("JAVASCRIPT", javascript), ("PYTHON", python)] {
        writeln!(source, "pub(super) static {name}: &[(&str, &str)] = &[")?;
        for (path, text) in files {
            writeln!(source, "    ({path:?}, {text:?}),")?;
        }
        writeln!(source, "];")?;
    }
    std::fs::write(out.join("templates.rs"), source).context("writing templates.rs")
}

/// An example, marked where a project has names of its own. `but`: files that it does without.
fn example(directory: &Path, but: &[&str]) -> Result<Files> {
    let mut all = files(directory, "")?;
    all.retain(|(path, _)| !but.contains(&path.as_str()));
    ensure!(!all.is_empty(), "{} is empty", directory.display());
    for (path, text) in &mut all {
        if path.ends_with("package-lock.json") {
            *text = text.replace("\"contacts\"", "\"@NAME@\"");
        }
        for (from, to) in MARKED {
            *text = text.replace(from, to);
        }
    }
    Ok(all)
}

/// The SDK as a crate that stands alone.
fn sdk(workspace: &Path) -> Result<Files> {
    let directory = workspace.join("plugins/sdk");
    let mut all = files(&directory.join("src"), "sdk/src/")?;
    let mut found = 0;
    for (_, text) in &mut all {
        found += text.matches(CONTRACT.0).count();
        *text = text.replace(CONTRACT.0, CONTRACT.1);
    }
    ensure!(found == 1, "the SDK names {} in {found} places, not in one", CONTRACT.0);
    all.extend(files(&workspace.join("wit"), "sdk/wit/")?);
    let read = |path: PathBuf| -> Result<Table> {
        let text = std::fs::read_to_string(&path);
        let text = text.with_context(|| format!("reading {}", path.display()))?;
        text.parse().with_context(|| format!("reading {}", path.display()))
    };
    let root = read(workspace.join("Cargo.toml"))?;
    let manifest = standing_alone(read(directory.join("Cargo.toml"))?, &root)?;
    all.push(("sdk/Cargo.toml".to_owned(), toml::to_string(&manifest)?));
    Ok(all)
}

/// A manifest with everything that it inherits written out.
fn standing_alone(manifest: Table, root: &Table) -> Result<Table> {
    let of_workspace = |name: &str| {
        let found = root.get("workspace").and_then(|workspace| workspace.get(name));
        found.with_context(|| format!("the workspace has no {name}"))
    };
    let mut alone = Table::new();
    for (section, value) in manifest {
        let value = match (section.as_str(), value) {
            ("package", Value::Table(package)) => {
                let inherited = of_workspace("package")?;
                let keys = package.into_iter().map(|(key, value)| {
                    Ok((
                        key.clone(),
                        inherits(&value).map_or(Ok(value.clone()), |_| own(inherited, &key))?,
                    ))
                });
                Value::Table(keys.collect::<Result<_>>()?)
            }
            ("lints", value) if inherits(&value).is_some() => of_workspace("lints")?.clone(),
            (section, Value::Table(dependencies)) if section.ends_with("dependencies") => {
                let inherited = of_workspace("dependencies")?;
                let all = dependencies.into_iter().map(|(name, value)| {
                    let value = dependency(&name, value, inherited)?;
                    Ok((name, value))
                });
                Value::Table(all.collect::<Result<_>>()?)
            }
            (_, value) => value,
        };
        alone.insert(section, value);
    }
    Ok(alone)
}

/// What stands beside `workspace = true`.
fn inherits(value: &Value) -> Option<&Table> {
    let table = value.as_table()?;
    (table.get("workspace") == Some(&Value::Boolean(true))).then_some(table)
}

fn own(inherited: &Value, key: &str) -> Result<Value> {
    inherited.get(key).cloned().with_context(|| format!("the workspace says nothing of {key}"))
}

fn dependency(name: &str, value: Value, inherited: &Value) -> Result<Value> {
    let Some(own_words) = inherits(&value) else { return Ok(value) };
    let mut table = match own(inherited, name)? {
        Value::Table(table) => table,
        version => Table::from_iter([("version".to_owned(), version)]),
    };
    ensure!(!table.contains_key("path"), "the SDK depends on {name}, which is no library");
    for (key, value) in own_words.iter().filter(|(key, _)| *key != "workspace") {
        match (table.get_mut(key), value) {
            (Some(Value::Array(known)), Value::Array(more)) => known.extend(more.iter().cloned()),
            _ => {
                table.insert(key.clone(), value.clone());
            }
        }
    }
    Ok(Value::Table(table))
}

/// Every file below a directory, by name; `within` goes before their paths.
fn files(directory: &Path, within: &str) -> Result<Files> {
    let unreadable = || format!("reading {}", directory.display());
    let mut found = Files::new();
    for entry in std::fs::read_dir(directory).with_context(unreadable)? {
        let entry = entry.with_context(unreadable)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{within}{name}");
        if entry.file_type().with_context(unreadable)?.is_dir() {
            // What tools leave behind.
            if !matches!(name.as_str(), "node_modules" | "__pycache__" | "target" | "dist") {
                found.extend(files(&entry.path(), &format!("{path}/"))?);
            }
            continue;
        }
        let text = std::fs::read_to_string(entry.path()).with_context(unreadable)?;
        let path = match path.strip_suffix(INERT) {
            Some("gitignore") => ".gitignore".to_owned(),
            Some(path) => path.to_owned(),
            None => path,
        };
        found.push((path, text));
    }
    found.sort();
    Ok(found)
}
