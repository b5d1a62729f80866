//! Opening the data directory: lock, check, keys. Or making it, when there is none.
//!
//! A database is made under another name, finished, and only then given its own; so a
//! `cordon.redb` that is empty or cut short is always a damaged one and never a fresh one.

mod careful;

use std::fs::OpenOptions;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use cordon_model::Timestamp;
use redb::backends::FileBackend;
use redb::{Builder, Database, ReadableDatabase as _};

use crate::error::Error;
use crate::files;
use crate::options::Options;
use crate::seal::{SealKey, root_key};
use crate::snapshot::Snapshot;
use crate::tables::Table;
use careful::Careful;

/// The version of tables, keys, heads and seals.
const FORMAT: u32 = 1;
const META_FORMAT: &[u8] = b"format";
const META_KEY_CHECK: &[u8] = b"key_check";
const META_CREATED: &[u8] = b"created";

/// What opening gives.
pub(crate) struct Opened {
    pub(crate) database: Database,
    pub(crate) root: SealKey,
    pub(crate) blobs: PathBuf,
}

/// Opens the data directory, or makes it.
pub(crate) fn open(options: &Options) -> Result<Opened, Error> {
    let directory = &options.directory;
    let (database, root, blobs) =
        (directory.join("cordon.redb"), directory.join("root.key"), directory.join("blobs"));
    for directory in [directory, &blobs] {
        files::make_directory(directory).map_err(|error| Error::io(directory, error))?;
    }
    let exists = |path: &Path| path.try_exists().map_err(|error| Error::io(path, error));
    if !exists(&database)? {
        if !exists(&root)? {
            root_key::make(&root)?;
        }
        make_database(options, &database, &root_key::read(&root)?)?;
    }
    let root = root_key::read(&root)?;
    let database = open_database(options, &database, &root)?;
    Ok(Opened { database, root, blobs })
}

/// redb reports most damage and panics over some; here both are the same answer.
fn open_database(options: &Options, path: &Path, root: &SealKey) -> Result<Database, Error> {
    let opening = AssertUnwindSafe(|| open_checked(options, path, root));
    catch_unwind(opening).unwrap_or_else(|_| {
        Err(Error::Damaged { path: path.to_owned(), detail: "the database gave up".to_owned() })
    })
}

fn open_checked(options: &Options, path: &Path, root: &SealKey) -> Result<Database, Error> {
    let io = |error: io::Error| Error::io(path, error);
    let file = OpenOptions::new().read(true).write(true).open(path).map_err(io)?;
    let length = file.metadata().map_err(io)?.len();
    if length == 0 {
        return Err(Error::Damaged { path: path.to_owned(), detail: "it is empty".to_owned() });
    }
    let backend = FileBackend::new(file).map_err(|error| Error::redb(path, error.into()))?;
    let careful = Careful::new(backend);
    // After a crash redb checks the whole file by itself. After a clean stop it would trust it,
    // and a page that was altered since would be read as it is.
    let check = length <= options.check_at_start_bytes_max;
    let database = builder(options)
        .set_check_integrity_on_open(check)
        .create_with_backend(careful.clone())
        .map_err(|error| Error::redb(path, error.into()))?;
    check_meta(&database, path, root)?;
    careful.release().map_err(io)?;
    Ok(database)
}

fn builder(options: &Options) -> Builder {
    let mut builder = Database::builder();
    builder.set_cache_size(options.cache_bytes);
    builder
}

fn check_meta(database: &Database, path: &Path, root: &SealKey) -> Result<(), Error> {
    let damaged =
        |detail: &str| Error::Damaged { path: path.to_owned(), detail: detail.to_owned() };
    let transaction = database.begin_read().map_err(|error| Error::redb(path, error.into()))?;
    let snapshot = Snapshot::new(transaction);
    let get = |key: &[u8]| -> Result<Vec<u8>, Error> {
        let row = snapshot.get(Table::Meta, key).map_err(|error| damaged(&error.to_string()))?;
        row.map(|row| row.value().to_vec()).ok_or_else(|| damaged("it is no database of Cordon"))
    };
    let format = get(META_FORMAT)?.try_into().map_err(|_| damaged("its format version"))?;
    let found = u32::from_be_bytes(format);
    if found != FORMAT {
        return Err(Error::UnknownFormat { path: path.to_owned(), found, known: FORMAT });
    }
    if get(META_KEY_CHECK)? != key_check(root) {
        return Err(Error::OtherRootKey(path.to_owned()));
    }
    Ok(())
}

/// Tells root keys apart and says nothing about them.
fn key_check(root: &SealKey) -> [u8; 32] {
    root.derive("cordon key check v1").into_public()
}

fn make_database(options: &Options, path: &Path, root: &SealKey) -> Result<(), Error> {
    let io = |error: io::Error| Error::io(path, error);
    let beside = files::name_beside(path).map_err(io)?;
    let file = files::new_file(&beside).map_err(io)?;
    // The file system's word for now: the store has no clock of its own.
    let created = file.metadata().and_then(|metadata| metadata.modified()).map_err(io)?;
    let created = Timestamp::try_from(created).unwrap_or(Timestamp::UNIX_EPOCH);
    let write = || -> Result<(), redb::Error> {
        let backend = FileBackend::new(file)?;
        let database = builder(options).create_with_backend(backend)?;
        let transaction = database.begin_write()?;
        {
            let mut meta = transaction.open_table(Table::Meta.definition())?;
            meta.insert(META_FORMAT, FORMAT.to_be_bytes().as_slice())?;
            meta.insert(META_KEY_CHECK, key_check(root).as_slice())?;
            meta.insert(META_CREATED, created.to_string().as_bytes())?;
        }
        transaction.commit()?;
        database.close()?;
        Ok(())
    };
    write().map_err(|error| {
        // What is half made helps nobody, least of all on a disk that is full.
        let _ = std::fs::remove_file(&beside);
        Error::redb(path, error)
    })?;
    files::publish(&beside, path).map_err(io)
}
