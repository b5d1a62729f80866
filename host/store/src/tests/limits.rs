//! Every limit of `Options` is kept.

use std::collections::BTreeSet;
use std::sync::Arc;

use cordon_model::commit::{Change, RequestFilter};
use cordon_model::page::Page;
use cordon_model::port::StateStore as _;
use cordon_model::request::{RequestState, Status};
use redb::{ReadableDatabase as _, ReadableTableMetadata as _};

use super::sample::{
    at, next, put, put_request, records, replay, request, request_id, task_id, tenant, tenant_id,
};
use crate::tables::Table;
use crate::{Options, RedbStore};

#[tokio::test]
async fn a_page_looks_at_no_more_rows_than_it_may_and_the_list_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options { list_scan_max: 10, ..Options::new(directory.path()) };
    let store = RedbStore::open(options).unwrap();
    put(&store, [Change::PutTenant(tenant("acme"))]).await;
    for n in 0..35 {
        let created = request("acme", "access", n);
        put(&store, [put_request(created.clone(), None)]).await;
        if n < 2 {
            put(&store, [put_request(next(created, RequestState::Canceled), None)]).await;
        }
    }
    let filter =
        RequestFilter { statuses: BTreeSet::from([Status::Canceled]), ..RequestFilter::default() };
    let mut page = Page { limit: 5, cursor: None };
    let mut found = Vec::new();
    loop {
        let list = store.requests(&tenant_id("acme"), &filter, &page).await.unwrap();
        found.push(list.items.len());
        match list.next_cursor {
            Some(cursor) => page.cursor = Some(cursor),
            None => break,
        }
    }
    assert_eq!(found, [0, 0, 0, 2]);
}

#[tokio::test]
async fn more_tenants_than_keys_that_are_kept_work_as_well() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options { tenant_keys_cached_max: 2, ..Options::new(directory.path()) };
    let store = RedbStore::open(options).unwrap();
    let names = ["a", "b", "c", "d", "e"];
    put(&store, names.map(|name| Change::PutTenant(tenant(name)))).await;
    for _ in 0..2 {
        for (name, n) in names.into_iter().zip(1..) {
            let id = request_id(n);
            if store.request(&tenant_id(name), id).await.unwrap().is_none() {
                put(&store, [put_request(request(name, "access", n), None)]).await;
            }
            let stored = store.request(&tenant_id(name), id).await.unwrap();
            assert_eq!(stored, Some(request(name, "access", n)));
        }
    }
}

#[tokio::test]
async fn forgotten_answers_leave_the_database_a_few_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options { forget_max: 4, ..Options::new(directory.path()) };
    let store = RedbStore::open(options).unwrap();
    put(&store, [Change::PutTenant(tenant("acme"))]).await;
    let keys: Vec<String> = (0..10).map(|n| format!("key {n}")).collect();
    put(&store, keys.iter().map(|key| Change::PutReplay(replay(Some("acme"), key, None)))).await;
    let acme = tenant_id("acme");
    // Asks for the last one, and is told the truth although nine stand before it.
    let last = store.replay(Some(&acme), "POST /v1/privacy-requests", "key 9", at(2000)).await;
    assert_eq!(last.unwrap(), None);
    store.close().unwrap();
    let left = || {
        let database = redb::Database::open(directory.path().join("cordon.redb")).unwrap();
        let transaction = database.begin_read().unwrap();
        [Table::Replays, Table::ReplaysByExpiry]
            .map(|table| transaction.open_table(table.definition()).unwrap().len().unwrap())
    };
    let [rows, entries] = left();
    assert_eq!(rows, entries);
    assert!((5..=6).contains(&rows), "four, and the one that was asked for: {rows} are left");

    let store = RedbStore::open(Options::new(directory.path())).unwrap();
    // Another key: nobody waits, but the rest goes.
    let other = store.replay(Some(&acme), "POST /v1/privacy-requests", "x", at(2000)).await;
    assert_eq!(other.unwrap(), None);
    store.close().unwrap();
    assert_eq!(left(), [0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_are_replaced_while_they_are_read_are_read_whole() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options { inline_bytes_max: 16, ..Options::new(directory.path()) };
    let store = Arc::new(RedbStore::open(options).unwrap());
    let (acme, id, task) = (tenant_id("acme"), request_id(1), task_id(1));
    let sets = |n: u32| vec![records(&format!(r#"[{{"n":{n}}},{{"n":{n}}}]"#))];
    let put_records = |n| Change::PutRecords(tenant_id("acme"), id, task, sets(n));
    let created = [
        Change::PutTenant(tenant("acme")),
        put_request(request("acme", "access", 1), None),
        put_records(0),
    ];
    put(store.as_ref(), created).await;
    let reader = {
        let (store, acme) = (Arc::clone(&store), acme.clone());
        tokio::spawn(async move {
            for _ in 0..200 {
                let read = store.records(&acme, id, task).await.unwrap();
                assert_eq!(read[0].objects()[0], read[0].objects()[1]);
            }
        })
    };
    for n in 1..100 {
        put(store.as_ref(), [put_records(n)]).await;
    }
    reader.await.unwrap();
    assert_eq!(store.records(&acme, id, task).await.unwrap(), sets(99));
}
