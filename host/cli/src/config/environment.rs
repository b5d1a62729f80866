//! The variables of the process that Cordon looks at, taken once.

use std::collections::BTreeMap;

/// The variables that begin with `CORDON_`, and `LOGLEVEL`. Has no `Debug`: one may be a key.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// What the process was started with.
    pub fn of_process() -> Self {
        let ours = |name: &str| name.starts_with("CORDON_") || name == "LOGLEVEL";
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
            .filter(|(name, _)| ours(name))
            .map(|(name, value)| (name, value.to_string_lossy().into_owned()));
        Self(variables.collect())
    }

    /// One variable; an empty one is as if absent.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Every name.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Environment {
    fn from(variables: [(&str, &str); N]) -> Self {
        Self(variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into())
    }
}
