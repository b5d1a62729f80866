//! Commits: revisions, all or nothing, the ledger.

use cordon_model::commit::{Change, Commit, Target};
use cordon_model::page::Page;
use cordon_model::policy::Policy;
use cordon_model::port::StateStore;
use cordon_model::request::RequestState;
use cordon_model::{ConnectionKey, Revision};

use super::{Refusal, refused, with_tenants};
use crate::tests::sample::{
    api_key, connection, connection_key, credentials, event, input, next, policy, policy_key,
    policy_webhook, put, put_connection, put_input, put_request, records, replay, request,
    request_id, task_id, tenant, tenant_id, webhook, webhook_id,
};

pub(crate) async fn revisions_are_compared(store: &dyn StateStore) {
    with_tenants(store).await;
    let put_each = |revision| {
        let revision = Revision(revision);
        let mut tenant = tenant("acme");
        tenant.revision = revision;
        let mut connection = connection("acme", "users", 1);
        connection.revision = revision;
        let mut policy = policy("acme", "access", 1);
        policy.revision = revision;
        let mut webhook = webhook("acme", "access", "crm", 1);
        webhook.revision = revision;
        let mut hook = policy_webhook("acme", "access", 1);
        hook.revision = revision;
        let mut request = request("acme", "access", 1);
        request.revision = revision;
        [
            (Change::PutTenant(tenant.clone()), Target::Tenant(tenant.id)),
            (put_connection(connection.clone()), Target::Connection(connection.key)),
            (Change::PutPolicy(policy.clone()), Target::Policy(policy.key)),
            (Change::PutManualWebhook(webhook.clone()), Target::ManualWebhook(webhook.connection)),
            (Change::PutPolicyWebhook(hook.clone()), Target::PolicyWebhook(hook.id)),
            (put_request(request.clone(), None), Target::Request(request.id)),
        ]
    };
    for (change, target) in put_each(2).into_iter().skip(1) {
        // A policy webhook misses its policy first.
        let target = match target {
            Target::PolicyWebhook(_) => Target::Policy(policy_key("access")),
            target => target,
        };
        assert_eq!(refused(store, [change]).await, Refusal::Absent(target));
    }
    // The tenant is there already.
    put(store, put_each(1).into_iter().skip(1).map(|(change, _)| change)).await;
    put(store, put_each(2).map(|(change, _)| change)).await;
    for (change, target) in put_each(1) {
        assert_eq!(refused(store, [change]).await, Refusal::Exists(target));
    }
    for wrong in [0, 2, 4] {
        for (change, target) in put_each(wrong) {
            assert_eq!(refused(store, [change]).await, Refusal::Conflict(target));
        }
    }
    put(store, put_each(3).map(|(change, _)| change)).await;
}

pub(crate) async fn what_is_absent_cannot_be_replaced_or_removed(store: &dyn StateStore) {
    with_tenants(store).await;
    let acme = tenant_id("acme");
    let users: ConnectionKey = connection_key("users");
    let first = Revision::FIRST;
    for (change, target) in [
        (
            Change::DeleteConnection(acme.clone(), users.clone(), first),
            Target::Connection(users.clone()),
        ),
        (
            Change::DeletePolicy(acme.clone(), policy_key("access"), first),
            Target::Policy(policy_key("access")),
        ),
        (
            Change::DeleteManualWebhook(acme.clone(), users.clone(), first),
            Target::ManualWebhook(users.clone()),
        ),
        (
            Change::DeletePolicyWebhook(acme.clone(), policy_key("access"), webhook_id(1), first),
            Target::PolicyWebhook(webhook_id(1)),
        ),
        (Change::DeleteTenant(tenant_id("nobody"), first), Target::Tenant(tenant_id("nobody"))),
        (Change::RemoveContent(acme.clone(), request_id(1)), Target::Request(request_id(1))),
        (Change::DeleteApiKey(None, api_key(None, 1).id), Target::ApiKey(api_key(None, 1).id)),
    ] {
        assert_eq!(refused(store, [change]).await, Refusal::Absent(target));
    }
    let no_tenant = || Refusal::Absent(Target::Tenant(tenant_id("nobody")));
    for change in [
        put_connection(connection("nobody", "users", 1)),
        Change::PutSecrets(tenant_id("nobody"), users, credentials(&[])),
        Change::PutPolicy(policy("nobody", "access", 1)),
        Change::PutManualWebhook(webhook("nobody", "access", "crm", 1)),
        Change::PutPolicyWebhook(policy_webhook("nobody", "access", 1)),
        Change::PutApiKey(api_key(Some("nobody"), 1)),
        put_request(request("nobody", "access", 1), None),
        Change::PutReplay(replay(Some("nobody"), "k", None)),
    ] {
        assert_eq!(refused(store, [change]).await, no_tenant());
    }
    let commit = Commit { changes: Vec::new(), audit: vec![event(Some("nobody"), "a")] };
    assert!(store.commit(commit).await.is_err());

    put(store, [Change::PutPolicy(policy("acme", "access", 1))]).await;
    let stale = Change::DeletePolicy(acme.clone(), policy_key("access"), Revision(2));
    let conflict = Refusal::Conflict(Target::Policy(policy_key("access")));
    assert_eq!(refused(store, [stale]).await, conflict);
    put(store, [Change::DeletePolicy(acme.clone(), policy_key("access"), first)]).await;
    assert_eq!(store.policy(&acme, &policy_key("access")).await.unwrap(), None);
    assert!(store.policies(&acme, &Page::first()).await.unwrap().items.is_empty());
}

pub(crate) async fn a_refused_commit_leaves_no_trace(store: &dyn StateStore) {
    with_tenants(store).await;
    let acme = tenant_id("acme");
    let id = request_id(1);
    let commit = Commit {
        changes: vec![
            Change::PutTenant(tenant("third")),
            put_connection(connection("acme", "users", 1)),
            Change::PutPolicy(policy("acme", "access", 1)),
            put_request(
                request("acme", "access", 1),
                Some(request("acme", "access", 1).created_at),
            ),
            put_input(input("acme", 1, 1, &[("a", "b")])),
            Change::PutRecords(acme.clone(), id, task_id(1), vec![records("[{}]")]),
            Change::AppendJournal(acme.clone(), id, task_id(1), crate::tests::sample::journal()),
            Change::PutApiKey(api_key(Some("acme"), 1)),
            Change::PutReplay(replay(Some("acme"), "k", None)),
            // Refused, after everything else was accepted.
            Change::DeletePolicy(acme.clone(), policy_key("absent"), Revision(1)),
        ],
        audit: vec![event(Some("acme"), "submitted").about(id)],
    };
    assert!(store.commit(commit).await.is_err());
    let page = Page::first();
    assert!(store.tenant(&tenant_id("third")).await.unwrap().is_none());
    assert_eq!(store.tenants(&page).await.unwrap().items.len(), 2);
    assert!(store.connections(&acme, &page).await.unwrap().items.is_empty());
    assert!(store.policies(&acme, &page).await.unwrap().items.is_empty());
    assert!(store.api_keys(Some(&acme), &page).await.unwrap().items.is_empty());
    let filter = cordon_model::commit::RequestFilter::default();
    assert!(store.requests(&acme, &filter, &page).await.unwrap().items.is_empty());
    assert_eq!(store.request(&acme, id).await.unwrap(), None);
    assert!(store.inputs(&acme, id).await.unwrap().is_empty());
    assert!(store.records(&acme, id, task_id(1)).await.unwrap().is_empty());
    assert!(store.journal(&acme, id, task_id(1)).await.unwrap().is_empty());
    assert!(store.events(&acme, id, &page).await.unwrap().items.is_empty());
    assert!(store.due(crate::tests::sample::at(1000), 10).await.unwrap().is_empty());
    assert_eq!(store.open_requests_under(&acme, &policy_key("access")).await.unwrap(), 0);
    let now = crate::tests::sample::at(0);
    let remembered = store.replay(Some(&acme), "POST /v1/privacy-requests", "k", now).await;
    assert_eq!(remembered.unwrap(), None);
}

pub(crate) async fn changes_to_one_object_in_one_commit_work_in_order(store: &dyn StateStore) {
    let first = policy("acme", "access", 1);
    let second = Policy { revision: Revision(2), name: "Second".into(), ..first.clone() };
    let created = request("acme", "access", 1);
    let approved = next(created.clone(), RequestState::Approved);
    let (acme, id, task) = (tenant_id("acme"), request_id(1), task_id(1));
    // A tenant, and everything under it, in the commit that creates it.
    put(
        store,
        [
            Change::PutTenant(tenant("acme")),
            Change::PutPolicy(first.clone()),
            Change::PutPolicy(second.clone()),
            put_request(created, None),
            put_request(approved.clone(), None),
            put_input(input("acme", 1, 1, &[("a", "1")])),
            put_input(input("acme", 1, 1, &[("a", "2")])),
            Change::PutRecords(acme.clone(), id, task, vec![records(r#"[{"a":1}]"#)]),
            Change::PutRecords(acme.clone(), id, task, vec![records(r#"[{"a":2}]"#)]),
            put_connection(connection("acme", "users", 1)),
            Change::DeleteConnection(acme.clone(), connection_key("users"), Revision(1)),
            put_connection(connection("acme", "users", 1)),
        ],
    )
    .await;
    assert_eq!(store.policy(&acme, &first.key).await.unwrap(), Some(second.clone()));
    assert_eq!(
        store.policies(&acme, &Page::first()).await.unwrap().items,
        std::slice::from_ref(&second)
    );
    assert_eq!(store.request(&acme, id).await.unwrap(), Some(approved));
    assert_eq!(store.inputs(&acme, id).await.unwrap(), [input("acme", 1, 1, &[("a", "2")])]);
    let stored = store.records(&acme, id, task).await.unwrap();
    assert_eq!(stored[0].to_text(), r#"[{"a":2}]"#);
    assert!(store.connection(&acme, &connection_key("users")).await.unwrap().is_some());

    let remove = || Change::DeletePolicy(acme.clone(), first.key.clone(), Revision(2));
    let absent = Refusal::Absent(Target::Policy(first.key.clone()));
    assert_eq!(refused(store, [remove(), remove()]).await, absent);
    put(store, [remove(), Change::PutPolicy(first.clone())]).await;
    assert_eq!(store.policy(&acme, &first.key).await.unwrap(), Some(first));
}

pub(crate) async fn events_are_numbered_without_gaps_and_only_with_their_commit(
    store: &dyn StateStore,
) {
    with_tenants(store).await;
    let (acme, id) = (tenant_id("acme"), request_id(1));
    let told = |name: &str| event(Some("acme"), name).about(id);
    let ok = |name: &str| Commit { changes: Vec::new(), audit: vec![told(name)] };
    store.commit(ok("one")).await.unwrap();
    let mut bad = ok("never");
    bad.changes = vec![Change::DeletePolicy(acme.clone(), policy_key("absent"), Revision(1))];
    store.commit(bad).await.unwrap_err();
    let both = Commit {
        changes: Vec::new(),
        audit: vec![
            told("two"),
            event(Some("acme"), "of no request"),
            event(None, "of the host"),
            event(Some("other"), "of another").about(id),
            told("four"),
        ],
    };
    store.commit(both).await.unwrap();

    let all = store.events(&acme, id, &Page::first()).await.unwrap();
    let seen: Vec<_> = all.items.iter().map(|e| (e.sequence, e.event.event.as_str())).collect();
    assert_eq!(seen, [(1, "one"), (2, "two"), (4, "four")]);
    assert_eq!(all.items[0].event, told("one"), "stored whole");
    assert_eq!(all.next_cursor, None);
    let of_other = store.events(&tenant_id("other"), id, &Page::first()).await.unwrap();
    assert_eq!(of_other.items.iter().map(|e| e.sequence).collect::<Vec<_>>(), [1]);

    let mut page = Page { limit: 2, cursor: None };
    let first = store.events(&acme, id, &page).await.unwrap();
    assert_eq!(first.items, all.items[..2]);
    page.cursor = first.next_cursor;
    let rest = store.events(&acme, id, &page).await.unwrap();
    assert_eq!((rest.items.as_slice(), rest.next_cursor), (&all.items[2..], None));
    page.cursor = Some("\u{0}not a cursor".into());
    assert!(store.events(&acme, id, &page).await.unwrap().items.is_empty());
}
