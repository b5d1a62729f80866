//! Tests of the whole store: the conformance suite on redb, and what only redb on a real disk can
//! show: crashes, damage, locks, what stands in the files.

mod damage;
mod durability;
mod group_commit;
mod limits;
mod opening;
mod paths;
mod plugins;
mod removal;
pub(crate) mod sample;
mod sealing;
mod suite;

use tempfile::TempDir;

use crate::{Options, RedbStore};

/// A fresh store, and the directory it is in.
pub(crate) fn fresh() -> (RedbStore, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let store = RedbStore::open(Options::new(directory.path())).unwrap();
    (store, directory)
}
