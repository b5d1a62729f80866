//! What people gave: values, files, and their end.

use std::collections::BTreeMap;

use bytes::Bytes;
use cordon_model::Revision;
use cordon_model::commit::Change;
use cordon_model::input::{InputValue, ManualInput};
use cordon_model::port::StateStore;

use super::{Refusal, refused, with_tenants};
use crate::tests::sample::{
    file, input, journal, put, put_files, put_request, records, request, request_id, success,
    task_id, tenant_id,
};

pub(crate) async fn files_come_and_go_with_their_input(store: &dyn StateStore) {
    with_tenants(store).await;
    let acme = tenant_id("acme");
    put(store, [1, 2].map(|n| put_request(request("acme", "access", n), None))).await;
    let large = vec![0xAB; 300_000];
    let bytes_of = async |request, task, label: &str| {
        let id = request_id(request);
        store.input_file(&acme, id, task_id(task), label).await.unwrap()
    };
    let given = |n: u64| ManualInput { revision: Revision(n), ..input("acme", 1, 1, &[]) };
    let (small, empty, umlaut) = (b"small".as_slice(), b"".as_slice(), "Bild \u{1F4F7}\0\n");
    let files = [("scan", "a.pdf", small), (umlaut, "b", &large), ("none", "c", empty)];
    put(
        store,
        [
            put_files(given(1), &files),
            put_files(input("acme", 1, 2, &[]), &[("scan", "z", b"of another task")]),
            put_files(input("acme", 2, 1, &[]), &[("scan", "z", b"of another request")]),
        ],
    )
    .await;
    for (label, _, bytes) in files {
        assert_eq!(bytes_of(1, 1, label).await.unwrap(), bytes);
    }
    assert_eq!(bytes_of(1, 1, "sca").await, None);
    let of_other = store.input_file(&tenant_id("other"), request_id(1), task_id(1), "scan").await;
    assert_eq!(of_other.unwrap(), None);
    let stored = &store.inputs(&acme, request_id(1)).await.unwrap()[0];
    assert_eq!(stored.values["scan"], InputValue::File(file("a.pdf", b"small")), "stored whole");

    // One stays, one is another, one is a text now, one is new.
    let text = ManualInput { values: input("acme", 1, 1, &[(umlaut, "text")]).values, ..given(2) };
    put(store, [put_files(text, &[("scan", "a", b"other"), ("new", "n", &large[1..])])]).await;
    assert_eq!(bytes_of(1, 1, "scan").await.unwrap(), &b"other"[..]);
    assert_eq!(bytes_of(1, 1, "new").await.unwrap(), &large[1..]);
    assert_eq!(bytes_of(1, 1, umlaut).await, None);
    assert_eq!(bytes_of(1, 1, "none").await, None);
    put(store, [put_files(given(3), &[])]).await;
    assert_eq!(bytes_of(1, 1, "scan").await, None);
    assert_eq!(bytes_of(1, 2, "scan").await.unwrap(), &b"of another task"[..]);
    assert_eq!(bytes_of(2, 1, "scan").await.unwrap(), &b"of another request"[..]);
    // In one commit the last one counts, and nothing of those before it is left.
    let many = [
        put_files(given(4), &[("scan", "a", &large), ("gone", "a", &large)]),
        put_files(given(5), &[("scan", "a", b"last")]),
    ];
    put(store, many).await;
    assert_eq!(bytes_of(1, 1, "scan").await.unwrap(), &b"last"[..]);
    assert_eq!(bytes_of(1, 1, "gone").await, None);
}

pub(crate) async fn an_input_and_its_files_must_agree(store: &dyn StateStore) {
    with_tenants(store).await;
    let acme = tenant_id("acme");
    put(store, [put_request(request("acme", "access", 1), None)]).await;
    let mut with_file = input("acme", 1, 1, &[("text", "Elm Street")]);
    with_file.values.insert("scan".into(), InputValue::File(file("a.pdf", b"bytes")));
    let mut of_other_size = with_file.clone();
    let mut wrong = file("a.pdf", b"bytes");
    wrong.size = 6;
    of_other_size.values.insert("scan".into(), InputValue::File(wrong));
    let bytes = |files: &[(&str, &'static [u8])]| -> BTreeMap<String, Bytes> {
        files.iter().map(|(label, b)| ((*label).to_owned(), Bytes::from_static(b))).collect()
    };
    for (input, files) in [
        (&with_file, bytes(&[])),
        (&with_file, bytes(&[("scan", b"other")])),
        (&with_file, bytes(&[("scan", b"bytes and more")])),
        (&with_file, bytes(&[("other", b"bytes")])),
        (&with_file, bytes(&[("scan", b"bytes"), ("other", b"bytes")])),
        (&with_file, bytes(&[("scan", b"bytes"), ("text", b"Elm Street")])),
        (&of_other_size, bytes(&[("scan", b"bytes")])),
        (&input("acme", 1, 1, &[]), bytes(&[("scan", b"bytes")])),
    ] {
        let change = Change::PutInput(input.clone(), files);
        assert_eq!(refused(store, [change]).await, Refusal::Contradictory);
    }
    assert!(store.inputs(&acme, request_id(1)).await.unwrap().is_empty());
    put(store, [Change::PutInput(with_file, bytes(&[("scan", b"bytes")]))]).await;
}

pub(crate) async fn content_is_removed_and_the_request_stays(store: &dyn StateStore) {
    with_tenants(store).await;
    let acme = tenant_id("acme");
    let large = "large ".repeat(60_000);
    let filled = |n| {
        let (id, task) = (request_id(n), task_id(1));
        let given = put_files(
            input("acme", n, 1, &[("text", "Elm Street")]),
            &[("small", "a", b"s"), ("large", "b", large.as_bytes())],
        );
        let found = vec![records(&format!(r#"[{{"text":"{large}"}}]"#))];
        let called = [journal(), vec![success("large", Some(large.clone().into()))]].concat();
        [
            given,
            Change::PutRecords(acme.clone(), id, task, found),
            Change::AppendJournal(acme.clone(), id, task, called),
        ]
    };
    let count = async |n| {
        let (id, task) = (request_id(n), task_id(1));
        (
            store.inputs(&acme, id).await.unwrap().len(),
            store.input_file(&acme, id, task, "small").await.unwrap().is_some(),
            store.input_file(&acme, id, task, "large").await.unwrap().is_some(),
            store.records(&acme, id, task).await.unwrap().len(),
            store.journal(&acme, id, task).await.unwrap().len(),
        )
    };
    let (all, none) = ((1, true, true, 1, journal().len() + 1), (0, false, false, 0, 0));
    put(store, [1, 2].map(|n| put_request(request("acme", "access", n), None))).await;
    put(store, filled(1)).await;
    put(store, filled(2)).await;
    assert_eq!((count(1).await, count(2).await), (all, all));
    let remove = || Change::RemoveContent(acme.clone(), request_id(1));
    for _ in 0..2 {
        put(store, [remove()]).await;
        assert_eq!((count(1).await, count(2).await), (none, all));
        let stored = store.request(&acme, request_id(1)).await.unwrap();
        assert_eq!(stored, Some(request("acme", "access", 1)));
    }
    // What the same commit wrote before it goes, what it writes after it stays.
    put(store, filled(1).into_iter().chain([remove()])).await;
    assert_eq!(count(1).await, none);
    put(store, [remove()].into_iter().chain(filled(1))).await;
    assert_eq!(count(1).await, all);
}
