//! Lists and filters.

use std::collections::BTreeSet;

use cordon_model::commit::{Change, RequestFilter};
use cordon_model::page::Page;
use cordon_model::port::StateStore;
use cordon_model::request::{RequestState, Status};

use super::with_tenants;
use crate::tests::sample::{
    api_key, at, connection, kept, next, policy, policy_key, put, put_connection, put_request,
    request, tenant, tenant_id,
};

pub(crate) async fn lists_are_newest_first_and_paged(store: &dyn StateStore) {
    with_tenants(store).await;
    for n in 0..7 {
        let name = format!("n{}", (n * 5) % 7);
        put(
            store,
            [
                Change::PutApiKey(api_key(Some("acme"), n)),
                put_connection(connection("acme", &name, n)),
                Change::PutPolicy(policy("acme", &name, i64::try_from(n).unwrap())),
                put_request(request("acme", "access", n), None),
            ],
        )
        .await;
    }
    // Same time: still each of them once.
    put(store, [put_request(request("other", "access", 0), None)]).await;
    let mut tied = request("acme", "access", 7);
    tied.created_at = at(6);
    put(store, [put_request(tied, None)]).await;

    for limit in [1, 2, 3, 7, 200, 1000] {
        let times = pages(store, limit, async |store, page| {
            let list = store.requests(&tenant_id("acme"), &RequestFilter::default(), &page).await;
            let list = list.unwrap();
            (list.items.iter().map(|r| r.created_at).collect(), list.next_cursor)
        });
        let expected: Vec<_> = [6, 6, 5, 4, 3, 2, 1, 0].map(at).into();
        assert_eq!(times.await, expected, "limit {limit}");
        let times = pages(store, limit, async |store, page| {
            let list = store.connections(&tenant_id("acme"), &page).await.unwrap();
            (list.items.iter().map(|c| c.created_at).collect(), list.next_cursor)
        });
        let expected: Vec<_> = [6, 5, 4, 3, 2, 1, 0].map(at).into();
        assert_eq!(times.await, expected);
        let times = pages(store, limit, async |store, page| {
            let list = store.policies(&tenant_id("acme"), &page).await.unwrap();
            (list.items.iter().map(|p| p.created_at).collect(), list.next_cursor)
        });
        assert_eq!(times.await, expected);
        let times = pages(store, limit, async |store, page| {
            let list = store.api_keys(Some(&tenant_id("acme")), &page).await.unwrap();
            (list.items.iter().map(|k| k.created_at).collect(), list.next_cursor)
        });
        assert_eq!(times.await, expected);
    }
    let mut newest = tenant("newest");
    newest.created_at = at(1);
    put(store, [Change::PutTenant(newest.clone())]).await;
    let page = Page { limit: 1, cursor: None };
    let first = store.tenants(&page).await.unwrap();
    assert_eq!(first.items.iter().map(kept).collect::<Vec<_>>(), [kept(&newest)]);
    let rest = Page { limit: 9, cursor: first.next_cursor };
    assert_eq!(store.tenants(&rest).await.unwrap().items.len(), 2);
}

/// Everything of a list, page by page; no page is longer than its limit.
async fn pages<T>(
    store: &dyn StateStore,
    limit: usize,
    list: impl AsyncFn(&dyn StateStore, Page) -> (Vec<T>, Option<String>),
) -> Vec<T> {
    let mut all = Vec::new();
    let mut cursor = None;
    loop {
        let (items, next) = list(store, Page { limit, cursor }).await;
        assert!(items.len() <= limit.min(Page::LIMIT_MAX));
        all.extend(items);
        match next {
            Some(next) => cursor = Some(next),
            None => return all,
        }
    }
}

pub(crate) async fn a_made_up_cursor_leads_to_an_empty_page(store: &dyn StateStore) {
    with_tenants(store).await;
    let acme = tenant_id("acme");
    put(store, [put_request(request("acme", "access", 1), None)]).await;
    put(store, [put_connection(connection("acme", "users", 1))]).await;
    let long = "A".repeat(4096);
    for cursor in ["", "%", "not base64!", "....", "\u{1F511}", &long] {
        let page = Page { limit: 10, cursor: Some(cursor.to_owned()) };
        let list = store.requests(&acme, &RequestFilter::default(), &page).await.unwrap();
        assert_eq!((list.items.len(), list.next_cursor), (0, None), "{cursor}");
        let list = store.connections(&acme, &page).await.unwrap();
        assert_eq!((list.items.len(), list.next_cursor), (0, None), "{cursor}");
        let list = store.tenants(&page).await.unwrap();
        assert_eq!((list.items.len(), list.next_cursor), (0, None), "{cursor}");
    }
}

pub(crate) async fn requests_are_filtered(store: &dyn StateStore) {
    with_tenants(store).await;
    let acme = tenant_id("acme");
    for n in 0..6 {
        let policy = if n % 2 == 0 { "access" } else { "delete" };
        let created = request("acme", policy, n);
        put(store, [put_request(created.clone(), None)]).await;
        if n >= 4 {
            put(store, [put_request(next(created, RequestState::Canceled), None)]).await;
        }
    }
    let mut same_case = request("acme", "access", 9);
    same_case.external_id = Some("case 1".into());
    put(store, [put_request(same_case, None)]).await;
    let mut unnamed = request("acme", "access", 8);
    unnamed.external_id = None;
    put(store, [put_request(unnamed, None)]).await;

    let found = async |filter: RequestFilter| -> Vec<i64> {
        let list = store.requests(&acme, &filter, &Page::first()).await.unwrap();
        assert_eq!(list.next_cursor, None);
        let times = list.items.iter().map(|r| r.created_at.as_second() - at(0).as_second());
        times.collect()
    };
    let all = RequestFilter::default;
    assert_eq!(found(all()).await, [9, 8, 5, 4, 3, 2, 1, 0]);
    let statuses = BTreeSet::from([Status::Canceled]);
    assert_eq!(found(RequestFilter { statuses, ..all() }).await, [5, 4]);
    let statuses = BTreeSet::from([Status::Canceled, Status::Pending]);
    let policy = Some(policy_key("delete"));
    assert_eq!(found(RequestFilter { statuses, policy, ..all() }).await, [5, 3, 1]);
    let external_id = Some("case 1".to_owned());
    assert_eq!(found(RequestFilter { external_id, ..all() }).await, [9, 1]);
    let external_id = Some("case 7".to_owned());
    assert!(found(RequestFilter { external_id, ..all() }).await.is_empty());
    let (created_after, created_before) = (Some(at(1)), Some(at(5)));
    let between = RequestFilter { created_after, created_before, ..all() };
    assert_eq!(found(between.clone()).await, [4, 3, 2], "both ends are out");
    let external_id = Some("case 1".to_owned());
    assert_eq!(found(RequestFilter { external_id, created_after, ..all() }).await, [9]);
    let external_id = Some("case 1".to_owned());
    assert_eq!(found(RequestFilter { external_id, created_before, ..all() }).await, [1]);
    let other = tenant_id("other");
    assert!(store.requests(&other, &all(), &Page::first()).await.unwrap().items.is_empty());

    let page = Page { limit: 2, cursor: None };
    let first = store.requests(&acme, &between, &page).await.unwrap();
    let rest = Page { limit: 2, cursor: first.next_cursor };
    let rest = store.requests(&acme, &between, &rest).await.unwrap();
    assert_eq!((first.items.len(), rest.items.len(), rest.next_cursor), (2, 1, None));
}
