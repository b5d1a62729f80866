//! What operators configure.

use cordon_model::api_key::KeyOwner;
use cordon_model::commit::{Change, Target};
use cordon_model::deadline::Deadline;
use cordon_model::page::Page;
use cordon_model::port::StateStore;
use cordon_model::{ApiKeyId, Revision};
use uuid::Uuid;

use super::{Refusal, refused, with_tenants};
use crate::tests::sample::{
    api_key, connection, connection_key, credentials, kept, policy, policy_key, put,
    put_connection, tenant, tenant_id, webhook,
};

pub(crate) async fn an_object_is_stored_whole(store: &dyn StateStore) {
    with_tenants(store).await;
    let acme = tenant_id("acme");
    let stored = store.tenant(&acme).await.unwrap();
    assert_eq!(stored.as_ref().map(kept), Some(kept(&tenant("acme"))));

    let users = connection("acme", "users", 1);
    put(store, [put_connection(users.clone())]).await;
    let found = store.connection(&acme, &users.key).await.unwrap();
    assert_eq!(found, Some(users.clone()));
    assert_eq!(found.unwrap().config.to_string(), users.config.to_string(), "order and digits");
    let by_uuid = store.connection_by_uuid(&acme, users.uuid).await.unwrap();
    assert_eq!(by_uuid, Some(users));

    let access = policy("acme", "access", 1);
    put(store, [Change::PutPolicy(access.clone())]).await;
    assert_eq!(store.policy(&acme, &access.key).await.unwrap(), Some(access));
    for (n, deadline) in [(2, Some(Deadline::Gdpr)), (3, Some(Deadline::Ccpa)), (4, None)] {
        let mut access = policy("acme", "access", 1);
        (access.terms.deadline, access.revision) = (deadline, Revision(n));
        put(store, [Change::PutPolicy(access.clone())]).await;
        assert_eq!(store.policy(&acme, &access.key).await.unwrap(), Some(access));
    }

    let crm = webhook("acme", "access", "crm", 1);
    put(store, [Change::PutManualWebhook(crm.clone())]).await;
    assert_eq!(store.manual_webhook(&acme, &crm.connection).await.unwrap(), Some(crm));
}

pub(crate) async fn an_api_key_is_found_by_its_hash_until_it_is_revoked(store: &dyn StateStore) {
    with_tenants(store).await;
    for owner in [None, Some("acme")] {
        let key = api_key(owner, if owner.is_some() { 2 } else { 1 });
        let tenant = owner.map(tenant_id);
        let tenant = tenant.as_ref();
        put(store, [Change::PutApiKey(key.clone())]).await;
        assert_eq!(store.api_key_by_hash(&key.hash).await.unwrap().as_ref(), Some(&key));
        assert_eq!(store.api_key(tenant, key.id).await.unwrap().as_ref(), Some(&key));
        let exists = Refusal::Exists(Target::ApiKey(key.id));
        assert_eq!(refused(store, [Change::PutApiKey(key.clone())]).await, exists);
        let mut same_hash = key.clone();
        same_hash.id = ApiKeyId::new(Uuid::from_u128(7));
        let exists = Refusal::Exists(Target::ApiKey(same_hash.id));
        assert_eq!(refused(store, [Change::PutApiKey(same_hash)]).await, exists);

        let delete = || [Change::DeleteApiKey(tenant.cloned(), key.id)];
        let of_other = [Change::DeleteApiKey(Some(tenant_id("other")), key.id)];
        let absent = Refusal::Absent(Target::ApiKey(key.id));
        assert_eq!(refused(store, of_other).await, absent);
        put(store, delete()).await;
        assert_eq!(store.api_key_by_hash(&key.hash).await.unwrap(), None);
        assert_eq!(store.api_key(tenant, key.id).await.unwrap(), None);
        assert!(store.api_keys(tenant, &Page::first()).await.unwrap().items.is_empty());
        assert_eq!(refused(store, delete()).await, absent);
    }
}

pub(crate) async fn a_connection_keeps_every_revision_even_after_it_was_removed(
    store: &dyn StateStore,
) {
    with_tenants(store).await;
    let acme = tenant_id("acme");
    let first = connection("acme", "users", 1);
    let mut second = first.clone();
    second.name = "Renamed".into();
    second.uuid = Uuid::from_u128(99);
    second.revision = Revision(2);
    put(store, [put_connection(first.clone())]).await;
    put(store, [put_connection(second.clone())]).await;
    assert_eq!(store.connection(&acme, &first.key).await.unwrap().as_ref(), Some(&second));
    assert_eq!(store.connection_by_uuid(&acme, first.uuid).await.unwrap(), None);
    assert!(store.connection_by_uuid(&acme, second.uuid).await.unwrap().is_some());

    let stale = [Change::DeleteConnection(acme.clone(), first.key.clone(), Revision(1))];
    let conflict = Refusal::Conflict(Target::Connection(first.key.clone()));
    assert_eq!(refused(store, stale).await, conflict);
    put(store, [Change::DeleteConnection(acme.clone(), first.key.clone(), Revision(2))]).await;
    assert_eq!(store.connection(&acme, &first.key).await.unwrap(), None);
    assert_eq!(store.connection_by_uuid(&acme, second.uuid).await.unwrap(), None);
    for (revision, expected) in [(1, Some(&first)), (2, Some(&second)), (3, None)] {
        let found = store.connection_at(&acme, &first.key, Revision(revision)).await.unwrap();
        assert_eq!(found.as_ref(), expected);
    }
}

pub(crate) async fn a_uuid_names_one_connection_of_a_tenant(store: &dyn StateStore) {
    with_tenants(store).await;
    let users = connection("acme", "users", 1);
    put(store, [put_connection(users.clone())]).await;
    let twin = connection("acme", "twin", 1);
    let exists = Refusal::Exists(Target::ConnectionUuid(users.uuid));
    assert_eq!(refused(store, [put_connection(twin.clone())]).await, exists);
    put(store, [put_connection(connection("other", "users", 1))]).await;
    let gone = Change::DeleteConnection(tenant_id("acme"), users.key.clone(), Revision(1));
    put(store, [gone, put_connection(twin)]).await;
}

pub(crate) async fn secrets_belong_to_a_connection_and_go_with_it(store: &dyn StateStore) {
    with_tenants(store).await;
    let (acme, users) = (tenant_id("acme"), connection_key("users"));
    let secrets = |value| {
        Change::PutSecrets(acme.clone(), users.clone(), credentials(&[("credentials", value)]))
    };
    let value = async || {
        let vault = store.vault(&acme, &users).await.unwrap();
        vault.map(|vault| vault["credentials"].expose().to_owned())
    };
    let absent = Refusal::Absent(Target::Connection(users.clone()));
    assert_eq!(refused(store, [secrets("a")]).await, absent);
    put(store, [put_connection(connection("acme", "users", 1))]).await;
    assert_eq!(value().await, None);
    put(store, [secrets("\"a\" \u{1F511}")]).await;
    assert_eq!(value().await.as_deref(), Some("\"a\" \u{1F511}"));
    put(store, [secrets("b")]).await;
    assert_eq!(value().await.as_deref(), Some("b"));
    put(store, [Change::DeleteConnection(acme.clone(), users.clone(), Revision(1))]).await;
    assert_eq!(value().await, None);
    put(store, [put_connection(connection("acme", "users", 1))]).await;
    assert_eq!(value().await, None, "a new connection does not inherit secrets");
}

pub(crate) async fn a_connection_has_one_manual_webhook_across_all_policies(
    store: &dyn StateStore,
) {
    with_tenants(store).await;
    let acme = tenant_id("acme");
    let crm = webhook("acme", "access", "crm", 2);
    put(store, [Change::PutManualWebhook(crm.clone())]).await;
    let exists = || Refusal::Exists(Target::ManualWebhook(crm.connection.clone()));
    let mut elsewhere = webhook("acme", "delete", "crm", 3);
    assert_eq!(refused(store, [Change::PutManualWebhook(elsewhere.clone())]).await, exists());
    elsewhere.revision = Revision(2);
    assert_eq!(refused(store, [Change::PutManualWebhook(elsewhere.clone())]).await, exists());

    let hr = webhook("acme", "access", "hr", 1);
    put(store, [Change::PutManualWebhook(hr.clone())]).await;
    put(store, [Change::PutManualWebhook(webhook("acme", "access-all", "legal", 1))]).await;
    let of_policy = async |key| store.manual_webhooks(&acme, &policy_key(key)).await.unwrap();
    assert_eq!(of_policy("access").await, [hr, crm.clone()], "oldest first, of this policy only");
    assert!(of_policy("delete").await.is_empty());

    let delete = |revision| {
        [Change::DeleteManualWebhook(acme.clone(), crm.connection.clone(), Revision(revision))]
    };
    let conflict = Refusal::Conflict(Target::ManualWebhook(crm.connection.clone()));
    assert_eq!(refused(store, delete(2)).await, conflict);
    put(store, delete(1)).await;
    assert_eq!(of_policy("access").await.len(), 1);
    elsewhere.revision = Revision::FIRST;
    put(store, [Change::PutManualWebhook(elsewhere)]).await;
    assert_eq!(of_policy("delete").await.len(), 1);
}

pub(crate) async fn another_tenants_rows_are_as_if_absent(store: &dyn StateStore) {
    with_tenants(store).await;
    let (acme, other) = (tenant_id("acme"), tenant_id("other"));
    let users = connection("acme", "users", 1);
    let key = api_key(Some("acme"), 1);
    put(
        store,
        [
            put_connection(users.clone()),
            Change::PutSecrets(acme, users.key.clone(), credentials(&[("a", "b")])),
            Change::PutPolicy(policy("acme", "access", 1)),
            Change::PutManualWebhook(webhook("acme", "access", "crm", 1)),
            Change::PutApiKey(key.clone()),
        ],
    )
    .await;
    let page = Page::first();
    assert_eq!(store.connection(&other, &users.key).await.unwrap(), None);
    assert_eq!(store.connection_by_uuid(&other, users.uuid).await.unwrap(), None);
    assert_eq!(store.connection_at(&other, &users.key, Revision(1)).await.unwrap(), None);
    assert!(store.vault(&other, &users.key).await.unwrap().is_none());
    assert_eq!(store.policy(&other, &policy_key("access")).await.unwrap(), None);
    assert_eq!(store.manual_webhook(&other, &connection_key("crm")).await.unwrap(), None);
    assert_eq!(store.api_key(Some(&other), key.id).await.unwrap(), None);
    assert_eq!(store.api_key(None, key.id).await.unwrap(), None);
    assert!(matches!(key.owner, KeyOwner::Tenant(_)));
    assert!(store.connections(&other, &page).await.unwrap().items.is_empty());
    assert!(store.policies(&other, &page).await.unwrap().items.is_empty());
    assert!(store.api_keys(Some(&other), &page).await.unwrap().items.is_empty());
    let nobody = tenant_id("nobody");
    assert!(store.connections(&nobody, &page).await.unwrap().items.is_empty());
    assert_eq!(store.connection(&nobody, &users.key).await.unwrap(), None);
}
