//! Inputs, records, the journal, remembered answers.

use bytes::Bytes;
use cordon_model::Revision;
use cordon_model::commit::{Change, Target};
use cordon_model::port::StateStore;

use super::{Refusal, refused, with_tenants};
use crate::tests::sample::{
    at, input, journal, put, put_input, put_request, records, replay, request, request_id, success,
    task_id, tenant_id,
};

pub(crate) async fn an_input_is_replaced_by_the_next_one_for_its_task(store: &dyn StateStore) {
    with_tenants(store).await;
    let acme = tenant_id("acme");
    put(store, [put_request(request("acme", "access", 1), None)]).await;
    put(store, [put_request(request("acme", "access", 2), None)]).await;
    let first = input("acme", 1, 1, &[("address", "Elm Street")]);
    let other_task = input("acme", 1, 2, &[]);
    let other_request = input("acme", 2, 1, &[]);
    put(
        store,
        [put_input(first.clone()), put_input(other_task.clone()), put_input(other_request.clone())],
    )
    .await;
    assert_eq!(store.inputs(&acme, request_id(1)).await.unwrap(), [first, other_task.clone()]);
    let mut second = input("acme", 1, 1, &[("address", "Oak Street")]);
    second.revision = Revision(2);
    put(store, [put_input(second.clone())]).await;
    assert_eq!(store.inputs(&acme, request_id(1)).await.unwrap(), [second, other_task]);
    assert_eq!(store.inputs(&acme, request_id(2)).await.unwrap(), [other_request]);
    assert!(store.inputs(&tenant_id("other"), request_id(1)).await.unwrap().is_empty());
}

pub(crate) async fn records_keep_their_numbers_and_are_replaced_as_a_whole(store: &dyn StateStore) {
    with_tenants(store).await;
    let (acme, id, task) = (tenant_id("acme"), request_id(1), task_id(1));
    put(store, [put_request(request("acme", "access", 1), None)]).await;
    let exact = r#"[{"z":12345678901234567890123,"a":1.10,"n":{"x":[null,true,"ü\u0001"]}},{}]"#;
    let large = format!(r#"[{{"text":"{}"}}]"#, "large ".repeat(60_000));
    let none: &[&str] = &[];
    let sets: [&[&str]; 6] = [&[exact, "[]"], &["[]"], &[&large, exact], &[&large], &[exact], none];
    for texts in sets {
        let all: Vec<_> = texts.iter().map(|text| records(text)).collect();
        put(store, [Change::PutRecords(acme.clone(), id, task, all.clone())]).await;
        let stored = store.records(&acme, id, task).await.unwrap();
        assert_eq!(stored, all);
        let stored: Vec<_> = stored.iter().map(cordon_model::Records::to_text).collect();
        assert_eq!(stored, texts);
    }
    assert!(store.records(&acme, id, task_id(2)).await.unwrap().is_empty());
    assert!(store.records(&tenant_id("other"), id, task).await.unwrap().is_empty());
}

pub(crate) async fn a_journal_keeps_every_line_in_order(store: &dyn StateStore) {
    with_tenants(store).await;
    let (acme, id) = (tenant_id("acme"), request_id(1));
    put(store, [put_request(request("acme", "access", 1), None)]).await;
    let large = Bytes::from(vec![0xAB; 200_000]);
    let append = |task, entries| Change::AppendJournal(acme.clone(), id, task_id(task), entries);
    let mut expected = Vec::new();
    for n in 0..300 {
        let mut entries = vec![success(&format!("line {n}"), None)];
        if n % 100 == 0 {
            entries.extend(journal());
            entries.push(success("large", Some(large.clone())));
        }
        expected.extend(entries.clone());
        let (now, later) = entries.split_at(1);
        put(store, [append(1, now.to_vec()), append(1, later.to_vec()), append(1, vec![])]).await;
    }
    put(store, [append(2, journal())]).await;
    assert_eq!(store.journal(&acme, id, task_id(1)).await.unwrap(), expected);
    assert_eq!(store.journal(&acme, id, task_id(2)).await.unwrap(), journal());
    assert!(store.journal(&acme, id, task_id(3)).await.unwrap().is_empty());
    assert!(store.journal(&tenant_id("other"), id, task_id(1)).await.unwrap().is_empty());
}

pub(crate) async fn what_belongs_to_a_task_needs_its_request(store: &dyn StateStore) {
    with_tenants(store).await;
    put(store, [put_request(request("acme", "access", 1), None)]).await;
    let (id, task) = (request_id(1), task_id(1));
    let other = || tenant_id("other");
    for change in [
        put_input(input("other", 1, 1, &[])),
        Change::PutRecords(other(), id, task, vec![]),
        Change::AppendJournal(other(), id, task, journal()),
    ] {
        assert_eq!(refused(store, [change]).await, Refusal::Absent(Target::Request(id)));
    }
}

pub(crate) async fn an_answer_is_remembered_until_it_expires(store: &dyn StateStore) {
    with_tenants(store).await;
    let acme = tenant_id("acme");
    let route = "POST /v1/privacy-requests";
    let remembered =
        async |key: &str, now| store.replay(Some(&acme), route, key, at(now)).await.unwrap();
    assert_eq!(remembered("k", 0).await, None);
    let claim = replay(Some("acme"), "k", None);
    put(store, [Change::PutReplay(claim.clone())]).await;
    assert_eq!(remembered("k", 0).await, Some(claim.clone()));
    let exists = || Refusal::Exists(Target::Replay("k".into()));
    assert_eq!(refused(store, [Change::PutReplay(claim.clone())]).await, exists());

    let answered = replay(Some("acme"), "k", Some((202, b"{\"id\":\"\xff\"}")));
    put(store, [Change::PutReplay(answered.clone())]).await;
    assert_eq!(remembered("k", 999).await, Some(answered.clone()));
    assert_eq!(refused(store, [Change::PutReplay(answered)]).await, exists());
    assert_eq!(refused(store, [Change::PutReplay(claim.clone())]).await, exists());

    let other = tenant_id("other");
    assert_eq!(store.replay(Some(&other), route, "k", at(0)).await.unwrap(), None);
    assert_eq!(store.replay(None, route, "k", at(0)).await.unwrap(), None);
    assert_eq!(store.replay(Some(&acme), "POST /v1/policies", "k", at(0)).await.unwrap(), None);
    let of_operator = replay(None, "k", None);
    put(store, [Change::PutReplay(of_operator.clone())]).await;
    assert_eq!(store.replay(None, route, "k", at(0)).await.unwrap(), Some(of_operator));

    assert_eq!(remembered("k", 1000).await, None, "forgotten");
    put(store, [Change::PutReplay(claim.clone())]).await;
    assert_eq!(remembered("k", 0).await, Some(claim));
}
