//! What connections there can be: the active plugin of each connector type.

use cordon_model::Action;
use cordon_model::plugin::PluginRef;
use serde_json::Value;

use crate::{Access, Services};

/// A kind of connection.
#[derive(Debug, Clone, PartialEq)]
pub struct ConnectionType {
    /// `api_proxy`, `manual_webhook`, …
    pub connector_type: String,
    /// What it is listed under.
    pub category: String,
    /// A name for people.
    pub name: String,
    /// What its connections can be asked for.
    pub actions: Vec<Action>,
    /// JSON Schema of its configuration.
    pub config_schema: Value,
    /// The component behind it.
    pub plugin: PluginRef,
}

/// Which kinds to list.
#[derive(Debug, Clone, Default)]
pub struct ConnectionTypeFilter {
    /// Only this category.
    pub category: Option<String>,
    /// Only those whose type, category or name contains this, in any case.
    pub search: Option<String>,
}

impl Services {
    /// The kinds of connection, by type.
    pub fn connection_types(
        &self,
        access: &Access,
        filter: &ConnectionTypeFilter,
    ) -> Vec<ConnectionType> {
        let (connectors, tenant) = (&self.ports.connectors, &access.tenant);
        let is_active = |reference: &PluginRef, connector_type: &str| {
            let active = connectors.plugin_for(tenant, connector_type);
            active.is_some_and(|active| active.reference == *reference)
        };
        let mut types: Vec<_> = connectors
            .plugins(tenant)
            .into_iter()
            .filter(|p| is_active(&p.reference, &p.descriptor.connector_type))
            .map(|plugin| ConnectionType {
                connector_type: plugin.descriptor.connector_type,
                category: plugin.descriptor.category,
                name: plugin.descriptor.display_name,
                actions: plugin.descriptor.actions,
                // Admission reads the schema; one that is no JSON admits anything, like `true`.
                config_schema: serde_json::from_str(&plugin.descriptor.config_schema)
                    .unwrap_or(Value::Bool(true)),
                plugin: plugin.reference,
            })
            .filter(|kind| filter.matches(kind))
            .collect();
        types.sort_by(|a, b| a.connector_type.cmp(&b.connector_type));
        types
    }
}

impl ConnectionTypeFilter {
    fn matches(&self, kind: &ConnectionType) -> bool {
        let in_category = self.category.as_ref().is_none_or(|c| *c == kind.category);
        let found = self.search.as_ref().is_none_or(|search| {
            let search = search.to_lowercase();
            [&kind.connector_type, &kind.category, &kind.name]
                .into_iter()
                .any(|text| text.to_lowercase().contains(&search))
        });
        in_category && found
    }
}
