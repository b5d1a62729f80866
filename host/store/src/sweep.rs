//! Removes, at the start, sealed components that no row names: of a plugin whose removal was
//! durable when the process was killed, and of one that was never committed.
//!
//! Nothing else writes yet, so what is not named now is never going to be. It only frees space: a
//! file that cannot be removed is told of and harms nothing. Called when the store is opened.

use std::collections::BTreeSet;
use std::fs;
use std::ops::Bound;
use std::path::{Path, PathBuf};

use cordon_model::commit::StoreError;

use crate::blob::{self, Blobs};
use crate::row::{self, FiledHead};
use crate::shared::Shared;
use crate::snapshot::{Order, Scan, Snapshot};
use crate::tables::Table;

/// Sweeps the folders of plugins of every scope. When it cannot be said what is named, everything
/// stays.
pub(crate) fn components(shared: &Shared) {
    let swept = shared.snapshot().and_then(|snapshot| sweep(&snapshot, &shared.blobs));
    match swept {
        Ok(0) => {}
        Ok(files) => tracing::info!(files, "components that no plugin names were removed"),
        Err(error) => tracing::warn!(%error, "components that no plugin names stay"),
    }
}

fn sweep(snapshot: &Snapshot, blobs: &Blobs) -> Result<usize, StoreError> {
    let named = named(snapshot)?;
    let unnamed = files(&blobs.plugin_folders()).into_iter().filter(|path| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_none_or(|name| !named.contains(name))
    });
    let unnamed: Vec<PathBuf> = unnamed.collect();
    unnamed.iter().for_each(|path| blob::remove(path));
    Ok(unnamed.len())
}

/// The names of all components. No two files have the same: each is sealed with a nonce of its own.
fn named(snapshot: &Snapshot) -> Result<BTreeSet<String>, StoreError> {
    let table = Table::PluginFiles;
    let mut named = BTreeSet::new();
    snapshot.scan(table, &[], Bound::Unbounded, Order::Ascending, |_, row| {
        let FiledHead { file } = row::head(table, row)?;
        named.extend(file.map(|file| file.sha256));
        Ok(Scan::GoOn)
    })?;
    Ok(named)
}

fn files(folders: &[PathBuf]) -> Vec<PathBuf> {
    let entries = |folder: &PathBuf| fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = folders.iter().flat_map(entries).map(|entry| entry.path());
    paths.filter(|path| is_file(path)).collect()
}

fn is_file(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|metadata| metadata.is_file())
}
