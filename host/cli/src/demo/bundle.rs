//! Opens a package as its reader would.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Cursor, Read as _};

use anyhow::Context as _;
use bytes::Bytes;

/// The files of a package, by path.
pub(super) struct Bundle {
    files: BTreeMap<String, String>,
}

/// Unzips a package.
pub(super) fn read(zip: Bytes) -> anyhow::Result<Bundle> {
    let mut archive = zip::ZipArchive::new(Cursor::new(zip)).context("the package is no zip")?;
    let mut files = BTreeMap::new();
    for index in 0..archive.len() {
        let mut file = archive.by_index(index)?;
        let name = file.name()?.into_owned();
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        files.insert(name, text);
    }
    Ok(Bundle { files })
}

impl Bundle {
    /// A file's text.
    pub(super) fn file(&self, path: &str) -> anyhow::Result<&str> {
        let text = self.files.get(path);
        Ok(text.with_context(|| format!("the package has no {path}"))?)
    }

    /// The tree of the files, with their sizes.
    pub(super) fn tree(&self) -> String {
        let mut tree = String::from("package.zip\n");
        let mut folder = "";
        for (path, text) in &self.files {
            let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
            if parent != folder {
                // Writing to a `String` cannot fail.
                let _ = writeln!(tree, "  {parent}/");
                folder = parent;
            }
            let indent = if parent.is_empty() { "  " } else { "    " };
            let _ = writeln!(tree, "{indent}{name}  {} bytes", text.len());
        }
        tree
    }
}
