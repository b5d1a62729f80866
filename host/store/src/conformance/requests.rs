//! Requests, and what the scheduler asks about them.

use cordon_model::port::StateStore;
use cordon_model::request::RequestState;
use cordon_model::task::{Stage, TaskState};
use cordon_model::{Failure, FailureCode, Revision};

use super::with_tenants;
use crate::tests::sample::{
    at, connection_key, next, policy_key, put, put_request, request, request_id, task, task_states,
    tenant_id,
};

pub(crate) async fn every_state_of_a_request_is_stored_whole(store: &dyn StateStore) {
    with_tenants(store).await;
    let acme = tenant_id("acme");
    let mut stored = request("acme", "access", 1);
    let states = [
        RequestState::Pending,
        RequestState::Approved,
        RequestState::Processing,
        RequestState::Denied { reason: None },
        RequestState::Denied { reason: Some("not this person".into()) },
        RequestState::Canceled,
        RequestState::Complete,
        RequestState::Failed { failure: Failure::new(FailureCode::PackageFailed, "full") },
    ];
    put(store, [put_request(stored.clone(), None)]).await;
    for state in states {
        stored = next(stored, state);
        put(store, [put_request(stored.clone(), None)]).await;
        assert_eq!(store.request(&acme, stored.id).await.unwrap().as_ref(), Some(&stored));
    }
    stored.revision = stored.revision.next();
    stored.tasks = task_states()
        .into_iter()
        .zip(Stage::ALL.into_iter().cycle())
        .zip(1..)
        .map(|((state, stage), n)| task(n, stage, "users", state))
        .collect();
    put(store, [put_request(stored.clone(), None)]).await;
    assert_eq!(store.request(&acme, stored.id).await.unwrap().as_ref(), Some(&stored));
    assert_eq!(store.request(&tenant_id("other"), stored.id).await.unwrap(), None);
}

pub(crate) async fn open_requests_are_counted_until_they_are_final(store: &dyn StateStore) {
    with_tenants(store).await;
    let acme = tenant_id("acme");
    let counts = async || {
        let under = store.open_requests_under(&acme, &policy_key("access")).await.unwrap();
        let using = store.open_requests_using(&acme, &connection_key("users")).await.unwrap();
        (under, using)
    };
    assert_eq!(counts().await, (0, 0));
    let mut one = request("acme", "access", 1);
    put(
        store,
        [
            put_request(one.clone(), None),
            put_request(request("acme", "access", 2), None),
            put_request(request("acme", "access-2", 3), None),
            put_request(request("other", "access", 4), None),
        ],
    )
    .await;
    assert_eq!(counts().await, (2, 0));
    one = next(one, RequestState::Processing);
    one.tasks = vec![
        task(1, Stage::Access, "users", TaskState::Queued),
        task(2, Stage::Erasure, "users", TaskState::Queued),
        task(3, Stage::Access, "users-2", TaskState::Queued),
    ];
    put(store, [put_request(one.clone(), None)]).await;
    assert_eq!(counts().await, (2, 1));
    let failed = Failure::new(FailureCode::PackageFailed, "");
    one = next(one, RequestState::Failed { failure: failed });
    put(store, [put_request(one.clone(), None)]).await;
    assert_eq!(counts().await, (2, 1), "an error is not final");
    one = next(one, RequestState::Canceled);
    put(store, [put_request(one, None)]).await;
    assert_eq!(counts().await, (1, 0));
}

pub(crate) async fn due_requests_come_longest_due_first(store: &dyn StateStore) {
    with_tenants(store).await;
    let due = async |now, limit| store.due(at(now), limit).await.unwrap();
    let name = |tenant: &str, n| (tenant_id(tenant), request_id(n));
    assert!(due(1000, 10).await.is_empty());
    assert_eq!(store.next_due(at(0)).await.unwrap(), None);
    let mut one = request("acme", "access", 1);
    put(
        store,
        [
            put_request(one.clone(), Some(at(30))),
            put_request(request("other", "access", 2), Some(at(10))),
            put_request(request("acme", "access", 3), Some(at(20))),
            put_request(request("acme", "access", 4), None),
        ],
    )
    .await;
    assert!(due(9, 10).await.is_empty());
    assert_eq!(due(10, 10).await, [name("other", 2)]);
    let all = [name("other", 2), name("acme", 3), name("acme", 1)];
    assert_eq!(due(30, 10).await, all);
    assert_eq!(due(30, 2).await, all[..2]);
    assert!(due(30, 0).await.is_empty());
    for (now, next) in [(0, Some(10)), (10, Some(20)), (25, Some(30)), (30, None)] {
        assert_eq!(store.next_due(at(now)).await.unwrap(), next.map(at));
    }
    // To the nanosecond: neither early nor late.
    let early = cordon_model::Timestamp::from_nanosecond(at(10).as_nanosecond() - 1).unwrap();
    assert!(store.due(early, 10).await.unwrap().is_empty());

    one.revision = Revision(2);
    put(store, [put_request(one.clone(), Some(at(5)))]).await;
    assert_eq!(due(30, 10).await[0], name("acme", 1), "the old entry is replaced");
    assert_eq!(due(30, 10).await.len(), 3);
    one.revision = Revision(3);
    put(store, [put_request(one, None)]).await;
    assert_eq!(due(30, 10).await, all[..2]);
}
