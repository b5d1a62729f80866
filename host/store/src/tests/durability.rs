//! What was acknowledged survives a killed process.
//!
//! The test binary runs itself again, with a filter for the one test that commits for ever; the
//! data directory comes along as a second filter, which matches no test.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use cordon_model::commit::{Change, Commit, RequestFilter};
use cordon_model::page::Page;
use cordon_model::port::StateStore as _;
use cordon_model::{Records, RequestId};

use super::sample::{
    changes, event, put_request, records, request, request_id, task_id, tenant, tenant_id,
};
use crate::{Options, RedbStore};

const ROUNDS: usize = 10;
const COMMITTERS: u64 = 4;
/// Acknowledged commits after which the process is killed.
const ACKNOWLEDGED: usize = 25;
const CHILD: &str = "tests::durability::the_process_that_is_killed";
const DIRECTORY: &str = "data-directory=";

#[tokio::test]
async fn a_killed_process_loses_nothing_that_was_acknowledged() {
    let directory = tempfile::tempdir().unwrap();
    let mut acknowledged: Vec<RequestId> = Vec::new();
    for round in 0..ROUNDS {
        let mut child = start(directory.path());
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        for line in lines.map_while(Result::ok) {
            let Some(id) = line.rsplit("acknowledged ").next().and_then(|id| id.parse().ok())
            else {
                continue;
            };
            acknowledged.push(id);
            // Another moment in each round, mostly in the middle of a batch.
            if acknowledged.len() >= (round + 1) * ACKNOWLEDGED {
                break;
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        check(directory.path(), &acknowledged, round).await;
    }
    assert!(acknowledged.len() >= ROUNDS * ACKNOWLEDGED);
}

fn start(directory: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", CHILD, "--nocapture", "--test-threads=1"])
        .arg(format!("{DIRECTORY}{}", directory.display()))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Everything acknowledged is there and whole; what was not acknowledged is there whole or not at
/// all; the ledger has no gaps.
async fn check(directory: &Path, acknowledged: &[RequestId], round: usize) {
    let store = RedbStore::open(Options::new(directory)).unwrap();
    let acme = tenant_id("acme");
    for id in acknowledged {
        assert!(store.request(&acme, *id).await.unwrap().is_some(), "round {round}: {id} is lost");
    }
    let mut page = Page::first();
    let mut sequences = Vec::new();
    loop {
        let list = store.requests(&acme, &RequestFilter::default(), &page).await.unwrap();
        for request in &list.items {
            let stored = store.records(&acme, request.id, task_id(1)).await.unwrap();
            assert_eq!(stored.iter().map(Records::len).collect::<Vec<_>>(), [2]);
            let events = store.events(&acme, request.id, &Page::first()).await.unwrap();
            assert_eq!(events.items.len(), 1);
            sequences.extend(events.items.iter().map(|event| event.sequence));
        }
        match list.next_cursor {
            Some(cursor) => page.cursor = Some(cursor),
            None => break,
        }
    }
    sequences.sort_unstable();
    let expected: Vec<u64> = (1..=sequences.len() as u64).collect();
    assert_eq!(sequences, expected, "round {round}");
    assert!(sequences.len() >= acknowledged.len());
}

/// Commits for ever when the data directory is given; else there is nothing to test here.
#[test]
fn the_process_that_is_killed() {
    let directory = std::env::args().find_map(|arg| arg.strip_prefix(DIRECTORY).map(PathBuf::from));
    let Some(directory) = directory else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    runtime.block_on(async {
        let store = std::sync::Arc::new(RedbStore::open(Options::new(directory)).unwrap());
        let created = store.tenant(&tenant_id("acme")).await.unwrap().is_some();
        if !created {
            store.commit(changes([Change::PutTenant(tenant("acme"))])).await.unwrap();
        }
        let tasks = (0..COMMITTERS).map(|_| tokio::spawn(commit_for_ever(store.clone())));
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
    });
}

async fn commit_for_ever(store: std::sync::Arc<RedbStore>) {
    loop {
        let mut n = [0; 8];
        getrandom::fill(&mut n).unwrap();
        // Half a number, so that it is a time as well.
        let n = u64::from_be_bytes(n) >> 33;
        let id = request_id(n);
        // Every other one in a sealed file.
        let text = "x".repeat(if n % 2 == 0 { 10 } else { 100_000 });
        let sets = vec![records(&format!(r#"[{{"a":"{text}"}},{{}}]"#))];
        let commit = Commit {
            changes: vec![
                put_request(request("acme", "access", n), None),
                Change::PutRecords(tenant_id("acme"), id, task_id(1), sets),
            ],
            audit: vec![event(Some("acme"), "submitted").about(id)],
        };
        store.commit(commit).await.unwrap();
        println!("acknowledged {id}");
    }
}
