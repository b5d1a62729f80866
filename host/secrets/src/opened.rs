//! Entries that the operator defined: whom each is opened to, and what it is called.
//!
//! An entry that is not opened to a tenant is, for that tenant, as if it did not exist.

use std::collections::{BTreeMap, BTreeSet};

use cordon_model::TenantId;

/// Who may use an entry, and under which other names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The tenants that may use it.
    pub tenants: BTreeSet<TenantId>,
    /// Values of `credentials_location` that mean this entry, as they are written, beside
    /// `<provider>:<name>`.
    pub locations: BTreeSet<String>,
}

/// The entries of one provider, by name.
pub(crate) struct Entries<T>(BTreeMap<String, (Opened, T)>);

impl<T> Entries<T> {
    pub(crate) const fn new() -> Self {
        Self(BTreeMap::new())
    }

    pub(crate) fn insert(&mut self, name: String, opened: Opened, entry: T) {
        self.0.insert(name, (opened, entry));
    }

    /// The entry that a location means for a tenant. `prefix` is the provider's own, with the
    /// colon.
    pub(crate) fn find(&self, prefix: &str, tenant: &TenantId, location: &str) -> Option<&T> {
        let named = location.strip_prefix(prefix);
        self.0
            .iter()
            .filter(|(_, (opened, _))| opened.tenants.contains(tenant))
            .find(|(name, (opened, _))| {
                named == Some(name.as_str()) || opened.locations.contains(location)
            })
            .map(|(_, (_, entry))| entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_found_by_its_name_or_a_mapped_location_by_its_tenants_alone() {
        let (acme, globex) = ("acme".parse().unwrap(), "globex".parse().unwrap());
        let opened = |tenant: &TenantId, location: &str| Opened {
            tenants: BTreeSet::from([tenant.clone()]),
            locations: BTreeSet::from([location.to_owned()]),
        };
        let mut entries = Entries::new();
        entries.insert("crm".to_owned(), opened(&acme, "arn:aws:x"), 1);
        entries.insert("erp".to_owned(), opened(&globex, "arn:aws:x"), 2);
        let found = |tenant, location| entries.find("file:", tenant, location).copied();
        assert_eq!(found(&acme, "file:crm"), Some(1));
        assert_eq!(found(&acme, "arn:aws:x"), Some(1));
        assert_eq!(found(&globex, "arn:aws:x"), Some(2), "a location means what its tenant may");
        assert_eq!(found(&globex, "file:crm"), None);
        for unknown in ["crm", "env:crm", "file:", "file:crm ", "file:/crm", "arn:aws:x2"] {
            assert_eq!(found(&acme, unknown), None, "{unknown}");
        }
    }
}
