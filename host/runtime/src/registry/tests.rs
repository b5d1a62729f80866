//! Who may use which plugin, and what is taken.

use cordon_model::plugin::{Descriptor, PluginRef};
use cordon_model::port::AdmissionError;

use super::*;

fn tenant(name: &str) -> TenantId {
    name.parse().unwrap()
}

fn plugin(scope: Option<&str>, name: &str, version: &str, of_type: &str) -> Plugin {
    let bytes = format!("{scope:?} {name} {version} {of_type}");
    Plugin {
        scope: scope.map(tenant),
        reference: PluginRef {
            name: name.to_owned(),
            version: version.to_owned(),
            digest: PluginDigest::of(bytes.as_bytes()),
        },
        descriptor: Descriptor {
            connector_type: of_type.to_owned(),
            category: "api".to_owned(),
            display_name: name.to_owned(),
            actions: vec![],
            config_schema: "{}".to_owned(),
            policy_schema: None,
            reads: vec![],
        },
        built_in: false,
    }
}

fn built_in(name: &str, version: &str) -> Plugin {
    Plugin { built_in: true, ..plugin(None, name, version, name) }
}

fn with(plugins: &[Plugin]) -> Registry {
    let registry = Registry::default();
    for plugin in plugins {
        registry.add(plugin.clone(), State::Loading).unwrap();
    }
    registry
}

fn add(registry: &Registry, plugin: &Plugin) -> Result<(), Error> {
    registry.add(plugin.clone(), State::Loading)
}

fn version_of(registry: &Registry, of: &str, connector_type: &str) -> Option<String> {
    registry.of_type(&tenant(of), connector_type).map(|plugin| plugin.reference.version)
}

#[test]
fn a_type_and_a_name_of_a_built_in_plugin_are_reserved() {
    let registry = with(&[built_in("api_proxy", "1")]);
    for scope in [None, Some("acme")] {
        let stranger = plugin(scope, "other", "1", "api_proxy");
        assert!(matches!(add(&registry, &stranger), Err(Error::TypeTaken { .. })));
        let posing = plugin(scope, "api_proxy", "1", "crm");
        assert!(matches!(add(&registry, &posing), Err(Error::NameTaken { .. })));
    }
    assert!(add(&registry, &built_in("api_proxy", "2")).is_ok());
    assert_eq!(version_of(&registry, "acme", "api_proxy").as_deref(), Some("2"));
}

#[test]
fn a_version_stands_for_the_same_bytes_for_ever() {
    let known = plugin(Some("acme"), "crm", "1", "crm");
    let registry = with(std::slice::from_ref(&known));
    let mut other = known.clone();
    other.reference.digest = PluginDigest::of(b"other");
    assert!(matches!(add(&registry, &other), Err(Error::VersionTaken { .. })));
    assert!(add(&registry, &known).is_ok(), "the host brings the same bytes again");
    let again = registry.reserve(known.clone(), State::Loading);
    assert!(matches!(again, Err(Error::Loaded(as_what)) if as_what == known.reference));
}

#[test]
fn a_type_belongs_to_one_name_among_those_who_can_see_it() {
    let registry = with(&[plugin(Some("acme"), "crm", "1", "crm")]);
    let taken = |plugin: &Plugin| matches!(add(&registry, plugin), Err(Error::TypeTaken { .. }));
    assert!(taken(&plugin(Some("acme"), "other", "1", "crm")));
    let of_all = add(&registry, &plugin(None, "crm", "1", "crm"));
    assert!(matches!(of_all, Err(Error::OtherOwner { .. })), "it would be two for that tenant");
    assert!(add(&registry, &plugin(Some("other"), "crm", "9", "crm")).is_ok());
    let renamed = plugin(Some("acme"), "crm", "2", "erp");
    assert!(matches!(add(&registry, &renamed), Err(Error::NameTaken { .. })));
}

#[test]
fn a_plugin_that_is_offered_in_a_second_place_is_said_to_be_in_the_first() {
    let of_all = with(&[plugin(None, "crm", "1", "crm")]);
    let of_acme = with(&[plugin(Some("acme"), "crm", "1", "crm")]);
    let again = add(&of_all, &plugin(Some("acme"), "crm", "1-dev.1", "crm")).unwrap_err();
    let wider = add(&of_acme, &plugin(None, "crm", "1", "crm")).unwrap_err();
    let told = [again, wider].map(|error| match AdmissionError::from(error) {
        AdmissionError::TypeTaken(told) => told,
        other => panic!("{other:?}"),
    });
    assert_eq!(
        told,
        [
            "the plugin `crm` is installed for all tenants already; if it is this one, install it \
             for all again: with an operator's key and without --tenant; or remove it there \
             first; if it is another, give the connector a type and a name of its own",
            "the plugin `crm` is installed for the tenant `acme` already; if it is this one, \
             install it there again: with --tenant acme; or remove it there first; if it is \
             another, give the connector a type and a name of its own",
        ]
    );
}

#[test]
fn a_tenant_finds_its_own_plugins_and_those_of_all_and_no_other() {
    let of_acme = plugin(Some("acme"), "crm", "1", "crm");
    let registry = with(&[built_in("api_proxy", "1"), of_acme.clone()]);
    assert_eq!(registry.plugins(&tenant("acme")).len(), 2);
    assert_eq!(registry.plugins(&tenant("other")).len(), 1);
    assert_eq!(version_of(&registry, "other", "crm"), None);
    let digest = of_acme.reference.digest;
    // One that is its own would have to be tried again; another's does not exist.
    assert!(matches!(registry.ready(&tenant("acme"), digest), Err(Stop::Host(_))));
    assert!(matches!(registry.ready(&tenant("other"), digest), Err(Stop::Failed(_))));
    registry.forget_scope(&Some(tenant("acme")));
    assert_eq!(registry.plugins(&tenant("acme")).len(), 1);
}

#[test]
fn versions_are_switched_back_and_forth() {
    let [one, two] = ["1", "2"].map(|version| plugin(Some("acme"), "crm", version, "crm"));
    let registry = with(&[one.clone(), two.clone()]);
    let active = || version_of(&registry, "acme", "crm");
    assert_eq!(active().as_deref(), Some("2"));
    registry.activate(&one.scope, one.reference.digest);
    assert_eq!(active().as_deref(), Some("1"));
    registry.activate(&one.scope, PluginDigest::of(b"unknown"));
    assert_eq!(active().as_deref(), Some("1"), "what is not known changes nothing");
    registry.forget(&one.scope, one.reference.digest);
    assert_eq!(active(), None);
}

#[test]
fn a_stored_plugin_whose_type_the_host_has_itself_by_now_is_unavailable() {
    let registry = with(&[built_in("crm", "1")]);
    let stored = plugin(None, "acme-crm", "1", "crm");
    registry.announce(stored.clone(), true);
    let readiness = registry.readiness(&None, stored.reference.digest);
    assert!(matches!(readiness, Readiness::Unavailable(why) if why.contains("crm")));
    assert_eq!(registry.of_type(&tenant("acme"), "crm").map(|p| p.built_in), Some(true));
}
