//! Where cargo puts what it builds, found by where this test lies.

use std::path::{Path, PathBuf};

/// `<target>/<profile>`.
pub(crate) fn of_profile() -> PathBuf {
    // `<target>/<profile>/deps/it-…`
    ancestor(2)
}

/// `<target>`.
pub(crate) fn directory() -> PathBuf {
    ancestor(3)
}

fn ancestor(nth: usize) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.ancestors().nth(nth).map(Path::to_owned).unwrap()
}
