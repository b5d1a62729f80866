//! Many commits at a time.

use std::sync::Arc;

use cordon_model::commit::{Change, Commit, CommitError};
use cordon_model::page::Page;
use cordon_model::port::StateStore as _;
use cordon_model::{Revision, TenantId};
use tempfile::TempDir;

use super::sample::{changes, event, policy, policy_key, put, request_id, tenant, tenant_id};
use crate::{Options, RedbStore};

const COMMITTERS: u64 = 64;
const COMMITS: u64 = 20;

fn with(options: impl FnOnce(&mut Options)) -> (Arc<RedbStore>, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let mut all = Options::new(directory.path());
    options(&mut all);
    (Arc::new(RedbStore::open(all).unwrap()), directory)
}

/// Every sequence of the ledger of a request.
async fn sequences(store: &RedbStore, tenant: &TenantId) -> Vec<u64> {
    let mut page = Page::first();
    let mut all = Vec::new();
    loop {
        let list = store.events(tenant, request_id(1), &page).await.unwrap();
        all.extend(list.items.iter().map(|event| event.sequence));
        match list.next_cursor {
            Some(cursor) => page.cursor = Some(cursor),
            None => return all,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_committers_leave_a_ledger_without_gaps() {
    let (store, _directory) = with(|_| {});
    put(store.as_ref(), [Change::PutTenant(tenant("acme")), Change::PutTenant(tenant("other"))])
        .await;
    let tasks: Vec<_> = (0..COMMITTERS)
        .map(|n| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let name = if n % 2 == 0 { "acme" } else { "other" };
                for k in 0..COMMITS {
                    let told = event(Some(name), "told").about(request_id(1));
                    let mut commit = Commit { changes: Vec::new(), audit: vec![told] };
                    // Every fourth one is refused, in the middle of everybody else's batch.
                    if k % 4 == 0 {
                        let absent = policy_key("absent");
                        commit.changes =
                            vec![Change::DeletePolicy(tenant_id(name), absent, Revision(1))];
                    }
                    let refused = store.commit(commit).await.is_err();
                    assert_eq!(refused, k % 4 == 0);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    for name in ["acme", "other"] {
        let expected: Vec<u64> = (1..=COMMITTERS / 2 * (COMMITS - COMMITS / 4)).collect();
        assert_eq!(sequences(&store, &tenant_id(name)).await, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_replace_one_revision_exactly_one_wins() {
    let (store, _directory) = with(|_| {});
    put(store.as_ref(), [Change::PutTenant(tenant("acme"))]).await;
    for revision in 1..=10 {
        let tasks: Vec<_> = (0..16)
            .map(|n| {
                let store = Arc::clone(&store);
                tokio::spawn(async move {
                    let mut mine = policy("acme", "access", 1);
                    mine.name = format!("by {n}");
                    mine.revision = Revision(revision);
                    store.commit(changes([Change::PutPolicy(mine)])).await.map(|()| n)
                })
            })
            .collect();
        let mut winners = Vec::new();
        for task in tasks {
            match task.await.unwrap() {
                Ok(n) => winners.push(n),
                Err(CommitError::Conflict(_) | CommitError::Exists(_)) => {}
                Err(other) => panic!("{other}"),
            }
        }
        assert_eq!(winners.len(), 1);
        let stored = store.policy(&tenant_id("acme"), &policy_key("access")).await.unwrap();
        assert_eq!(stored.unwrap().name, format!("by {}", winners[0]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_of_one_makes_callers_wait_and_loses_nobody() {
    let (store, _directory) = with(|options| {
        options.queue_commits_max = 1;
        options.batch_commits_max = 1;
    });
    put(store.as_ref(), [Change::PutTenant(tenant("acme"))]).await;
    let told = || event(Some("acme"), "told").about(request_id(1));
    let tasks: Vec<_> = (0..32)
        .map(|_| {
            let (store, audit) = (Arc::clone(&store), vec![told()]);
            tokio::spawn(async move { store.commit(Commit { changes: vec![], audit }).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(sequences(&store, &tenant_id("acme")).await, (1..=32).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_finishes_what_is_queued_and_turns_the_rest_away() {
    let (store, directory) = with(|_| {});
    put(store.as_ref(), [Change::PutTenant(tenant("acme"))]).await;
    let tasks: Vec<_> = (0..COMMITTERS)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let mut done = 0u64;
                loop {
                    let audit = vec![event(Some("acme"), "told").about(request_id(1))];
                    if store.commit(Commit { changes: vec![], audit }).await.is_err() {
                        return done;
                    }
                    done += 1;
                }
            })
        })
        .collect();
    let closing = Arc::clone(&store);
    tokio::task::spawn_blocking(move || closing.close()).await.unwrap().unwrap();
    let mut acknowledged = 0;
    for task in tasks {
        acknowledged += task.await.unwrap();
    }
    let store = RedbStore::open(Options::new(directory.path())).unwrap();
    let stored = sequences(&store, &tenant_id("acme")).await;
    assert_eq!(stored, (1..=acknowledged).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_commit_whose_caller_went_away_harms_nobody() {
    let (store, _directory) = with(|options| options.queue_commits_max = 2);
    put(store.as_ref(), [Change::PutTenant(tenant("acme"))]).await;
    for _ in 0..20 {
        let audit = vec![event(Some("acme"), "told").about(request_id(1))];
        let mut commit = Box::pin(store.commit(Commit { changes: vec![], audit }));
        // Polled once, then dropped: somewhere between preparing and the answer.
        let _ = poll_once(commit.as_mut()).await;
    }
    put(store.as_ref(), [Change::PutTenant(tenant("other"))]).await;
    let stored = sequences(&store, &tenant_id("acme")).await;
    assert_eq!(stored, (1..=stored.len() as u64).collect::<Vec<_>>());
}

/// Polls a future once.
async fn poll_once<F: Future + Unpin>(mut future: F) -> Option<F::Output> {
    std::future::poll_fn(|context| match std::pin::Pin::new(&mut future).poll(context) {
        std::task::Poll::Ready(output) => std::task::Poll::Ready(Some(output)),
        std::task::Poll::Pending => std::task::Poll::Ready(None),
    })
    .await
}
