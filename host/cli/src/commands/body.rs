//! What a command reads from a file or from standard input, and sends as it was written.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, stdin};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use cordon_model::ConnectionKey;
use serde_json::Value;

use crate::output::text;

/// Larger files are no input for the API.
const BYTES_MAX: u64 = 64 << 20;

/// A JSON file, or `-` for standard input.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct JsonFile {
    /// A JSON file; - reads standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// The same as an option, for what stands beside other arguments.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct JsonOption {
    /// A JSON file; - reads standard input
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
}

impl JsonFile {
    pub(super) fn read(&self) -> anyhow::Result<Json> {
        read_json(&self.file)
    }
}

impl JsonOption {
    pub(super) fn read(&self) -> anyhow::Result<Json> {
        read_json(&self.file)
    }
}

/// JSON as it was written, and as it was understood. The first is what is sent, so that
/// duplicate keys and large numbers are the server's to judge.
pub(super) struct Json {
    pub(super) bytes: Bytes,
    pub(super) value: Value,
}

/// An identity as an argument.
pub(super) fn identity(text: &str) -> Result<(String, String), String> {
    let (kind, value) = text.split_once('=').ok_or("write KIND=VALUE, like email=p@example.com")?;
    Ok((kind.to_owned(), value.to_owned()))
}

/// Identities as the API takes them: the values of each kind.
pub(super) fn by_kind(identities: Vec<(String, String)>) -> BTreeMap<String, Vec<String>> {
    let mut kinds: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (kind, value) in identities {
        kinds.entry(kind).or_default().push(value);
    }
    kinds
}

/// Reads a JSON file; `-` is standard input.
pub(super) fn read_json(file: &Path) -> anyhow::Result<Json> {
    let bytes = read(file)?;
    let value =
        serde_json::from_slice(&bytes).with_context(|| format!("{} is no JSON", shown(file)))?;
    Ok(Json { bytes, value })
}

/// Reads a file; `-` is standard input.
pub(super) fn read(file: &Path) -> anyhow::Result<Bytes> {
    let mut bytes = Vec::new();
    let unreadable = || format!("{} cannot be read", shown(file));
    if file == Path::new("-") {
        stdin().lock().take(BYTES_MAX + 1).read_to_end(&mut bytes).with_context(unreadable)?;
    } else {
        let file = File::open(file).with_context(unreadable)?;
        file.take(BYTES_MAX + 1).read_to_end(&mut bytes).with_context(unreadable)?;
    }
    ensure!(bytes.len() as u64 <= BYTES_MAX, "{} has more than {BYTES_MAX} bytes", shown(file));
    Ok(bytes.into())
}

impl Json {
    /// The key of an object that is applied: its `key`, else the one that its `name` makes.
    pub(super) fn key(&self) -> anyhow::Result<String> {
        if let Some(key) = text(&self.value, "key") {
            return segment(&key).map_err(anyhow::Error::msg);
        }
        let name = text(&self.value, "name").context("the object has neither a key nor a name")?;
        // Every kind of key is made of a name in the same way.
        let key = ConnectionKey::from_name(&name)
            .context("no key can be made of the name; give the object a key")?;
        Ok(key.as_str().to_owned())
    }
}

/// What may stand in a path as one segment.
pub(super) fn segment(text: &str) -> Result<String, String> {
    match text {
        "" | "." | ".." => Err("cannot name anything".to_owned()),
        _ => Ok(text.to_owned()),
    }
}

fn shown(file: &Path) -> String {
    if file == Path::new("-") { "standard input".to_owned() } else { file.display().to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn key(value: Value) -> anyhow::Result<String> {
        Json { bytes: Bytes::new(), value }.key()
    }

    #[test]
    fn an_applied_object_is_found_by_its_key_else_by_its_name() {
        assert_eq!(key(json!({"key": "crm", "name": "User Service"})).unwrap(), "crm");
        assert_eq!(key(json!({"name": "User Service"})).unwrap(), "user-service");
        assert!(key(json!({"name": "–"})).is_err());
        assert!(key(json!({"key": ".."})).is_err());
        assert!(key(json!({})).is_err());
    }

    #[test]
    fn what_is_no_json_is_told_by_its_place_and_never_by_its_content() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "{\"phone\": 555-hidden}").unwrap();
        let error = format!("{:#}", read_json(file.path()).err().unwrap());
        assert!(error.contains("line 1 column 14"), "{error}");
        assert!(!error.contains("hidden"), "{error}");
    }
}
