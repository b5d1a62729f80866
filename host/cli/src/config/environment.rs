//! The variables of the process that Cordon looks at.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStringExt as _;

use zeroize::Zeroizing;

/// The variables that begin with `CORDON_`, and `LOGLEVEL`, taken once; others are looked at only
/// when the configuration names them. Has no `Debug`: one may be a key.
#[derive(Clone, Default)]
pub struct Environment {
    taken: BTreeMap<String, String>,
    /// Whether a variable that was not taken may be one of the process.
    of_process: bool,
}

impl Environment {
    /// What the process was started with.
    pub fn of_process() -> Self {
        let ours = |name: &str| name.starts_with("CORDON_") || name == "LOGLEVEL";
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
            .filter(|(name, _)| ours(name))
            .map(|(name, value)| (name, value.to_string_lossy().into_owned()));
        Self { taken: variables.collect(), of_process: true }
    }

    /// One variable; an empty one is as if absent.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.taken.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// One that the configuration names: a secret. An empty one is as if absent.
    pub(super) fn named(&self, name: &str) -> Option<Zeroizing<Vec<u8>>> {
        let value = match self.taken.get(name) {
            Some(value) => value.clone().into_bytes(),
            None if self.of_process => std::env::var_os(name)?.into_vec(),
            None => return None,
        };
        Some(Zeroizing::new(value)).filter(|value| !value.is_empty())
    }

    /// Every name that was taken.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.taken.keys().map(String::as_str)
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Environment {
    fn from(variables: [(&str, &str); N]) -> Self {
        let taken = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        Self { taken, of_process: false }
    }
}
