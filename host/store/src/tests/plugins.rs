//! Plugins on a real disk: a row that is damaged, and components that a crash left behind.

use cordon_model::Revision;
use cordon_model::commit::{Change, StoreError};
use cordon_model::plugin::{DamagedPlugin, PluginRef};
use cordon_model::port::StateStore as _;
use redb::{Database, ReadableTable as _};

use super::fresh;
use super::sample::{installed_plugin, put, put_plugin, tenant, tenant_id};
use super::sealing::all_files;
use crate::tables::{Key, Table};
use crate::{Options, RedbStore};

#[tokio::test]
async fn a_damaged_row_is_told_of_and_keeps_no_other_plugin_from_being_read() {
    let (store, directory) = fresh();
    let acme = tenant_id("acme");
    let (damaged, well) =
        (installed_plugin(Some("acme"), "1.0", 1), installed_plugin(Some("acme"), "1.1", 1));
    let changes = [Change::PutTenant(tenant("acme")), put_plugin(&damaged), put_plugin(&well)];
    put(&store, changes).await;
    store.close().unwrap();
    let database = Database::open(directory.path().join("cordon.redb")).unwrap();
    let transaction = database.begin_write().unwrap();
    {
        let key = Key::of(&acme).text("crm").text("1.0").done();
        let mut table = transaction.open_table(Table::Plugins.definition()).unwrap();
        let mut row = table.get(key.as_slice()).unwrap().unwrap().value().to_vec();
        *row.last_mut().unwrap() ^= 1;
        table.insert(key.as_slice(), row.as_slice()).unwrap();
    }
    transaction.commit().unwrap();
    drop(database);

    let store = RedbStore::open(Options::new(directory.path())).unwrap();
    let all = store.plugins_of_all().await.unwrap();
    assert_eq!(all.plugins, std::slice::from_ref(&well));
    let told = DamagedPlugin {
        scope: Some(acme.clone()),
        name: "crm".to_owned(),
        version: "1.0".to_owned(),
        revision: Some(Revision::FIRST),
    };
    assert_eq!(all.damaged, [told]);
    assert_eq!(store.plugins(Some(&acme)).await.unwrap(), std::slice::from_ref(&well));
    let read = store.plugin(Some(&acme), "crm", "1.0").await;
    assert!(matches!(read, Err(StoreError::Damaged(_))), "{read:?}");
    let (name, version) = ("crm".to_owned(), "1.0".to_owned());
    put(&store, [Change::DeletePlugin(Some(acme), name, version, Revision::FIRST)]).await;
    assert!(store.plugins_of_all().await.unwrap().damaged.is_empty(), "it can be removed");
}

#[tokio::test]
async fn components_that_no_plugin_names_are_swept_at_the_next_start() {
    let (store, directory) = fresh();
    let plugins = [installed_plugin(Some("acme"), "1.0", 1), installed_plugin(None, "1.0", 1)];
    put(&store, [Change::PutTenant(tenant("acme"))]).await;
    put(&store, plugins.iter().map(put_plugin)).await;
    store.close().unwrap();
    let blobs = directory.path().join("blobs");
    let before = all_files(&blobs).len();
    for folder in ["acme/plugins", ".host/plugins"] {
        std::fs::write(blobs.join(folder).join("0".repeat(64)), b"left behind").unwrap();
    }
    let of_a_request = blobs.join("acme/0190-request");
    std::fs::create_dir(&of_a_request).unwrap();
    std::fs::write(of_a_request.join("1".repeat(64)), b"not a component").unwrap();
    let store = RedbStore::open(Options::new(directory.path())).unwrap();
    assert_eq!(all_files(&blobs).len(), before + 1, "only components are swept");
    for plugin in &plugins {
        let (scope, PluginRef { name, version, .. }) = (plugin.scope.as_ref(), &plugin.reference);
        assert!(store.plugin_component(scope, name, version).await.unwrap().is_some());
    }
}
