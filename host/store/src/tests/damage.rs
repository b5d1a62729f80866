//! A damaged file is reported or does no harm; it is never silently wrong, never replaced, and
//! never a panic.

use std::fs;
use std::path::Path;

use cordon_model::Records;
use cordon_model::commit::{Change, Commit, StoreError};
use cordon_model::page::Page;
use cordon_model::port::StateStore as _;
use tempfile::TempDir;

use super::fresh;
use super::sample::{
    at, changes, connection, connection_key, credentials, event, journal, kept, policy, policy_key,
    put_connection, put_request, records, request, request_id, task_id, tenant, tenant_id,
};
use crate::{Error, Options, RedbStore};

/// redb's header: magic number, flags, geometry, and the two commit slots.
const HEADER_BYTES: usize = 320;
/// The byte of redb's header that says which commit slot counts.
const FLAGS_AT: usize = 9;

/// Requests in the database, each with a policy and an event beside it.
const REQUESTS: u64 = 6;

/// A data directory with some of everything.
async fn filled() -> (RedbStore, TempDir) {
    let (store, directory) = fresh();
    let acme = tenant_id("acme");
    store.commit(changes([Change::PutTenant(tenant("acme"))])).await.unwrap();
    for n in 1..=REQUESTS {
        let (id, key) = (request_id(n), format!("c{n}"));
        let changes = vec![
            Change::PutPolicy(policy("acme", &key, i64::try_from(n).unwrap())),
            put_connection(connection("acme", &key, n)),
            Change::PutSecrets(acme.clone(), connection_key(&key), credentials(&[("a", &key)])),
            put_request(request("acme", "access", n), Some(at(i64::try_from(n).unwrap()))),
            Change::PutRecords(acme.clone(), id, task_id(1), vec![records(r#"[{"a":1}]"#)]),
            Change::AppendJournal(acme.clone(), id, task_id(1), journal()),
        ];
        let audit = vec![event(Some("acme"), "submitted").about(id)];
        store.commit(Commit { changes, audit }).await.unwrap();
    }
    (store, directory)
}

/// Reads everything. Whatever can be read must be what was written.
async fn check(store: &RedbStore) -> Result<(), StoreError> {
    let acme = tenant_id("acme");
    assert_eq!(store.tenant(&acme).await?.as_ref().map(kept), Some(kept(&tenant("acme"))));
    for n in 1..=REQUESTS {
        let (id, key) = (request_id(n), format!("c{n}"));
        let stored = store.policy(&acme, &policy_key(&key)).await?;
        assert_eq!(stored, Some(policy("acme", &key, i64::try_from(n).unwrap())));
        let stored = store.connection(&acme, &connection_key(&key)).await?;
        assert_eq!(stored, Some(connection("acme", &key, n)));
        let vault = store.vault(&acme, &connection_key(&key)).await?;
        assert_eq!(vault.unwrap()["a"].expose(), key);
        assert_eq!(store.request(&acme, id).await?, Some(request("acme", "access", n)));
        let stored = store.records(&acme, id, task_id(1)).await?;
        assert_eq!(stored.iter().map(Records::to_text).collect::<Vec<_>>(), [r#"[{"a":1}]"#]);
        assert_eq!(store.journal(&acme, id, task_id(1)).await?, journal());
        let events = store.events(&acme, id, &Page::first()).await?;
        assert_eq!(events.items.iter().map(|e| e.sequence).collect::<Vec<_>>(), [n]);
    }
    let due = store.due(at(1000), 1000).await?;
    assert_eq!(due.iter().map(|(_, ids)| ids.len() as u64).sum::<u64>(), REQUESTS);
    assert_eq!(store.open_requests_under(&acme, &policy_key("access")).await?, REQUESTS);
    Ok(())
}

/// Opens a data directory whose database is `bytes`. Returns whether the damage was noticed.
async fn try_bytes(original: &Path, bytes: &[u8], options: &Options, what: &str) -> bool {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("cordon.redb");
    fs::copy(original.join("root.key"), directory.path().join("root.key")).unwrap();
    fs::write(&path, bytes).unwrap();
    let options = Options { directory: directory.path().to_owned(), ..options.clone() };
    let store = match RedbStore::open(options) {
        Ok(store) => store,
        Err(Error::Damaged { .. }) => {
            assert!(fs::read(&path).unwrap() == bytes, "{what}: the file was changed");
            return true;
        }
        Err(other) => panic!("{what}: {other}"),
    };
    match check(&store).await {
        Ok(()) => false,
        Err(StoreError::Damaged(_)) => true,
        Err(other) => panic!("{what}: {other}"),
    }
}

/// Numbers that look random and are the same in every run.
fn scattered(count: usize, below: usize) -> impl Iterator<Item = (usize, u8)> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    std::iter::repeat_with(move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let at = usize::try_from(state >> 33).unwrap() % below;
        (at, 1 << (state >> 20 & 7))
    })
    .take(count)
}

/// Where the file holds something: flips in pages that were never used show nothing.
fn used(bytes: &[u8]) -> Vec<usize> {
    (HEADER_BYTES..bytes.len()).filter(|at| bytes[*at] != 0).collect()
}

#[tokio::test]
async fn a_flipped_bit_of_a_closed_database_is_reported_or_does_no_harm() {
    let (store, directory) = filled().await;
    store.close().unwrap();
    let clean = fs::read(directory.path().join("cordon.redb")).unwrap();
    let options = Options::new(directory.path());
    assert!(!try_bytes(directory.path(), &clean, &options, "as it was").await);
    let used = used(&clean);
    let header = (0..HEADER_BYTES).map(|at| (at, 1 << (at % 8)));
    let flags = (0..8).map(|bit| (FLAGS_AT, 1 << bit));
    let pages = scattered(120, used.len()).map(|(at, bit)| (used[at], bit));
    let mut noticed = 0;
    for (at, bit) in header.chain(flags).chain(pages) {
        let mut bytes = clean.clone();
        bytes[at] ^= bit;
        let what = format!("bit {bit:#x} at {at}");
        noticed += u32::from(try_bytes(directory.path(), &bytes, &options, &what).await);
    }
    assert!(noticed > 30, "the test damages something: {noticed}");
}

#[tokio::test]
async fn a_flipped_bit_after_a_crash_is_reported_or_does_no_harm() {
    let (store, directory) = filled().await;
    // As it lies on the disk while it is in use: what a power cut leaves.
    let crashed = fs::read(directory.path().join("cordon.redb")).unwrap();
    let options = Options::new(directory.path());
    assert!(!try_bytes(directory.path(), &crashed, &options, "as it was").await);
    let used = used(&crashed);
    let header = (0..HEADER_BYTES).step_by(5).filter(|at| *at != FLAGS_AT).map(|at| (at, 1));
    let pages = scattered(80, used.len()).map(|(at, bit)| (used[at], bit));
    for (at, bit) in header.chain(pages) {
        let mut bytes = crashed.clone();
        bytes[at] ^= bit;
        let what = format!("bit {bit:#x} at {at}");
        try_bytes(directory.path(), &bytes, &options, &what).await;
    }
    drop(store);
}

#[tokio::test]
async fn rows_of_a_large_database_that_is_not_checked_at_the_start_are_never_silently_wrong() {
    let (store, directory) = filled().await;
    store.close().unwrap();
    let clean = fs::read(directory.path().join("cordon.redb")).unwrap();
    let options = Options { check_at_start_bytes_max: 0, ..Options::new(directory.path()) };
    assert!(!try_bytes(directory.path(), &clean, &options, "as it was").await);
    // Mostly in sealed rows: no checksum of redb is asked about them any more, the seal is.
    let sealed: Vec<_> = used(&clean).into_iter().filter(|at| !clean[*at].is_ascii()).collect();
    for (at, bit) in scattered(40, sealed.len()) {
        let mut bytes = clean.clone();
        bytes[sealed[at]] ^= bit;
        let what = format!("bit {bit:#x} at {}", sealed[at]);
        try_bytes(directory.path(), &bytes, &options, &what).await;
    }
}

#[tokio::test]
async fn a_truncated_or_foreign_file_is_reported_and_stays_as_it_is() {
    let (store, directory) = filled().await;
    store.close().unwrap();
    let clean = fs::read(directory.path().join("cordon.redb")).unwrap();
    let options = Options::new(directory.path());
    for length in [0, 1, 8, 9, 63, 64, 319, 320, 4095, 4096, 8192, clean.len() / 2, clean.len() - 1]
    {
        let what = format!("{length} bytes");
        assert!(try_bytes(directory.path(), &clean[..length], &options, &what).await, "{what}");
    }
    let mut longer = clean.clone();
    longer.push(0);
    assert!(try_bytes(directory.path(), &longer, &options, "one byte more").await);
    let noise: Vec<u8> =
        scattered(100_000, 256).map(|(byte, _)| u8::try_from(byte).unwrap()).collect();
    for foreign in [&noise[..], &[0; 50_000], b"SQLite format 3\0", b"# notes\n"] {
        assert!(try_bytes(directory.path(), foreign, &options, "something else").await);
    }
    let mut headless = clean.clone();
    headless[..4096].fill(0);
    assert!(try_bytes(directory.path(), &headless, &options, "no header").await);
}

#[tokio::test]
async fn a_damaged_or_missing_sealed_file_is_reported() {
    let (store, directory) = fresh();
    let (acme, id, task) = (tenant_id("acme"), request_id(1), task_id(1));
    let large = records(&format!(r#"[{{"text":"{}"}}]"#, "x".repeat(100_000)));
    let write = changes([
        Change::PutTenant(tenant("acme")),
        put_request(request("acme", "access", 1), None),
        Change::PutRecords(acme.clone(), id, task, vec![large.clone()]),
    ]);
    store.commit(write).await.unwrap();
    let folder = directory.path().join("blobs/acme").join(id.to_string());
    let file = fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    let sealed = fs::read(&file).unwrap();
    assert_eq!(store.records(&acme, id, task).await.unwrap(), std::slice::from_ref(&large));
    let mut flipped = sealed.clone();
    flipped[5000] ^= 1;
    let longer = [sealed.as_slice(), b"x"].concat();
    for bad in [&flipped[..], &sealed[..100], b"", &longer] {
        fs::write(&file, bad).unwrap();
        let read = store.records(&acme, id, task).await;
        assert!(matches!(read, Err(StoreError::Damaged(_))), "{read:?}");
    }
    fs::remove_file(&file).unwrap();
    let read = store.records(&acme, id, task).await;
    assert!(matches!(read, Err(StoreError::Damaged(_))), "{read:?}");
    fs::write(&file, &sealed).unwrap();
    assert_eq!(store.records(&acme, id, task).await.unwrap(), [large]);
}
