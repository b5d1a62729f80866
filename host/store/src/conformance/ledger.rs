//! The ledger, followed and listed.

use cordon_model::commit::Commit;
use cordon_model::page::Page;
use cordon_model::port::StateStore;

use super::with_tenants;
use crate::tests::sample::{event, request_id, tenant_id};

pub(crate) async fn events_of_a_request_are_followed_from_a_sequence_on(store: &dyn StateStore) {
    with_tenants(store).await;
    let (acme, id) = (tenant_id("acme"), request_id(1));
    let after = async |sequence, limit| {
        let events = store.events_after(&acme, id, sequence, limit).await.unwrap();
        events.into_iter().map(|entry| (entry.sequence, entry.event.event)).collect::<Vec<_>>()
    };
    assert!(after(0, 10).await.is_empty());
    for n in 1..=3 {
        let told = |of: &str, request| event(Some(of), &format!("{of} {n}")).about(request);
        let of_no_request = event(Some("acme"), "none");
        let audit =
            vec![told("acme", id), told("acme", request_id(2)), told("other", id), of_no_request];
        store.commit(Commit { changes: Vec::new(), audit }).await.unwrap();
    }
    let all = [(1, "acme 1".to_owned()), (4, "acme 2".to_owned()), (7, "acme 3".to_owned())];
    assert_eq!(after(0, 10).await, all);
    assert_eq!(after(0, 2).await, all[..2]);
    assert!(after(0, 0).await.is_empty());
    assert_eq!(after(1, 10).await, all[1..]);
    assert_eq!(after(3, 10).await, all[1..], "a sequence of another request counts too");
    assert_eq!(after(4, 1).await, all[2..]);
    assert!(after(7, 10).await.is_empty());
    assert!(after(u64::MAX, 10).await.is_empty());
    let whole = store.events_after(&acme, id, 6, 10).await.unwrap();
    assert_eq!(whole[0].event, event(Some("acme"), "acme 3").about(id));
    let nobody = store.events_after(&tenant_id("nobody"), id, 0, 10).await.unwrap();
    assert!(nobody.is_empty());
}

pub(crate) async fn a_ledger_is_read_newest_first_in_pages(store: &dyn StateStore) {
    with_tenants(store).await;
    let (acme, nobody) = (tenant_id("acme"), tenant_id("nobody"));
    let empty = store.audit(None, &Page::first()).await.unwrap();
    assert_eq!((empty.items.len(), empty.next_cursor), (0, None));
    for n in 0..300 {
        let audit = vec![
            event(Some("acme"), &format!("acme {n}")).about(request_id(n % 3)),
            event(None, &format!("host {n}")),
        ];
        store.commit(Commit { changes: Vec::new(), audit }).await.unwrap();
    }
    for (tenant, name) in [(Some(&acme), "acme"), (None, "host")] {
        for limit in [7, 150, 200, 1000] {
            let mut page = Page { limit, cursor: None };
            let mut seen = Vec::new();
            loop {
                let list = store.audit(tenant, &page).await.unwrap();
                assert!(list.items.len() <= limit.min(Page::LIMIT_MAX));
                seen.extend(list.items.into_iter().map(|e| (e.sequence, e.event.event)));
                match list.next_cursor {
                    Some(cursor) => page.cursor = Some(cursor),
                    None => break,
                }
            }
            let expected: Vec<_> = (0..300).rev().map(|n| (n + 1, format!("{name} {n}"))).collect();
            assert_eq!(seen, expected, "limit {limit}");
        }
    }
    for tenant in [&tenant_id("other"), &nobody] {
        let list = store.audit(Some(tenant), &Page::first()).await.unwrap();
        assert!(list.items.is_empty());
    }
    for cursor in ["", "%", "not base64!", &"A".repeat(4096)] {
        let page = Page { limit: 10, cursor: Some(cursor.to_owned()) };
        let list = store.audit(Some(&acme), &page).await.unwrap();
        assert_eq!((list.items.len(), list.next_cursor), (0, None), "{cursor}");
    }
}
