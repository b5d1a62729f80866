//! Opening, closing, opening again.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use cordon_model::commit::{Change, Commit, CommitError, StoreError};
use cordon_model::page::Page;
use cordon_model::port::StateStore as _;
use redb::{ReadableDatabase as _, ReadableTableMetadata as _, TableHandle as _};

use super::fresh;
use super::sample::{
    at, connection, credentials, event, input, journal, kept, policy, policy_key, put,
    put_connection, put_input, put_request, records, request, request_id, task_id, tenant,
    tenant_id,
};
use crate::tables::Table;
use crate::{Error, Options, RedbStore};

fn reopen(directory: &Path) -> Result<RedbStore, Error> {
    RedbStore::open(Options::new(directory))
}

#[test]
fn a_fresh_store_holds_nothing_but_its_meta_rows_and_belongs_to_its_owner_alone() {
    let (store, directory) = fresh();
    store.close().unwrap();
    let mode = |name: &str| {
        let metadata = fs::metadata(directory.path().join(name)).unwrap();
        metadata.permissions().mode() & 0o777
    };
    assert_eq!((mode("cordon.redb"), mode("root.key"), mode("blobs")), (0o600, 0o600, 0o700));
    let mut names: Vec<_> = fs::read_dir(directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["blobs", "cordon.redb", "root.key"], "nothing is left over");

    let database = redb::Database::open(directory.path().join("cordon.redb")).unwrap();
    let transaction = database.begin_read().unwrap();
    let tables: Vec<_> = transaction.list_tables().unwrap().collect();
    assert_eq!(tables.iter().map(|t| t.name()).collect::<Vec<_>>(), ["meta"]);
    let meta = transaction.open_table(Table::Meta.definition()).unwrap();
    assert_eq!(meta.len().unwrap(), 3);
}

#[test]
fn a_missing_data_directory_is_made_for_its_owner_alone() {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("var/lib/cordon");
    drop(reopen(&directory).unwrap());
    assert_eq!(fs::metadata(&directory).unwrap().permissions().mode() & 0o777, 0o700);
}

#[tokio::test]
async fn everything_is_there_after_reopening() {
    let (store, directory) = fresh();
    let (acme, id, task) = (tenant_id("acme"), request_id(1), task_id(1));
    let users = connection("acme", "users", 1);
    let large = records(&format!(r#"[{{"text":"{}"}}]"#, "x".repeat(100_000)));
    let changes = vec![
        Change::PutTenant(tenant("acme")),
        put_connection(users.clone()),
        Change::PutSecrets(acme.clone(), users.key.clone(), credentials(&[("a", "b")])),
        Change::PutPolicy(policy("acme", "access", 1)),
        put_request(request("acme", "access", 1), Some(at(5))),
        put_input(input("acme", 1, 1, &[("a", "b")])),
        Change::PutRecords(acme.clone(), id, task, vec![large.clone()]),
        Change::AppendJournal(acme.clone(), id, task, journal()),
    ];
    let audit = vec![event(Some("acme"), "submitted").about(id)];
    store.commit(Commit { changes, audit }).await.unwrap();
    store.close().unwrap();
    for _ in 0..2 {
        // Closed by being dropped the first time.
        let store = reopen(directory.path()).unwrap();
        let stored = store.tenant(&acme).await.unwrap();
        assert_eq!(stored.as_ref().map(kept), Some(kept(&tenant("acme"))));
        assert_eq!(store.connection(&acme, &users.key).await.unwrap(), Some(users.clone()));
        assert_eq!(store.vault(&acme, &users.key).await.unwrap().unwrap()["a"].expose(), "b");
        let access = store.policy(&acme, &policy_key("access")).await.unwrap();
        assert_eq!(access, Some(policy("acme", "access", 1)));
        let stored = store.request(&acme, id).await.unwrap();
        assert_eq!(stored, Some(request("acme", "access", 1)));
        assert_eq!(store.inputs(&acme, id).await.unwrap().len(), 1);
        assert_eq!(store.records(&acme, id, task).await.unwrap(), std::slice::from_ref(&large));
        assert_eq!(store.journal(&acme, id, task).await.unwrap(), journal());
        assert_eq!(store.due(at(5), 9).await.unwrap(), [(acme.clone(), vec![id])]);
        let events = store.events(&acme, id, &Page::first()).await.unwrap();
        assert_eq!(events.items.len(), 1);
    }
}

#[tokio::test]
async fn a_closed_store_refuses_everything_and_can_be_closed_again() {
    let (store, _directory) = fresh();
    put(&store, [Change::PutTenant(tenant("acme"))]).await;
    store.close().unwrap();
    store.close().unwrap();
    let read = store.tenant(&tenant_id("acme")).await;
    assert!(matches!(read, Err(StoreError::Unavailable(_))));
    let written = store.commit(Commit::default()).await;
    assert!(matches!(written, Err(CommitError::Store(StoreError::Unavailable(_)))));
}

#[test]
fn a_store_that_is_open_elsewhere_is_locked() {
    let (store, directory) = fresh();
    let second = reopen(directory.path());
    assert!(matches!(second, Err(Error::Locked(_))), "{second:?}");
    drop(store);
    reopen(directory.path()).unwrap();
}

#[test]
fn a_root_key_is_never_made_in_place_of_a_missing_one() {
    let (store, directory) = fresh();
    store.close().unwrap();
    let key = directory.path().join("root.key");
    let kept = fs::read(&key).unwrap();
    fs::remove_file(&key).unwrap();
    let opened = reopen(directory.path());
    assert!(matches!(opened, Err(Error::RootKeyMissing(_))), "{opened:?}");
    assert!(!key.exists());
    put_key(&key, &kept, 0o600);
    reopen(directory.path()).unwrap();
}

#[test]
fn a_root_key_must_be_a_key_and_nobody_elses_to_read() {
    let (store, directory) = fresh();
    store.close().unwrap();
    let key = directory.path().join("root.key");
    let kept = fs::read(&key).unwrap();
    for bad in [&b""[..], b"short", &[b'g'; 64], &[0; 33], &[b'a'; 63], &[0; 5000]] {
        put_key(&key, bad, 0o600);
        let opened = reopen(directory.path());
        assert!(matches!(opened, Err(Error::RootKeyInvalid(_))), "{opened:?}");
    }
    for mode in [0o640, 0o604, 0o660, 0o610, 0o644] {
        put_key(&key, &kept, mode);
        let opened = reopen(directory.path());
        assert!(matches!(opened, Err(Error::RootKeyExposed { .. })), "{opened:?}");
    }
    let database = fs::read(directory.path().join("cordon.redb")).unwrap();
    put_key(&key, &[7; 32], 0o600);
    let opened = reopen(directory.path());
    assert!(matches!(opened, Err(Error::OtherRootKey(_))), "{opened:?}");
    let after = fs::read(directory.path().join("cordon.redb")).unwrap();
    assert!(database == after, "the database was not touched");

    // The same key, written in other ways.
    let digits = String::from_utf8(kept).unwrap();
    put_key(&key, &hex::decode(digits.trim()).unwrap(), 0o600);
    drop(reopen(directory.path()).unwrap());
    put_key(&key, format!("{}\r\n", digits.trim().to_uppercase()).as_bytes(), 0o400);
    drop(reopen(directory.path()).unwrap());
}

fn put_key(path: &Path, bytes: &[u8], mode: u32) {
    fs::write(path, bytes).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn an_operators_own_root_key_is_used_for_a_fresh_store() {
    let directory = tempfile::tempdir().unwrap();
    let key = directory.path().join("root.key");
    put_key(&key, &[42; 32], 0o600);
    drop(reopen(directory.path()).unwrap());
    assert_eq!(fs::read(&key).unwrap(), [42; 32]);
}

#[test]
fn a_newer_format_is_named_and_left_alone() {
    let (store, directory) = fresh();
    store.close().unwrap();
    let path = directory.path().join("cordon.redb");
    let database = redb::Database::open(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    let mut meta = transaction.open_table(Table::Meta.definition()).unwrap();
    meta.insert(b"format".as_slice(), 2u32.to_be_bytes().as_slice()).unwrap();
    drop(meta);
    transaction.commit().unwrap();
    database.close().unwrap();
    let before = fs::read(&path).unwrap();
    let opened = reopen(directory.path());
    assert!(matches!(opened, Err(Error::UnknownFormat { found: 2, known: 1, .. })), "{opened:?}");
    assert!(before == fs::read(&path).unwrap());
}

#[test]
fn a_database_of_something_else_is_damaged_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    put_key(&directory.path().join("root.key"), &[42; 32], 0o600);
    let path = directory.path().join("cordon.redb");
    redb::Database::create(&path).unwrap().close().unwrap();
    let before = fs::read(&path).unwrap();
    let opened = reopen(directory.path());
    assert!(matches!(opened, Err(Error::Damaged { .. })), "{opened:?}");
    assert!(before == fs::read(&path).unwrap());
}

#[test]
fn what_the_operating_system_says_becomes_an_error_of_its_own() {
    let path = Path::new("/data/cordon.redb");
    let of = |kind: io::ErrorKind| Error::io(path, kind.into());
    assert!(matches!(of(io::ErrorKind::PermissionDenied), Error::NoPermission(_)));
    assert!(matches!(of(io::ErrorKind::ReadOnlyFilesystem), Error::NoPermission(_)));
    assert!(matches!(of(io::ErrorKind::StorageFull), Error::DiskFull(_)));
    assert!(matches!(of(io::ErrorKind::QuotaExceeded), Error::DiskFull(_)));
    assert!(matches!(of(io::ErrorKind::UnexpectedEof), Error::Damaged { .. }));
    assert!(matches!(of(io::ErrorKind::Interrupted), Error::Io { .. }));
    for error in [of(io::ErrorKind::PermissionDenied), of(io::ErrorKind::StorageFull)] {
        assert_eq!(error.to_string().lines().count(), 1);
    }
    let full = redb::StorageError::Io(io::ErrorKind::StorageFull.into());
    assert_eq!(crate::error::failed(full).to_string(), "the store is not available: disk full");
}

#[test]
fn a_file_where_a_directory_should_be_is_reported() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    fs::write(&path, b"x").unwrap();
    let opened = reopen(&path);
    assert!(matches!(opened, Err(Error::Io { .. })), "{opened:?}");
}
