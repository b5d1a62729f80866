//! Saves a package to a file.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::Context as _;

use crate::output::View;

/// Writes the zip to a new file that only its owner can read: it is all about one person.
pub(super) fn save(file: &Path, zip: &[u8]) -> anyhow::Result<View> {
    let unwritable = || format!("{} cannot be written", file.display());
    let mut open = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .with_context(unwritable)?;
    open.write_all(zip).and_then(|()| open.sync_all()).with_context(unwritable)?;
    Ok(View::line(format!("{} ({} bytes)", file.display(), zip.len())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_package_is_readable_by_its_owner_alone_and_never_written_over_a_file() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("package.zip");
        save(&file, b"zip").unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert!(save(&file, b"other").is_err());
        assert_eq!(std::fs::read(&file).unwrap(), b"zip");
    }
}
