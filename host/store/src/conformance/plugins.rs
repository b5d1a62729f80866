//! Strangers' plugins and their components.

use cordon_model::Revision;
use cordon_model::commit::{Change, Target};
use cordon_model::port::StateStore;

use super::{Refusal, refused, with_tenants};
use crate::tests::sample::{installed_plugin, put, put_plugin, tenant_id};

pub(crate) async fn a_plugin_belongs_to_a_tenant_or_to_all(store: &dyn StateStore) {
    with_tenants(store).await;
    let (acme, other) = (tenant_id("acme"), tenant_id("other"));
    let of_acme = installed_plugin(Some("acme"), "1.0", 1);
    let of_other = installed_plugin(Some("other"), "1.0", 1);
    let of_all = installed_plugin(None, "1.0", 1);
    let newer = installed_plugin(Some("acme"), "1.1", 1);
    for plugin in [&of_acme, &of_other, &of_all, &newer] {
        put(store, [put_plugin(plugin)]).await;
    }
    assert_eq!(store.plugins(Some(&acme)).await.unwrap(), [of_acme.clone(), newer.clone()]);
    assert_eq!(store.plugins(Some(&other)).await.unwrap(), std::slice::from_ref(&of_other));
    assert_eq!(store.plugins(None).await.unwrap(), std::slice::from_ref(&of_all));
    let all = store.plugins_of_all().await.unwrap();
    assert_eq!((all.plugins.len(), all.damaged.len()), (4, 0));
    assert!(store.plugins(Some(&tenant_id("absent"))).await.unwrap().is_empty());
    let found = store.plugin(Some(&acme), "crm", "1.1").await.unwrap();
    assert_eq!(found, Some(newer));
    assert_eq!(store.plugin(Some(&other), "crm", "1.1").await.unwrap(), None);
    assert_eq!(store.plugin(None, "crm", "1.1").await.unwrap(), None);
}

pub(crate) async fn the_component_of_a_plugin_is_written_once_and_goes_with_it(
    store: &dyn StateStore,
) {
    with_tenants(store).await;
    let acme = tenant_id("acme");
    for scope in [None, Some(&acme)] {
        let plugin = installed_plugin(scope.map(|tenant| tenant.as_str()), "1.0", 1);
        let component = async || store.plugin_component(scope, "crm", "1.0").await.unwrap();
        let change = |revision, component| {
            let mut plugin = plugin.clone();
            (plugin.revision, plugin.active) = (Revision(revision), revision == 2);
            Change::PutPlugin(Box::new(plugin), component)
        };
        assert_eq!(refused(store, [change(1, None)]).await, Refusal::Contradictory);
        assert_eq!(component().await, None);
        let Change::PutPlugin(_, bytes) = put_plugin(&plugin) else { panic!("it puts a plugin") };
        put(store, [put_plugin(&plugin)]).await;
        assert_eq!(component().await, bytes);
        let exists = Refusal::Exists(Target::Plugin("crm".into()));
        assert_eq!(refused(store, [put_plugin(&plugin)]).await, exists);
        assert_eq!(refused(store, [change(2, bytes.clone())]).await, Refusal::Contradictory);
        put(store, [change(2, None)]).await;
        assert!(store.plugin(scope, "crm", "1.0").await.unwrap().unwrap().active);
        assert_eq!(component().await, bytes, "a switch keeps it");

        let delete = |revision| {
            let (name, version) = ("crm".to_owned(), "1.0".to_owned());
            Change::DeletePlugin(scope.cloned(), name, version, Revision(revision))
        };
        let stale = Refusal::Conflict(Target::Plugin("crm".into()));
        assert_eq!(refused(store, [delete(1)]).await, stale);
        put(store, [delete(2)]).await;
        assert_eq!(store.plugin(scope, "crm", "1.0").await.unwrap(), None);
        assert_eq!(component().await, None);
        let absent = Refusal::Absent(Target::Plugin("crm".into()));
        assert_eq!(refused(store, [delete(2)]).await, absent);
    }
}

pub(crate) async fn the_newest_version_of_a_plugin_is_remembered_when_the_plugin_is_gone(
    store: &dyn StateStore,
) {
    with_tenants(store).await;
    let acme = tenant_id("acme");
    for scope in [None, Some(&acme)] {
        let newest = async || store.newest_plugin_version(scope, "crm").await.unwrap();
        let note = |before: Option<&str>, version: &str| Change::PutNewestVersion {
            scope: scope.cloned(),
            name: "crm".to_owned(),
            before: before.map(str::to_owned),
            version: version.to_owned(),
        };
        assert_eq!(newest().await, None);
        let plugin = installed_plugin(scope.map(|tenant| tenant.as_str()), "1.0", 1);
        put(store, [put_plugin(&plugin), note(None, "1.0")]).await;
        assert_eq!(newest().await.as_deref(), Some("1.0"));
        let stale = Refusal::Conflict(Target::Plugin("crm".into()));
        assert_eq!(refused(store, [note(None, "1.1")]).await, stale);
        assert_eq!(refused(store, [note(Some("0.9"), "1.1")]).await, stale);
        put(store, [note(Some("1.0"), "1.1")]).await;
        let (name, version) = ("crm".to_owned(), "1.0".to_owned());
        put(store, [Change::DeletePlugin(scope.cloned(), name, version, Revision(1))]).await;
        assert_eq!(newest().await.as_deref(), Some("1.1"));
    }
    assert_eq!(store.newest_plugin_version(Some(&tenant_id("other")), "crm").await.unwrap(), None);
}
