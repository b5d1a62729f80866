//! The admitted plugins, ready to be instantiated. Old versions stay: tasks pin them by digest.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use cordon_model::PluginDigest;
use cordon_model::plugin::Plugin;

use crate::bindings::PluginPre;
use crate::call::CallState;
use crate::error::Error;

/// An admitted plugin.
pub(crate) struct Admitted {
    pub(crate) plugin: Plugin,
    pub(crate) code: PluginPre<CallState>,
}

/// All of them.
#[derive(Default)]
pub(crate) struct Registry {
    inner: RwLock<Inner>,
}

#[derive(Default)]
struct Inner {
    by_digest: HashMap<PluginDigest, Arc<Admitted>>,
    /// In the order of admission: the last one of a type is the active one.
    order: Vec<PluginDigest>,
}

impl Registry {
    pub(crate) fn get(&self, digest: PluginDigest) -> Option<Arc<Admitted>> {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        inner.by_digest.get(&digest).cloned()
    }

    /// In the order of admission.
    pub(crate) fn plugins(&self) -> Vec<Plugin> {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        inner.ordered().map(|admitted| admitted.plugin.clone()).collect()
    }

    /// The active plugin of a type.
    pub(crate) fn of_type(&self, connector_type: &str) -> Option<Plugin> {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        inner.active(connector_type).cloned()
    }

    /// Adds a plugin; one that was admitted before becomes the active one of its type again.
    pub(crate) fn add(&self, admitted: Admitted) -> Result<(), Error> {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        inner.check(&admitted.plugin)?;
        let digest = admitted.plugin.reference.digest;
        inner.order.retain(|known| *known != digest);
        inner.order.push(digest);
        inner.by_digest.insert(digest, Arc::new(admitted));
        Ok(())
    }
}

impl Inner {
    fn ordered(&self) -> impl DoubleEndedIterator<Item = &Admitted> {
        self.order.iter().filter_map(|digest| self.by_digest.get(digest).map(AsRef::as_ref))
    }

    fn active(&self, connector_type: &str) -> Option<&Plugin> {
        let mut plugins = self.ordered().map(|admitted| &admitted.plugin);
        plugins.rfind(|plugin| plugin.descriptor.connector_type == connector_type)
    }

    fn check(&self, new: &Plugin) -> Result<(), Error> {
        check(self.ordered().map(|admitted| &admitted.plugin), new)
    }
}

/// A type belongs to the plugin that has it, built-in ones' to them alone; a name and version
/// stand for the same bytes for ever.
fn check<'a>(known: impl Iterator<Item = &'a Plugin>, new: &Plugin) -> Result<(), Error> {
    for plugin in known {
        let (old, reference) = (&plugin.reference, &new.reference);
        let same_version = old.name == reference.name && old.version == reference.version;
        if same_version && old.digest != reference.digest {
            return Err(Error::VersionTaken {
                name: old.name.clone(),
                version: old.version.clone(),
                digest: old.digest,
            });
        }
        let same_type = plugin.descriptor.connector_type == new.descriptor.connector_type;
        if same_type && (old.name != reference.name || plugin.built_in != new.built_in) {
            return Err(Error::TypeTaken {
                connector_type: new.descriptor.connector_type.clone(),
                plugin: old.name.clone(),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use cordon_model::plugin::{Descriptor, PluginRef};

    use super::*;

    fn plugin(name: &str, version: &str, bytes: &[u8], of_type: &str, built_in: bool) -> Plugin {
        Plugin {
            reference: PluginRef {
                name: name.to_owned(),
                version: version.to_owned(),
                digest: PluginDigest::of(bytes),
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
            built_in,
        }
    }

    #[test]
    fn a_type_of_a_built_in_plugin_is_reserved() {
        let known = [plugin("api_proxy", "1", b"a", "api_proxy", true)];
        let stranger = plugin("other", "1", b"b", "api_proxy", false);
        assert!(matches!(check(known.iter(), &stranger), Err(Error::TypeTaken { .. })));
        let posing = plugin("api_proxy", "2", b"b", "api_proxy", false);
        assert!(matches!(check(known.iter(), &posing), Err(Error::TypeTaken { .. })));
        let newer = plugin("api_proxy", "2", b"b", "api_proxy", true);
        assert!(check(known.iter(), &newer).is_ok());
    }

    #[test]
    fn a_version_stands_for_the_same_bytes_for_ever() {
        let known = [plugin("crm", "1", b"a", "crm", false)];
        let other = plugin("crm", "1", b"b", "crm", false);
        assert!(matches!(check(known.iter(), &other), Err(Error::VersionTaken { .. })));
        assert!(check(known.iter(), &known[0]).is_ok(), "the same bytes again");
    }
}
