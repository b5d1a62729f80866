//! The corpus as it lies in its file, and what running an entry comes to.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

/// The corpus of the project; `CORDON_EGRESS_CORPUS` names another file.
const OWN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/egress_corpus.json");

/// Every entry, and what they share.
pub(super) struct Corpus {
    /// Whether it is the project's own, of which it is known how much it holds.
    pub(super) own: bool,
    pub(super) secrets: Value,
    pub(super) policies: Value,
    pub(super) entries: Vec<Entry>,
}

/// One verdict.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) id: String,
    pub(super) family: String,
    pub(super) kind: String,
    /// The name of a policy; empty for an entry that needs none.
    pub(super) policy: String,
    pub(super) allowed: bool,
    pub(super) why: String,
    /// Everything, as it was written.
    pub(super) json: Value,
}

/// What running an entry came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The verdict is as it was written.
    Holds,
    /// It is not, and why.
    Differs(String),
    /// Nothing here can say it yet.
    Unsupported(&'static str),
}

/// Outcomes by the id of the entry.
pub(super) type Outcomes = BTreeMap<String, Outcome>;

impl Corpus {
    pub(super) fn load() -> Self {
        let named = std::env::var_os("CORDON_EGRESS_CORPUS").map(PathBuf::from);
        let path = named.clone().unwrap_or_else(|| OWN.into());
        let mut document: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let entries = document["entries"].as_array_mut().unwrap().drain(..).map(Entry::of);
        Self {
            own: named.is_none(),
            entries: entries.collect(),
            secrets: document["secrets"].take(),
            policies: document["policies"].take(),
        }
    }

    /// The entries of some kinds.
    pub(super) fn of_kinds<'a>(&'a self, kinds: &'a [&str]) -> impl Iterator<Item = &'a Entry> {
        self.entries.iter().filter(|entry| kinds.contains(&entry.kind.as_str()))
    }

    pub(super) fn policy(&self, entry: &Entry) -> &Value {
        &self.policies[&entry.policy]
    }

    /// The values of the secrets, by name.
    pub(super) fn secret_values(&self) -> BTreeMap<String, String> {
        let secrets = self.secrets.as_object().into_iter().flatten();
        let value = |secret: &Value| secret["value"].as_str().unwrap().to_owned();
        secrets.map(|(name, secret)| (name.clone(), value(secret))).collect()
    }
}

impl Entry {
    fn of(json: Value) -> Self {
        let text = |name: &str| json[name].as_str().unwrap_or_default().to_owned();
        Self {
            id: text("id"),
            family: text("cat"),
            kind: text("kind"),
            policy: text("policy"),
            allowed: json["expect"] == "allow",
            why: text("why"),
            json,
        }
    }

    /// Compares what was found with what is written.
    pub(super) fn judge(&self, found: Result<(), String>) -> Outcome {
        match (found, self.allowed) {
            (Ok(()), true) | (Err(_), false) => Outcome::Holds,
            (Ok(()), false) => Outcome::Differs("it was allowed".to_owned()),
            (Err(why), true) => Outcome::Differs(format!("it was denied: {why}")),
        }
    }
}

/// The texts of a list.
pub(super) fn texts(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().map(|v| v.as_str().unwrap()).collect()
}
