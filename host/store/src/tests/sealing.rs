//! Nothing that a person typed stands open in any file, and nothing sealed opens elsewhere.

use std::fs;
use std::path::Path;

use bytes::Bytes;
use cordon_model::commit::{Change, Commit, StoreError};
use cordon_model::page::Page;
use cordon_model::port::{SealError, Sealer as _, StateStore as _};
use cordon_model::secret::Secret;
use cordon_model::subject::{Identity, IdentitySource};
use cordon_model::webhook::PolicyWebhook;
use redb::{Database, ReadableTable as _};
use tempfile::TempDir;

use super::fresh;
use super::sample::{
    connection, connection_key, credentials, event, input, policy, policy_key, policy_webhook, put,
    put_connection, put_files, put_request, records, replay, request, request_id, success, task_id,
    tenant, tenant_id, webhook, webhook_id,
};
use crate::apply::task::task_key;
use crate::tables::{Key, Table};
use crate::{Options, RedbStore};

/// A text that is found nowhere by chance.
fn distinctive(what: &str, n: u64) -> String {
    format!("{what}-QzXw{n:04}Kp-{what}")
}

/// Every file under a directory.
pub(super) fn all_files(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(all_files(&path));
        } else {
            files.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
    files
}

/// A commit full of texts that must not be found, and the texts.
fn telling(n: u64) -> (Commit, Vec<String>) {
    let text = |what| distinctive(what, n);
    let (acme, id, key) = (tenant_id("acme"), request_id(n), format!("c{n}"));
    let mut asked = request("acme", "access", n);
    asked.external_id = Some(text("external"));
    let kind = "email".parse().unwrap();
    let source = IdentitySource::Submitted;
    asked.subject.identities = vec![Identity { kind, value: text("identity"), source }];
    asked.callback_url = Some(text("callback"));
    let mut users = connection("acme", &key, n);
    users.config = serde_json::json!({ "headers": { "x": text("config") } });
    users.name = text("name");
    // Every other one is large and goes to a file.
    let padding = "padding ".repeat(if n.is_multiple_of(10) { 20_000 } else { 1 });
    let answer = format!(r#"[{{"a":"{}","p":"{padding}"}}]"#, text("record"));
    let body = Bytes::from(format!("{} {padding}", text("body")));
    let reply = text("answer");
    let replayed = replay(Some("acme"), &text("idempotency"), Some((202, reply.as_bytes())));
    let secrets = credentials(&[("token", &text("secret"))]);
    let hook = PolicyWebhook {
        url: text("hook-url"),
        secret: Secret::new(text("hook-secret")),
        ..policy_webhook("acme", "hooks", n)
    };
    let file = format!("{} {padding}", text("file"));
    let given = put_files(
        input("acme", n, 1, &[(&text("label"), &text("input"))]),
        &[(&text("file-label"), &text("file-name"), file.as_bytes())],
    );
    let commit = Commit {
        changes: vec![
            put_connection(users),
            Change::PutSecrets(acme.clone(), connection_key(&key), secrets),
            put_request(asked, None),
            Change::PutPolicyWebhook(hook),
            given,
            Change::PutRecords(acme.clone(), id, task_id(1), vec![records(&answer)]),
            Change::AppendJournal(acme, id, task_id(1), vec![success("q", Some(body))]),
            Change::PutReplay(replayed),
        ],
        audit: vec![event(Some("acme"), "submitted").about(id)],
    };
    let whats = [
        "identity",
        "external",
        "config",
        "name",
        "record",
        "body",
        "answer",
        "idempotency",
        "secret",
        "input",
        "label",
        "file",
        "file-label",
        "file-name",
        "callback",
        "hook-url",
        "hook-secret",
    ];
    (commit, whats.map(text).into())
}

#[tokio::test]
async fn two_hundred_identities_secrets_records_and_inputs_are_found_in_no_file() {
    let (store, directory) = fresh();
    let mut acme = tenant("acme");
    acme.callback_secret = Some(Secret::new(distinctive("callback-secret", 0)));
    put(&store, [Change::PutTenant(acme), Change::PutPolicy(policy("acme", "hooks", 1))]).await;
    let mut texts = Vec::new();
    for n in 1..=200 {
        let (commit, of_commit) = telling(n);
        store.commit(commit).await.unwrap();
        texts.extend(of_commit);
    }
    let (acme, id) = (tenant_id("acme"), request_id(10));
    let stored = store.records(&acme, id, task_id(1)).await.unwrap();
    assert!(stored[0].to_text().contains(&distinctive("record", 10)), "they are in there");
    let label = distinctive("file-label", 10);
    let file = store.input_file(&acme, id, task_id(1), &label).await.unwrap().unwrap();
    assert!(file.starts_with(distinctive("file", 10).as_bytes()));
    let person = [("email".parse().unwrap(), distinctive("identity", 10))];
    let about = store.requests_about(&acme, &person, &Page::first()).await.unwrap();
    assert_eq!(about.items[0].id, id);
    let search = |when: &str| {
        let files = all_files(directory.path());
        assert!(files.iter().any(|(name, _)| name.contains("blobs")));
        for (name, bytes) in files {
            // What all texts have in common, in the ways that bytes are written as text.
            for middle in written(b"QzXw0") {
                let found = bytes.windows(middle.len()).any(|window| window == middle);
                assert!(!found, "{when}: something stands open in {name}");
            }
        }
    };
    search("in use");
    store.close().unwrap();
    search("closed");
    assert_eq!(texts.len(), 3400);
    assert!(texts.iter().all(|text| text.contains("QzXw0")), "the search would find each of them");
}

/// Some bytes as they are, in hexadecimal, and in base64: there in three ways, by what stands
/// before them, and without the digits that depend on what stands beside them.
fn written(bytes: &[u8]) -> Vec<Vec<u8>> {
    use base64::Engine as _;
    let base64 = (0..3usize).map(|before| {
        let all = [&[0; 3][..before], bytes].concat();
        let text = base64::engine::general_purpose::STANDARD.encode(&all).into_bytes();
        text[(before * 8).div_ceil(6)..all.len() * 8 / 6].to_vec()
    });
    let mut ways: Vec<_> = base64.collect();
    ways.push(bytes.to_vec());
    ways.push(hex::encode(bytes).into_bytes());
    ways
}

#[test]
fn the_search_would_find_what_stands_open() {
    use base64::Engine as _;
    for before in ["", "a", "ab", "abc"] {
        let text = format!("{before}QzXw0 and more");
        let encoded = base64::engine::general_purpose::STANDARD.encode(&text);
        let found = |text: &str| {
            let found = |way: Vec<u8>| text.as_bytes().windows(way.len()).any(|w| w == way);
            written(b"QzXw0").into_iter().any(found)
        };
        assert!(found(&text) && found(&encoded) && found(&hex::encode(&text)));
    }
}

/// A closed store with two of everything, in two tenants.
async fn doubled() -> TempDir {
    let (store, directory) = fresh();
    for name in ["acme", "other"] {
        let tenant_of = tenant_id(name);
        let mut all = vec![Change::PutTenant(tenant(name))];
        for n in 1..=2 {
            let key = format!("c{n}");
            let id = request_id(n);
            all.extend([
                put_connection(connection(name, &key, n)),
                Change::PutSecrets(tenant_of.clone(), connection_key(&key), credentials(&[])),
                Change::PutPolicy(policy(name, &key, 1)),
                Change::PutManualWebhook(webhook(name, "c1", &key, 1)),
                put_request(request(name, "c1", n), None),
                Change::PutPolicyWebhook(policy_webhook(name, "c1", n)),
                put_files(input(name, n, 1, &[]), &[("a", "a", b"a")]),
                put_files(input(name, n, 2, &[]), &[("a", "a", b"a")]),
                Change::PutRecords(tenant_of.clone(), id, task_id(1), vec![records("[]")]),
                Change::PutRecords(tenant_of.clone(), id, task_id(2), vec![records("[]")]),
                Change::AppendJournal(
                    tenant_of.clone(),
                    id,
                    task_id(1),
                    vec![success("one", None), success("two", None)],
                ),
            ]);
        }
        let told = |word: &str| event(Some(name), word).about(request_id(1));
        let audit = vec![told("one"), told("two")];
        store.commit(Commit { changes: all, audit }).await.unwrap();
    }
    store.close().unwrap();
    directory
}

/// Changes rows behind the store's back, and opens it again.
fn tampered(directory: &TempDir, tamper: impl FnOnce(&redb::WriteTransaction)) -> RedbStore {
    let database = Database::open(directory.path().join("cordon.redb")).unwrap();
    let transaction = database.begin_write().unwrap();
    tamper(&transaction);
    transaction.commit().unwrap();
    database.close().unwrap();
    RedbStore::open(Options::new(directory.path())).unwrap()
}

fn keys_below(transaction: &redb::WriteTransaction, table: Table, prefix: &[u8]) -> Vec<Vec<u8>> {
    let table = transaction.open_table(table.definition()).unwrap();
    let keys = table.iter().unwrap().map(|row| row.unwrap().0.value().to_vec());
    keys.filter(|key| key.starts_with(prefix)).collect()
}

/// Puts a copy of one row in the place of another.
fn copy(transaction: &redb::WriteTransaction, from: (Table, &[u8]), to: (Table, &[u8])) {
    let row = {
        let table = transaction.open_table(from.0.definition()).unwrap();
        let row = table.get(from.1).unwrap();
        row.unwrap_or_else(|| panic!("no row in {}", from.0.name())).value().to_vec()
    };
    let mut table = transaction.open_table(to.0.definition()).unwrap();
    table.insert(to.1, row.as_slice()).unwrap();
}

fn damaged<T: std::fmt::Debug>(read: Result<T, StoreError>) {
    assert!(matches!(read, Err(StoreError::Damaged(_))), "{read:?}");
}

#[tokio::test]
async fn a_row_moved_to_another_record_of_its_tenant_does_not_open() {
    let directory = doubled().await;
    let acme = tenant_id("acme");
    let name = |n: &str| Key::of(&acme).text(n).done();
    let request_key = |n| Key::of(&acme).uuid(request_id(n).as_uuid()).done();
    let task = |n| task_key(&acme, request_id(1), task_id(n));
    let line = |n| Key::unscoped().raw(&task(1)).number(n).done();
    let event = |n| Key::of(&acme).number(n).done();
    let hook = |n| Key::of(&acme).text("c1").uuid(webhook_id(n).as_uuid()).done();
    let store = tampered(&directory, |transaction| {
        for table in [Table::Connections, Table::Policies, Table::Webhooks, Table::Vault] {
            copy(transaction, (table, &name("c1")), (table, &name("c2")));
        }
        for table in [Table::Requests, Table::RequestKeys] {
            copy(transaction, (table, &request_key(1)), (table, &request_key(2)));
        }
        for table in [Table::Inputs, Table::Records] {
            copy(transaction, (table, &task(1)), (table, &task(2)));
        }
        let files = Table::InputFiles;
        let file = |n| keys_below(transaction, files, &task(n)).remove(0);
        copy(transaction, (files, &file(1)), (files, &file(2)));
        copy(transaction, (Table::PolicyWebhooks, &hook(1)), (Table::PolicyWebhooks, &hook(2)));
        copy(transaction, (Table::Journal, &line(1)), (Table::Journal, &line(2)));
        copy(transaction, (Table::Audit, &event(1)), (Table::Audit, &event(2)));
    });
    damaged(store.connection(&acme, &connection_key("c2")).await);
    damaged(store.policy(&acme, &policy_key("c2")).await);
    damaged(store.manual_webhook(&acme, &connection_key("c2")).await);
    damaged(store.vault(&acme, &connection_key("c2")).await.map(|_| ()));
    damaged(store.request(&acme, request_id(2)).await);
    damaged(store.inputs(&acme, request_id(1)).await);
    damaged(store.input_file(&acme, request_id(1), task_id(2), "a").await);
    let (access, second) = (policy_key("c1"), webhook_id(2));
    damaged(store.policy_webhook(&acme, &access, second).await.map(|_| ()));
    damaged(store.policy_webhooks(&acme, &access).await.map(|_| ()));
    damaged(store.records(&acme, request_id(1), task_id(2)).await);
    damaged(store.journal(&acme, request_id(1), task_id(1)).await);
    damaged(store.events(&acme, request_id(1), &Page::first()).await);
    damaged(store.requests(&acme, &Default::default(), &Page::first()).await);
    // What was not touched still opens.
    assert!(store.connection(&acme, &connection_key("c1")).await.unwrap().is_some());
    assert!(store.request(&acme, request_id(1)).await.unwrap().is_some());
}

#[tokio::test]
async fn a_row_moved_to_another_tenant_or_table_does_not_open() {
    let directory = doubled().await;
    let (acme, other) = (tenant_id("acme"), tenant_id("other"));
    let id = request_id(1);
    let row = |tenant| Key::of(tenant).uuid(id.as_uuid()).done();
    let name = |tenant| Key::of(tenant).text("c1").done();
    let task = |tenant, n| task_key(tenant, id, task_id(n));
    let store = tampered(&directory, |transaction| {
        for table in [Table::Connections, Table::Policies, Table::Vault] {
            copy(transaction, (table, &name(&acme)), (table, &name(&other)));
        }
        // With its key, and so with all that one needs to open it in its own place.
        for table in [Table::Requests, Table::RequestKeys] {
            copy(transaction, (table, &row(&acme)), (table, &row(&other)));
        }
        let from = task(&acme, 1);
        copy(transaction, (Table::Inputs, &from), (Table::Records, &from));
        copy(transaction, (Table::TenantKeys, b"acme\0"), (Table::TenantKeys, b"third\0"));
    });
    damaged(store.connection(&other, &connection_key("c1")).await);
    damaged(store.policy(&other, &policy_key("c1")).await);
    damaged(store.vault(&other, &connection_key("c1")).await.map(|_| ()));
    damaged(store.request(&other, id).await);
    damaged(store.records(&acme, id, task_id(1)).await);
    damaged(store.connections(&tenant_id("third"), &Page::first()).await);
    assert!(store.request(&acme, id).await.unwrap().is_some());
}

#[tokio::test]
async fn an_edited_head_does_not_open() {
    let directory = doubled().await;
    let acme = tenant_id("acme");
    let key = Key::of(&acme).uuid(request_id(1).as_uuid()).done();
    let store = tampered(&directory, |transaction| {
        let mut table = transaction.open_table(Table::Requests.definition()).unwrap();
        let row = table.get(key.as_slice()).unwrap().unwrap().value().to_vec();
        let at = row.windows(7).position(|window| window == b"pending").unwrap();
        let mut edited = row;
        edited[at..at + 7].copy_from_slice(b"invalid");
        table.insert(key.as_slice(), edited.as_slice()).unwrap();
    });
    damaged(store.request(&acme, request_id(1)).await);
}

#[tokio::test]
async fn the_sealer_opens_for_the_same_tenant_request_and_purpose_only() {
    let (store, _directory) = fresh();
    for name in ["acme", "other"] {
        put(&store, [Change::PutTenant(tenant(name))]).await;
        for n in 1..=2 {
            put(&store, [put_request(request(name, "access", n), None)]).await;
        }
    }
    let (acme, other, one, two) =
        (tenant_id("acme"), tenant_id("other"), request_id(1), request_id(2));
    let sealed = store.seal(&acme, one, "package", Bytes::from_static(b"plain")).await.unwrap();
    assert!(!sealed.windows(5).any(|window| window == b"plain"));
    assert_eq!(store.open(&acme, one, "package", sealed.clone().into()).await.unwrap(), b"plain");
    let mut flipped = sealed.clone();
    flipped[30] ^= 1;
    for (tenant, request, purpose, sealed) in [
        (&other, one, "package", &sealed),
        (&acme, two, "package", &sealed),
        (&acme, one, "body", &sealed),
        (&acme, one, "package", &flipped),
        (&acme, one, "package", &Vec::new()),
    ] {
        let opened = store.open(tenant, request, purpose, sealed.clone().into()).await;
        assert!(matches!(opened, Err(SealError::Damaged)), "{opened:?}");
    }
    let unknown = store.seal(&acme, request_id(3), "package", Bytes::new()).await;
    assert!(matches!(unknown, Err(SealError::NoKey)));
    let unknown = store.open(&tenant_id("nobody"), one, "package", sealed.into()).await;
    assert!(matches!(unknown, Err(SealError::NoKey)));
}
