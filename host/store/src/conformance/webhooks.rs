//! Policy webhooks.

use cordon_model::Revision;
use cordon_model::commit::{Change, Target};
use cordon_model::port::StateStore;
use cordon_model::webhook::{Direction, PolicyWebhook, WebhookPhase};

use super::{Refusal, refused, with_tenants};
use crate::tests::sample::{kept, policy, policy_key, policy_webhook, put, tenant_id, webhook_id};

pub(crate) async fn policy_webhooks_come_in_their_order(store: &dyn StateStore) {
    with_tenants(store).await;
    let acme = tenant_id("acme");
    let policies = ["access", "access-2", "delete"];
    put(store, policies.map(|key| Change::PutPolicy(policy("acme", key, 1)))).await;
    put(store, [Change::PutPolicy(policy("other", "access", 1))]).await;
    let hook = |policy: &str, n, phase, order| {
        let direction = Direction::OneWay;
        let sends_identities = false;
        let plain = policy_webhook("acme", policy, n);
        PolicyWebhook { phase, order, direction, sends_identities, ..plain }
    };
    let (pre, post) = (WebhookPhase::PreExecution, WebhookPhase::PostExecution);
    // In the order in which they are to come.
    let ordered = [
        hook("access", 5, pre, 0),
        hook("access", 2, pre, 1),
        hook("access", 4, pre, 1),
        hook("access", 1, post, 0),
        hook("access", 3, post, 9),
    ];
    put(store, ordered.iter().rev().cloned().map(Change::PutPolicyWebhook)).await;
    put(store, [Change::PutPolicyWebhook(hook("access-2", 6, pre, 0))]).await;
    put(store, [Change::PutPolicyWebhook(policy_webhook("other", "access", 1))]).await;

    let of_policy = async |key| {
        let all = store.policy_webhooks(&acme, &policy_key(key)).await.unwrap();
        all.iter().map(kept).collect::<Vec<_>>()
    };
    let expected: Vec<_> = ordered.iter().map(kept).collect();
    assert_eq!(of_policy("access").await, expected, "stored whole, in order");
    assert_eq!(of_policy("access-2").await.len(), 1);
    assert!(of_policy("delete").await.is_empty());
    let one = async |policy, n| {
        let found = store.policy_webhook(&acme, &policy_key(policy), webhook_id(n)).await.unwrap();
        found.as_ref().map(kept)
    };
    assert_eq!(one("access", 2).await, Some(kept(&ordered[1])));
    assert_eq!(one("access-2", 2).await, None);
    assert_eq!(one("access", 6).await, None);
}

pub(crate) async fn a_policy_webhook_belongs_to_a_policy_which_stays_as_long(
    store: &dyn StateStore,
) {
    with_tenants(store).await;
    let (acme, access) = (tenant_id("acme"), policy_key("access"));
    let hook = policy_webhook("acme", "access", 1);
    let put_hook = || Change::PutPolicyWebhook(hook.clone());
    let delete_hook = |revision| {
        Change::DeletePolicyWebhook(acme.clone(), access.clone(), hook.id, Revision(revision))
    };
    let delete_policy = || Change::DeletePolicy(acme.clone(), access.clone(), Revision(1));
    let absent = Refusal::Absent(Target::Policy(access.clone()));
    assert_eq!(refused(store, [put_hook()]).await, absent);
    put(store, [Change::PutPolicy(policy("acme", "access", 1)), put_hook()]).await;

    let in_use = Refusal::Conflict(Target::Policy(access.clone()));
    assert_eq!(refused(store, [delete_policy()]).await, in_use);
    let stale = Refusal::Conflict(Target::PolicyWebhook(hook.id));
    assert_eq!(refused(store, [delete_hook(2)]).await, stale);
    put(store, [delete_hook(1), delete_policy()]).await;
    assert!(store.policy_webhook(&acme, &access, hook.id).await.unwrap().is_none());
    assert!(store.policy_webhooks(&acme, &access).await.unwrap().is_empty());
    let gone = Refusal::Absent(Target::PolicyWebhook(hook.id));
    assert_eq!(refused(store, [delete_hook(1)]).await, gone);
}
