//! The end of a tenant.

use cordon_model::commit::{Change, Commit, RequestFilter, Target};
use cordon_model::page::Page;
use cordon_model::port::StateStore;
use cordon_model::request::RequestState;
use cordon_model::task::{Stage, TaskState};
use cordon_model::{Revision, TenantId};

use super::{Refusal, refused, with_tenants};
use crate::tests::sample::{
    api_key, at, connection, connection_key, credentials, event, input, installed_plugin, journal,
    kept, next, policy, policy_key, policy_webhook, put, put_connection, put_files, put_plugin,
    put_request, records, replay, request, request_id, success, task as task_of, task_id, tenant,
    tenant_id, webhook, webhook_id,
};

/// One of everything that a tenant can have. `n` tells API keys apart, which are the host's.
pub(crate) fn everything(name: &str, n: u64) -> Commit {
    let (tenant, id, task) = (tenant_id(name), request_id(1), task_id(1));
    let large = "large ".repeat(60_000);
    let found = vec![records(&format!(r#"[{{"text":"{large}"}}]"#))];
    let called = [journal(), vec![success("large", Some(large.clone().into()))]].concat();
    let secrets = credentials(&[("token", "t")]);
    let mut asked = request(name, "access", 1);
    asked.tasks = vec![task_of(1, Stage::Access, "users", TaskState::Queued)];
    let changes = vec![
        Change::PutApiKey(api_key(Some(name), n)),
        put_connection(connection(name, "users", 1)),
        Change::PutSecrets(tenant.clone(), connection_key("users"), secrets),
        put_plugin(&installed_plugin(Some(name), "1.0", 1)),
        Change::PutNewestVersion {
            scope: Some(tenant.clone()),
            name: "crm".into(),
            before: None,
            version: "1.0".into(),
        },
        Change::PutPolicy(policy(name, "access", 1)),
        Change::PutManualWebhook(webhook(name, "access", "crm", 1)),
        Change::PutPolicyWebhook(policy_webhook(name, "access", 1)),
        put_request(asked, Some(at(10))),
        put_files(input(name, 1, 1, &[]), &[("a", "a", b"small"), ("b", "b", large.as_bytes())]),
        Change::PutRecords(tenant.clone(), id, task, found),
        Change::AppendJournal(tenant, id, task, called),
        Change::PutReplay(replay(Some(name), "k", None)),
    ];
    Commit { changes, audit: vec![event(Some(name), "made").about(id)] }
}

/// How much of everything a tenant has, in every way that it can be asked for.
async fn counts(store: &dyn StateStore, name: &str, n: u64) -> Vec<usize> {
    let (tenant, id, task, page) = (tenant_id(name), request_id(1), task_id(1), Page::first());
    let (users, access) = (connection_key("users"), policy_key("access"));
    let person = [("user_id".parse().unwrap(), "4711".to_owned())];
    let (all, late) = (
        RequestFilter::default(),
        RequestFilter { due_before: Some(at(10_000_000)), ..RequestFilter::default() },
    );
    let external = RequestFilter { external_id: Some("case 1".into()), ..all.clone() };
    let key = api_key(Some(name), n);
    let connection_uuid = connection(name, "users", 1).uuid;
    let is = usize::from;
    let route = "POST /v1/privacy-requests";
    let due: Vec<(TenantId, Vec<_>)> = store.due(at(100), 100).await.unwrap();
    let tenant_of = Some(&tenant);
    vec![
        is(store.api_key_by_hash(&key.hash).await.unwrap().is_some()),
        is(store.api_key(tenant_of, key.id).await.unwrap().is_some()),
        store.api_keys(tenant_of, &page).await.unwrap().items.len(),
        is(store.connection(&tenant, &users).await.unwrap().is_some()),
        is(store.connection_by_uuid(&tenant, connection_uuid).await.unwrap().is_some()),
        is(store.connection_at(&tenant, &users, Revision(1)).await.unwrap().is_some()),
        store.connections(&tenant, &page).await.unwrap().items.len(),
        is(store.vault(&tenant, &users).await.unwrap().is_some()),
        store.plugins(tenant_of).await.unwrap().len(),
        is(store.newest_plugin_version(tenant_of, "crm").await.unwrap().is_some()),
        is(store.plugin_component(tenant_of, "crm", "1.0").await.unwrap().is_some()),
        is(store.policy(&tenant, &access).await.unwrap().is_some()),
        store.policies(&tenant, &page).await.unwrap().items.len(),
        is(store.manual_webhook(&tenant, &connection_key("crm")).await.unwrap().is_some()),
        store.manual_webhooks(&tenant, &access).await.unwrap().len(),
        is(store.policy_webhook(&tenant, &access, webhook_id(1)).await.unwrap().is_some()),
        store.policy_webhooks(&tenant, &access).await.unwrap().len(),
        is(store.request(&tenant, id).await.unwrap().is_some()),
        store.requests(&tenant, &all, &page).await.unwrap().items.len(),
        store.requests(&tenant, &external, &page).await.unwrap().items.len(),
        store.requests(&tenant, &late, &page).await.unwrap().items.len(),
        store.requests_about(&tenant, &person, &page).await.unwrap().items.len(),
        usize::try_from(store.open_requests_under(&tenant, &access).await.unwrap()).unwrap(),
        usize::try_from(store.open_requests_using(&tenant, &users).await.unwrap()).unwrap(),
        store.inputs(&tenant, id).await.unwrap().len(),
        is(store.input_file(&tenant, id, task, "a").await.unwrap().is_some()),
        is(store.input_file(&tenant, id, task, "b").await.unwrap().is_some()),
        store.records(&tenant, id, task).await.unwrap().len(),
        is(!store.journal(&tenant, id, task).await.unwrap().is_empty()),
        store.events(&tenant, id, &page).await.unwrap().items.len(),
        store.audit(tenant_of, &page).await.unwrap().items.len(),
        due.iter().filter(|(of, _)| *of == tenant).count(),
        is(store.replay(tenant_of, route, "k", at(0)).await.unwrap().is_some()),
    ]
}

fn remove(name: &str, revision: u64) -> Change {
    Change::DeleteTenant(tenant_id(name), Revision(revision))
}

pub(crate) async fn a_removed_tenant_leaves_nothing_and_its_name_is_free(store: &dyn StateStore) {
    with_tenants(store).await;
    // A name that begins like it.
    put(store, [Change::PutTenant(tenant("acme-2"))]).await;
    let names = ["acme", "acme-2", "other"];
    for (name, n) in names.into_iter().zip(1..) {
        store.commit(everything(name, n)).await.unwrap();
    }
    let of_operator = api_key(None, 9);
    put(store, [Change::PutApiKey(of_operator.clone())]).await;
    let (acme, page) = (tenant_id("acme"), Page::first());
    let all = counts(store, "acme", 1).await;
    assert_eq!(all, vec![1; all.len()], "there is one of everything");

    let audit = vec![event(None, "tenant.deleted")];
    store.commit(Commit { changes: vec![remove("acme", 1)], audit }).await.unwrap();
    let none = vec![0; all.len()];
    assert_eq!(counts(store, "acme", 1).await, none);
    assert!(store.tenant(&acme).await.unwrap().is_none());
    assert_eq!(store.tenants(&page).await.unwrap().items.len(), 2);
    for (name, n) in names.into_iter().zip(1..).skip(1) {
        assert_eq!(counts(store, name, n).await, all, "{name}");
    }
    let key = store.api_key_by_hash(&of_operator.hash).await.unwrap();
    assert_eq!(key, Some(of_operator));
    assert_eq!(store.audit(None, &page).await.unwrap().items.len(), 1);
    assert_eq!(refused(store, [remove("acme", 1)]).await, Refusal::Absent(Target::Tenant(acme)));
    let late = Change::PutPolicy(policy("acme", "late", 1));
    let absent = Refusal::Absent(Target::Tenant(tenant_id("acme")));
    assert_eq!(refused(store, [late]).await, absent);

    put(store, [Change::PutTenant(tenant("acme"))]).await;
    assert_eq!(counts(store, "acme", 1).await, none, "a new tenant inherits nothing");
    store.commit(everything("acme", 1)).await.unwrap();
    assert_eq!(counts(store, "acme", 1).await, all);
    let events = store.audit(Some(&tenant_id("acme")), &page).await.unwrap().items;
    assert_eq!(events[0].sequence, 1, "its ledger begins anew");
}

pub(crate) async fn a_tenant_is_removed_at_its_revision_and_with_its_commit_only(
    store: &dyn StateStore,
) {
    with_tenants(store).await;
    store.commit(everything("acme", 1)).await.unwrap();
    let all = counts(store, "acme", 1).await;
    let conflict = Refusal::Conflict(Target::Tenant(tenant_id("acme")));
    assert_eq!(refused(store, [remove("acme", 2)]).await, conflict);
    // Refused, after it was accepted.
    let refuses = || Change::DeletePolicy(tenant_id("other"), policy_key("absent"), Revision(1));
    let absent = Refusal::Absent(Target::Policy(policy_key("absent")));
    assert_eq!(refused(store, [remove("acme", 1), refuses()]).await, absent);
    // Nothing can be written, nor told of, for a tenant that the same commit removes.
    let gone = || Refusal::Absent(Target::Tenant(tenant_id("acme")));
    let late = Change::PutPolicy(policy("acme", "late", 1));
    assert_eq!(refused(store, [remove("acme", 1), late]).await, gone());
    let audit = vec![event(Some("acme"), "tenant.deleted")];
    let told = Commit { changes: vec![remove("acme", 1)], audit };
    assert!(store.commit(told).await.is_err());
    assert_eq!(counts(store, "acme", 1).await, all);
    put(store, [Change::PutPolicy(policy("acme", "early", 1)), remove("acme", 1)]).await;
    assert_eq!(counts(store, "acme", 1).await, vec![0; all.len()]);
}

pub(crate) async fn a_tenant_can_be_removed_and_made_again_in_one_commit(store: &dyn StateStore) {
    with_tenants(store).await;
    store.commit(everything("acme", 1)).await.unwrap();
    let all = counts(store, "acme", 1).await;
    let mut anew = tenant("acme");
    anew.display_name = "Another".into();
    let mut commit = everything("acme", 1);
    commit.changes.splice(0..0, [remove("acme", 1), Change::PutTenant(anew.clone())]);
    store.commit(commit).await.unwrap();
    assert_eq!(counts(store, "acme", 1).await, all);
    let stored = store.tenant(&anew.id).await.unwrap();
    assert_eq!(stored.as_ref().map(kept), Some(kept(&anew)));
}

pub(crate) async fn a_tenant_is_erased_in_steps_of_which_the_first_makes_it_unreadable(
    store: &dyn StateStore,
) {
    with_tenants(store).await;
    for (name, n) in [("acme", 1), ("other", 2)] {
        store.commit(everything(name, n)).await.unwrap();
    }
    let (acme, all) = (tenant_id("acme"), counts(store, "other", 2).await);
    assert!(!store.erase_tenant(&acme, 3).await.unwrap(), "there is more");
    let hash = api_key(Some("acme"), 1).hash;
    assert!(store.api_key_by_hash(&hash).await.unwrap().is_none());
    assert!(store.request(&acme, request_id(1)).await.unwrap().is_none());
    assert!(store.plugins_of_all().await.unwrap().damaged.is_empty(), "nothing is in the way");
    assert!(store.tenant(&acme).await.unwrap().is_some(), "it is there until the end");
    let late = Change::PutPolicy(policy("acme", "late", 1));
    let absent = Refusal::Absent(Target::Tenant(acme.clone()));
    assert_eq!(refused(store, [late]).await, absent);
    let mut steps = 1;
    while !store.erase_tenant(&acme, 3).await.unwrap() {
        steps += 1;
    }
    assert!(steps > 3, "{steps} steps");
    assert!(store.erase_tenant(&acme, 3).await.unwrap(), "once more changes nothing");
    put(store, [remove("acme", 1)]).await;
    assert_eq!(counts(store, "acme", 1).await, vec![0; all.len()]);
    assert_eq!(counts(store, "other", 2).await, all);
    put(store, [Change::PutTenant(tenant("acme"))]).await;
    assert_eq!(counts(store, "acme", 1).await, vec![0; all.len()], "a new one inherits nothing");
}

/// The second revision of a tenant: it is being removed.
fn marked(name: &str) -> Change {
    let mut marked = tenant(name);
    marked.revision = Revision(2);
    marked.removing_since = Some(at(1));
    Change::PutTenant(marked)
}

pub(crate) async fn nothing_new_is_taken_in_for_a_tenant_that_is_being_removed(
    store: &dyn StateStore,
) {
    with_tenants(store).await;
    let (acme, open) = (tenant_id("acme"), request("acme", "access", 1));
    put(store, [put_request(open.clone(), None)]).await;
    put(store, [marked("acme")]).await;
    let absent = || Refusal::Absent(Target::Tenant(acme.clone()));
    for new in [
        put_request(request("acme", "access", 2), None),
        Change::PutPolicy(policy("acme", "late", 1)),
        Change::PutApiKey(api_key(Some("acme"), 1)),
    ] {
        assert_eq!(refused(store, [new]).await, absent());
    }
    // Of the work that is being stopped it is still known where it was.
    put(store, [put_request(next(open, RequestState::Approved), None)]).await;
    put(store, [put_request(request("other", "access", 3), None)]).await;
    assert_eq!(store.tenant(&acme).await.unwrap().unwrap().removing_since, Some(at(1)));
}

pub(crate) async fn a_tenant_with_a_request_that_is_not_final_is_not_idle(store: &dyn StateStore) {
    with_tenants(store).await;
    let idle = |name| Change::RequireIdle(tenant_id(name));
    put(store, [idle("acme"), put_request(request("acme", "access", 1), None)]).await;
    let conflict = || Refusal::Conflict(Target::Tenant(tenant_id("acme")));
    assert_eq!(refused(store, [marked("acme"), idle("acme")]).await, conflict());
    let stored = store.tenant(&tenant_id("acme")).await.unwrap().unwrap();
    assert_eq!(stored.removing_since, None, "nothing of the commit was");
    put(store, [marked("other"), idle("other")]).await;
    let ended = next(request("acme", "access", 1), RequestState::Denied { reason: None });
    put(store, [put_request(ended, None), idle("acme")]).await;
}
