//! What the files of a project looked like: enough to see that one changed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Context as _;

/// What tools make; it changes with every build.
const MADE: [&str; 6] = ["target", "dist", "node_modules", "__pycache__", ".venv", ".git"];

/// The time and the size of every file that a person wrote.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sources(BTreeMap<PathBuf, (Option<SystemTime>, u64)>);

impl Sources {
    /// Of a directory.
    pub(super) fn of(directory: &Path) -> anyhow::Result<Self> {
        let mut files = BTreeMap::new();
        let mut directories = vec![directory.to_owned()];
        while let Some(directory) = directories.pop() {
            let entries = std::fs::read_dir(&directory);
            for entry in entries.with_context(|| format!("{}", directory.display()))? {
                let entry = entry?;
                let name = entry.file_name();
                // A file may go while it is looked at: an editor saves by renaming.
                let Ok(metadata) = entry.metadata() else { continue };
                if metadata.is_file() && name != "Cargo.lock" {
                    files.insert(entry.path(), (metadata.modified().ok(), metadata.len()));
                } else if metadata.is_dir() && !MADE.iter().any(|made| name == *made) {
                    directories.push(entry.path());
                }
            }
        }
        Ok(Self(files))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_a_source_is_seen_and_one_of_what_tools_make_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let file = directory.path().join(path);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        };
        write("src/lib.rs", "a");
        let before = Sources::of(directory.path()).unwrap();
        write("target/release/x", "made");
        write("dist/x.wasm", "made");
        assert_eq!(Sources::of(directory.path()).unwrap(), before);
        write("src/lib.rs", "a longer one");
        let after = Sources::of(directory.path()).unwrap();
        assert_ne!(after, before);
        write("src/new.rs", "");
        assert_ne!(Sources::of(directory.path()).unwrap(), after);
    }
}
