//! What is replaced or removed leaves tables and disk, and harms nobody who is at work meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cordon_model::commit::{Change, CommitError, StoreError};
use cordon_model::page::Page;
use cordon_model::port::StateStore as _;
use cordon_model::{Revision, TenantId};
use redb::{Database, ReadableDatabase as _, ReadableTable as _, TableError};

use super::fresh;
use super::sample::{
    changes, input, policy, policy_key, put, put_files, put_request, records, request, request_id,
    success, task_id, tenant, tenant_id,
};
use super::sealing::all_files;
use crate::conformance::everything;
use crate::tables::Table;
use crate::{Options, RedbStore};

#[tokio::test]
async fn replaced_and_removed_files_leave_the_disk() {
    let (store, directory) = fresh();
    let (acme, id, task) = (tenant_id("acme"), request_id(1), task_id(1));
    let large_records = |text: &str| records(&format!(r#"[{{"t":"{}"}}]"#, text.repeat(100_000)));
    let put_records = |sets| Change::PutRecords(acme.clone(), id, task, sets);
    let blobs = || {
        let files = all_files(&directory.path().join("blobs"));
        files.len()
    };
    put(&store, [Change::PutTenant(tenant("acme")), put_request(request("acme", "a", 1), None)])
        .await;
    put(&store, [put_records(vec![large_records("a")])]).await;
    assert_eq!(blobs(), 1);
    put(&store, [put_records(vec![large_records("b")])]).await;
    assert_eq!(blobs(), 1, "the replaced one is gone");
    let refused = changes([
        put_records(vec![large_records("c")]),
        Change::DeletePolicy(acme.clone(), policy_key("absent"), Revision(1)),
    ]);
    store.commit(refused).await.unwrap_err();
    assert_eq!(blobs(), 1, "a refused commit leaves no file");
    assert_eq!(store.records(&acme, id, task).await.unwrap(), [large_records("b")]);
    put(&store, [put_records(vec![records("[]")])]).await;
    assert_eq!(blobs(), 0);

    let large = vec![7; 100_000];
    let give = |files: &[(&str, &str, &[u8])]| put_files(input("acme", 1, 1, &[]), files);
    put(&store, [give(&[("a", "a", &large), ("b", "b", &large), ("c", "c", b"small")])]).await;
    assert_eq!(blobs(), 2);
    put(&store, [give(&[("a", "a", &large)])]).await;
    assert_eq!(blobs(), 1, "of a replaced input");
    put(&store, [give(&[("a", "a", &large)]), give(&[("a", "a", b"small")])]).await;
    assert_eq!(blobs(), 0, "of an input that was replaced in its own commit");

    put(&store, [give(&[("a", "a", &large)]), put_records(vec![large_records("d")])]).await;
    let body = success("q", Some(large.into()));
    put(&store, [Change::AppendJournal(acme.clone(), id, task, vec![body])]).await;
    assert_eq!(blobs(), 3);
    put(&store, [Change::RemoveContent(acme, id)]).await;
    assert_eq!(blobs(), 0);
}

/// Rows of a closed database, by table, that name a tenant in key or value.
fn rows_that_name(database: &Database, name: &str) -> Vec<(&'static str, usize)> {
    let transaction = database.begin_read().unwrap();
    let needle = name.as_bytes();
    let names = |bytes: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
    let mut found = Vec::new();
    for table in Table::ALL {
        let rows = match transaction.open_table(table.definition()) {
            Ok(rows) => rows,
            Err(TableError::TableDoesNotExist(_)) => continue,
            Err(error) => panic!("{error}"),
        };
        let rows = rows.iter().unwrap().map(|row| row.unwrap());
        let count = rows.filter(|(key, row)| names(key.value()) || names(row.value())).count();
        if count > 0 {
            found.push((table.name(), count));
        }
    }
    found
}

fn remove(name: &str) -> Change {
    Change::DeleteTenant(tenant_id(name), Revision(1))
}

#[tokio::test]
async fn nothing_of_a_removed_tenant_is_found_under_any_table_or_on_the_disk() {
    let (store, directory) = fresh();
    for (name, n) in [("acme", 1), ("other", 2)] {
        put(&store, [Change::PutTenant(tenant(name))]).await;
        store.commit(everything(name, n)).await.unwrap();
    }
    let path = directory.path().join("cordon.redb");
    let files_of = |name: &str| {
        let folder = directory.path().join("blobs").join(name);
        if folder.exists() { all_files(&folder).len() } else { 0 }
    };
    assert_eq!((files_of("acme"), files_of("other")), (4, 4));
    store.close().unwrap();
    let database = Database::open(&path).unwrap();
    let before = rows_that_name(&database, "acme\0");
    // Of all that begin with a tenant's name, every one holds something here.
    let meta = [Table::Meta.name()];
    let expected: Vec<_> =
        Table::ALL.iter().map(|t| t.name()).filter(|t| !meta.contains(t)).collect();
    assert_eq!(before.iter().map(|(table, _)| *table).collect::<Vec<_>>(), expected);
    let of_other = rows_that_name(&database, "other\0");
    database.close().unwrap();

    let store = RedbStore::open(Options::new(directory.path())).unwrap();
    put(&store, [remove("acme")]).await;
    assert_eq!((files_of("acme"), files_of("other")), (0, 4));
    assert!(!directory.path().join("blobs/acme").exists());
    store.close().unwrap();
    let database = Database::open(&path).unwrap();
    assert!(rows_that_name(&database, "acme").is_empty());
    assert_eq!(rows_that_name(&database, "other\0"), of_other);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_races_with_the_removal_of_its_tenant_is_whole_or_refused() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options { inline_bytes_max: 16, ..Options::new(directory.path()) };
    let store = Arc::new(RedbStore::open(options).unwrap());
    let acme = || tenant_id("acme");
    put(store.as_ref(), [Change::PutTenant(tenant("acme"))]).await;
    let accepted = Arc::new(AtomicUsize::new(0));
    let writers: Vec<_> = (0..8)
        .map(|n| {
            let (store, accepted) = (Arc::clone(&store), Arc::clone(&accepted));
            tokio::spawn(async move {
                for k in 0..100 {
                    let n = n * 100 + k;
                    let sets = vec![records(&format!(r#"[{{"text":"{}"}}]"#, "x".repeat(100)))];
                    let commit = changes([
                        Change::PutPolicy(policy("acme", &format!("p{n}"), 1)),
                        put_request(request("acme", "access", n), None),
                        Change::PutRecords(acme(), request_id(n), task_id(1), sets),
                    ]);
                    match store.commit(commit).await {
                        Ok(()) => {
                            accepted.fetch_add(1, Ordering::Relaxed);
                        }
                        Err(CommitError::Absent(_)) => {}
                        Err(other) => panic!("{other}"),
                    }
                }
            })
        })
        .collect();
    let (mut removed, mut seen) = (0, 0);
    while !writers.iter().all(tokio::task::JoinHandle::is_finished) {
        // Only when there is something again that goes.
        if accepted.load(Ordering::Relaxed) < seen + 5 {
            tokio::task::yield_now().await;
            continue;
        }
        seen = accepted.load(Ordering::Relaxed);
        // Removed, and at once made again: in one commit, or with a moment in between.
        if removed % 2 == 0 {
            put(store.as_ref(), [remove("acme"), Change::PutTenant(tenant("acme"))]).await;
        } else {
            put(store.as_ref(), [remove("acme")]).await;
            put(store.as_ref(), [Change::PutTenant(tenant("acme"))]).await;
        }
        removed += 1;
        whole(&store, &acme()).await.unwrap();
    }
    for writer in writers {
        writer.await.unwrap();
    }
    assert!(removed > 1, "{removed} removed");
    let requests = whole(&store, &acme()).await.unwrap();
    let files = all_files(&directory.path().join("blobs")).len();
    assert_eq!(files, requests, "no file is left over, none is missing");
}

/// Reads everything of a tenant; what is there opens. Returns how many requests there are.
async fn whole(store: &RedbStore, tenant: &TenantId) -> Result<usize, StoreError> {
    let mut page = Page::first();
    let mut count = 0;
    store.policies(tenant, &page).await?;
    loop {
        let list = store.requests(tenant, &Default::default(), &page).await?;
        for request in &list.items {
            // Removed in between, perhaps; else whole.
            store.records(tenant, request.id, task_id(1)).await?;
            count += 1;
        }
        match list.next_cursor {
            Some(cursor) => page.cursor = Some(cursor),
            None => return Ok(count),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_comes_when_its_tenant_is_marked_counts_or_is_refused() {
    let (store, _directory) = fresh();
    let store = Arc::new(store);
    for round in 0..20 {
        let name = format!("t{round}");
        put(store.as_ref(), [Change::PutTenant(tenant(&name))]).await;
        let submitters: Vec<_> = (0..4)
            .map(|n| {
                let (store, name) = (Arc::clone(&store), name.clone());
                tokio::spawn(async move {
                    let new = put_request(request(&name, "access", n), None);
                    match store.commit(changes([new])).await {
                        Ok(()) => 1,
                        Err(CommitError::Absent(_)) => 0,
                        Err(other) => panic!("{other}"),
                    }
                })
            })
            .collect();
        let mut marked = tenant(&name);
        marked.revision = Revision(2);
        marked.removing_since = Some(marked.created_at);
        let mark = changes([Change::PutTenant(marked), Change::RequireIdle(tenant_id(&name))]);
        let is_marked = match store.commit(mark).await {
            Ok(()) => true,
            Err(CommitError::Conflict(_)) => false,
            Err(other) => panic!("{other}"),
        };
        let mut accepted = 0;
        for submitter in submitters {
            accepted += submitter.await.unwrap();
        }
        assert_eq!(is_marked, accepted == 0, "{accepted} were accepted");
        let open = store.open_requests_under(&tenant_id(&name), &policy_key("access")).await;
        assert_eq!(open.unwrap(), accepted);
    }
}
