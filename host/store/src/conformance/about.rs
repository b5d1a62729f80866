//! Requests found by a person, and by their deadline.

use cordon_model::commit::RequestFilter;
use cordon_model::page::Page;
use cordon_model::port::StateStore;
use cordon_model::request::{PrivacyRequest, RequestState};
use cordon_model::subject::{DataSubject, Identity, IdentityKind, IdentitySource};
use cordon_model::{RequestId, TenantId};

use super::with_tenants;
use crate::tests::sample::{
    at, next, policy_key, put, put_request, request, request_id, task_id, tenant_id,
};

fn identity(kind: &str, value: &str) -> (IdentityKind, String) {
    (kind.parse().unwrap(), value.to_owned())
}

fn about(tenant: &str, n: u64, identities: &[(&str, &str)]) -> PrivacyRequest {
    let identity = |(kind, value): &(&str, &str)| Identity {
        kind: kind.parse().unwrap(),
        value: (*value).to_owned(),
        source: IdentitySource::Submitted,
    };
    let identities = identities.iter().map(identity).collect();
    PrivacyRequest { subject: DataSubject { identities }, ..request(tenant, "access", n) }
}

fn ids(requests: &[PrivacyRequest]) -> Vec<RequestId> {
    requests.iter().map(|request| request.id).collect()
}

async fn found(
    store: &dyn StateStore,
    tenant: &TenantId,
    identities: &[(&str, &str)],
) -> Vec<RequestId> {
    let identities: Vec<_> = identities.iter().map(|(k, v)| identity(k, v)).collect();
    let list = store.requests_about(tenant, &identities, &Page::first()).await.unwrap();
    assert_eq!(list.next_cursor, None);
    ids(&list.items)
}

pub(crate) async fn requests_about_a_person_are_found_by_any_identity(store: &dyn StateStore) {
    with_tenants(store).await;
    let (acme, other) = (tenant_id("acme"), tenant_id("other"));
    let first = about("acme", 1, &[("email", "ann@x.example"), ("user_id", "7")]);
    put(
        store,
        [
            put_request(first.clone(), None),
            put_request(about("acme", 2, &[("email", "bob@x.example")]), None),
            put_request(about("acme", 3, &[("email", "ann@x.example")]), None),
            put_request(about("other", 4, &[("email", "ann@x.example")]), None),
        ],
    )
    .await;
    let by_email = [("email", "ann@x.example")];
    assert_eq!(found(store, &acme, &by_email).await, [request_id(3), request_id(1)]);
    assert_eq!(found(store, &other, &by_email).await, [request_id(4)]);
    assert!(found(store, &tenant_id("nobody"), &by_email).await.is_empty());
    let by_id = [("user_id", "7")];
    assert_eq!(found(store, &acme, &by_id).await, [request_id(1)]);
    // Kind and value are told apart, and are exact.
    for wrong in [("user_i", "d7"), ("email", "7"), ("email", "ANN@x.example"), ("email", "")] {
        assert!(found(store, &acme, &[wrong]).await.is_empty(), "{wrong:?}");
    }
    assert!(found(store, &acme, &[]).await.is_empty());

    // One that is found later leads to the request, and the earlier ones still do.
    let mut learned = next(first, RequestState::Processing);
    let (kind, value) = identity("phone_number", "+491");
    let source = IdentitySource::Task(task_id(1));
    learned.subject.identities.push(Identity { kind, value, source });
    put(store, [put_request(learned.clone(), None)]).await;
    let by_phone = [("phone_number", "+491")];
    assert_eq!(found(store, &acme, &by_phone).await, [request_id(1)]);
    assert_eq!(found(store, &acme, &by_id).await, [request_id(1)]);
    let all = [("phone_number", "+491"), ("user_id", "7"), ("email", "ann@x.example"), by_email[0]];
    assert_eq!(found(store, &acme, &all).await, [request_id(3), request_id(1)], "each once");
    let page = Page::first();
    let stored = store.requests_about(&acme, &[identity("user_id", "7")], &page).await.unwrap();
    assert_eq!(stored.items, std::slice::from_ref(&learned), "as it is now");

    // And one that it does not have any more leads nowhere.
    let mut fewer = next(learned, RequestState::Canceled);
    fewer.subject.identities.truncate(1);
    put(store, [put_request(fewer, None)]).await;
    assert!(found(store, &acme, &by_phone).await.is_empty());
    assert_eq!(found(store, &acme, &by_email).await, [request_id(3), request_id(1)]);
}

pub(crate) async fn requests_about_a_person_come_in_pages_and_each_once(store: &dyn StateStore) {
    with_tenants(store).await;
    let acme = tenant_id("acme");
    for n in 0..9 {
        // Known by one identity, by the other, or by both.
        let all = [("email", "ann@x.example"), ("user_id", "7")];
        let some = match n % 3 {
            0 => &all[..1],
            1 => &all[1..],
            _ => &all[..],
        };
        put(store, [put_request(about("acme", n, some), None)]).await;
        put(store, [put_request(about("acme", 100 + n, &[("email", "bob@x.example")]), None)])
            .await;
    }
    let identities = [identity("email", "ann@x.example"), identity("user_id", "7")];
    let expected: Vec<_> = (0..9).rev().map(request_id).collect();
    for limit in [1, 2, 3, 8, 9, 10, 1000] {
        let mut page = Page { limit, cursor: None };
        let mut seen = Vec::new();
        loop {
            let list = store.requests_about(&acme, &identities, &page).await.unwrap();
            assert!(list.items.len() <= limit);
            seen.extend(ids(&list.items));
            match list.next_cursor {
                Some(cursor) => page.cursor = Some(cursor),
                None => break,
            }
        }
        assert_eq!(seen, expected, "limit {limit}");
    }
    for cursor in ["", "%", "not base64!", &"A".repeat(4096)] {
        let page = Page { limit: 10, cursor: Some(cursor.to_owned()) };
        let list = store.requests_about(&acme, &identities, &page).await.unwrap();
        assert_eq!((list.items.len(), list.next_cursor), (0, None), "{cursor}");
    }
}

pub(crate) async fn late_requests_are_open_ones_with_a_deadline_before_a_time(
    store: &dyn StateStore,
) {
    with_tenants(store).await;
    let acme = tenant_id("acme");
    let due = |n, due_at: Option<i64>| {
        let policy = if n == 4 { "delete" } else { "access" };
        PrivacyRequest { due_at: due_at.map(at), ..request("acme", policy, n) }
    };
    let one = due(1, Some(100));
    let all = [one.clone(), due(2, Some(300)), due(3, None), due(4, Some(200)), due(5, Some(50))];
    put(store, all.map(|request| put_request(request, None))).await;
    put(store, [put_request(request("other", "access", 6), None)]).await;
    let late = async |before, filter: RequestFilter| {
        let filter = RequestFilter { due_before: Some(at(before)), ..filter };
        let list = store.requests(&acme, &filter, &Page::first()).await.unwrap();
        ids(&list.items)
    };
    let any = RequestFilter::default;
    let named = |names: &[u64]| names.iter().map(|n| request_id(*n)).collect::<Vec<_>>();
    assert_eq!(late(50, any()).await, named(&[]), "the time itself is not before it");
    assert_eq!(late(51, any()).await, named(&[5]));
    assert_eq!(late(1000, any()).await, named(&[5, 4, 2, 1]), "newest first");
    let policy = Some(policy_key("delete"));
    assert_eq!(late(1000, RequestFilter { policy, ..any() }).await, named(&[4]));
    let external_id = Some("case 2".to_owned());
    assert_eq!(late(1000, RequestFilter { external_id, ..any() }).await, named(&[2]));
    let created_before = Some(at(4));
    assert_eq!(late(1000, RequestFilter { created_before, ..any() }).await, named(&[2, 1]));

    let filter = RequestFilter { due_before: Some(at(1000)), ..any() };
    let first = store.requests(&acme, &filter, &Page { limit: 3, cursor: None }).await.unwrap();
    let page = Page { limit: 3, cursor: first.next_cursor };
    let rest = store.requests(&acme, &filter, &page).await.unwrap();
    assert_eq!((ids(&first.items), ids(&rest.items)), (named(&[5, 4, 2]), named(&[1])));
    assert_eq!(rest.next_cursor, None);

    // Later, never, and closed.
    let mut later = next(one, RequestState::Processing);
    later.due_at = Some(at(5000));
    put(store, [put_request(later.clone(), None)]).await;
    assert_eq!(late(1000, any()).await, named(&[5, 4, 2]));
    let mut never = next(later, RequestState::Processing);
    never.due_at = None;
    let closed = next(due(5, Some(50)), RequestState::Complete);
    put(store, [put_request(never, None), put_request(closed, None)]).await;
    assert_eq!(late(10_000, any()).await, named(&[4, 2]));
}
