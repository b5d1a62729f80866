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

pub(crate) async fn open_requests_of_a_connection_are_listed_by_id_until_they_are_final(
    store: &dyn StateStore,
) {
    with_tenants(store).await;
    let acme = tenant_id("acme");
    for (tenant, n, connection) in [
        ("acme", 1, "users"),
        ("acme", 2, "users"),
        ("acme", 3, "users"),
        ("acme", 4, "users-2"),
        ("other", 5, "users"),
    ] {
        let mut one = request(tenant, "access", n);
        put(store, [put_request(one.clone(), None)]).await;
        one = next(one, RequestState::Processing);
        one.tasks = vec![task(1, Stage::Manual, connection, TaskState::Queued)];
        put(store, [put_request(one, None)]).await;
    }
    let users = connection_key("users");
    let of = async |after: Option<u64>, limit| {
        store.open_requests_of(&acme, &users, after.map(request_id), limit).await.unwrap()
    };
    let ids = |numbers: &[u64]| numbers.iter().copied().map(request_id).collect::<Vec<_>>();
    assert_eq!(of(None, 2).await, ids(&[1, 2]));
    assert_eq!(of(Some(2), 2).await, ids(&[3]));
    assert_eq!(of(Some(3), 2).await, ids(&[]));
    let one = store.request(&acme, request_id(2)).await.unwrap().unwrap();
    put(store, [put_request(next(one, RequestState::Canceled), None)]).await;
    assert_eq!(of(None, 10).await, ids(&[1, 3]));
}

pub(crate) async fn due_requests_come_by_tenant_the_longest_due_first(store: &dyn StateStore) {
    with_tenants(store).await;
    let due = async |now, limit| store.due(at(now), limit).await.unwrap();
    let of = |tenant: &str, ids: &[u64]| {
        (tenant_id(tenant), ids.iter().copied().map(request_id).collect::<Vec<_>>())
    };
    assert!(due(1000, 10).await.is_empty());
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
    assert_eq!(due(10, 10).await, [of("other", &[2])]);
    assert_eq!(due(30, 10).await, [of("acme", &[3, 1]), of("other", &[2])]);
    assert_eq!(due(30, 1).await, [of("acme", &[3]), of("other", &[2])], "so many of each");
    assert!(due(30, 0).await.is_empty());
    // To the nanosecond: neither early nor late.
    let early = cordon_model::Timestamp::from_nanosecond(at(10).as_nanosecond() - 1).unwrap();
    assert!(store.due(early, 10).await.unwrap().is_empty());

    one.revision = Revision(2);
    put(store, [put_request(one.clone(), Some(at(5)))]).await;
    assert_eq!(due(30, 10).await[0], of("acme", &[1, 3]), "the old entry is replaced");
    one.revision = Revision(3);
    put(store, [put_request(one, None)]).await;
    assert_eq!(due(30, 10).await[0], of("acme", &[3]));
}
