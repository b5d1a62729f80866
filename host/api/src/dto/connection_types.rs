//! Kinds of connection.

use cordon_engine::service::connection_types::ConnectionType;
use cordon_model::Action;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::PluginView;

/// A kind of connection.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConnectionType)]
pub(crate) struct ConnectionTypeView {
    /// What a connection names.
    connector_type: String,
    /// What it is listed under.
    category: String,
    /// A name for people.
    name: String,
    /// What its connections can be asked for.
    actions: Vec<&'static str>,
    /// JSON Schema of its configuration.
    #[schema(value_type = Object)]
    config_schema: Value,
    /// The component behind it.
    plugin: PluginView,
}

impl From<ConnectionType> for ConnectionTypeView {
    fn from(kind: ConnectionType) -> Self {
        Self {
            plugin: (&kind.plugin).into(),
            connector_type: kind.connector_type,
            category: kind.category,
            name: kind.name,
            actions: kind.actions.into_iter().map(Action::as_str).collect(),
            config_schema: kind.config_schema,
        }
    }
}
