//! Hands out the values of a configuration by key, and collects every problem on the way.
//!
//! Knows no key itself: what is asked for is known, what is left over at the end is not.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::time::Duration;

use toml::{Table, Value};
use zeroize::Zeroizing;

use super::setting::Setting;
use super::{ConfigError, ConfigProblem, Environment};

/// Variables that the commands read, and no key of the file.
const VARIABLES_OF_COMMANDS: [&str; 5] =
    ["CORDON_CONFIG", "CORDON_SERVER", "CORDON_TENANT", "CORDON_KEY", "CORDON_KEY_FILE"];

/// A variable this similar to one that is known is taken for a mistake; others belong to
/// somebody else (Kubernetes sets `CORDON_PORT` beside a service that is called cordon).
const SIMILAR_EDITS_MAX: usize = 2;

/// The values, of which each can be taken once.
pub(super) struct Source<'a> {
    values: BTreeMap<String, Value>,
    environment: &'a Environment,
    known: Vec<String>,
    /// Keys whose value was given and is of the right kind.
    given: BTreeSet<String>,
    problems: Vec<ConfigProblem>,
}

impl<'a> Source<'a> {
    /// The values of a file, and the variables that go before them.
    pub(super) fn new(table: Table, environment: &'a Environment) -> Self {
        let mut values = BTreeMap::new();
        flatten("", table, &mut values);
        Self {
            values,
            environment,
            known: Vec::new(),
            given: BTreeSet::new(),
            problems: Vec::new(),
        }
    }

    /// The value of a key, if there is one and it is of the right kind.
    pub(super) fn value<T: Setting>(&mut self, key: &str) -> Option<T> {
        self.known.push(key.to_owned());
        let in_file = self.values.remove(key);
        let name = variable_of(key);
        let (read, from) = match self.environment.get(&name) {
            Some(text) => (T::from_text(text), Some(name)),
            None => (T::from_value(&in_file?), None),
        };
        match read {
            Some(_) => {
                self.given.insert(key.to_owned());
            }
            None => self.refuse(key, from, format!("expected {}", T::EXPECTED)),
        }
        read
    }

    /// Whether a key that was asked for was given.
    pub(super) fn gives(&self, key: &str) -> bool {
        self.given.contains(key)
    }

    /// Every key that was asked for and given.
    pub(super) fn given(&self) -> &BTreeSet<String> {
        &self.given
    }

    /// Puts the value of a key in the place of the default.
    pub(super) fn set<T: Setting>(&mut self, key: &str, target: &mut T) {
        if let Some(value) = self.value(key) {
            *target = value;
        }
    }

    /// The same for a number, which must lie within a range.
    pub(super) fn number<N: TryFrom<u64>>(
        &mut self,
        key: &str,
        range: RangeInclusive<u64>,
        target: &mut N,
    ) {
        let Some(number) = self.value::<u64>(key) else { return };
        match N::try_from(number) {
            Ok(number_read) if range.contains(&number) => *target = number_read,
            Ok(_) | Err(_) => {
                let from =
                    Some(variable_of(key)).filter(|name| self.environment.get(name).is_some());
                let message = format!("expected a number of {} to {}", range.start(), range.end());
                self.refuse(key, from, message);
            }
        }
    }

    /// The same for a time in seconds.
    pub(super) fn seconds(&mut self, key: &str, range: RangeInclusive<u64>, target: &mut Duration) {
        let mut seconds = target.as_secs();
        self.number(key, range, &mut seconds);
        if seconds != target.as_secs() {
            *target = Duration::from_secs(seconds);
        }
    }

    /// The names below a section whose keys are `<section>.<name>.<key>`, for a section where
    /// the operator chooses the names.
    pub(super) fn names_below(&mut self, section: &str, key: &str) -> Vec<String> {
        self.known.push(format!("{section}.<name>.{key}"));
        let name_of = |path: &String| {
            let path = path.strip_prefix(section)?.strip_prefix('.')?;
            path.strip_suffix(key)?.strip_suffix('.').map(str::to_owned)
        };
        self.values.keys().filter_map(name_of).collect()
    }

    /// The names below such a section whose entries have several keys, an entry with none of
    /// them included.
    pub(super) fn names_in(&mut self, section: &str, keys: &[&str]) -> BTreeSet<String> {
        self.known.extend(keys.iter().map(|key| format!("{section}.<name>.{key}")));
        let below = |path: &String| {
            let rest = path.strip_prefix(section)?.strip_prefix('.')?.to_owned();
            Some(rest.rsplit_once('.').map_or(rest.clone(), |(name, _)| name.to_owned()))
        };
        let names: BTreeSet<String> = self.values.keys().filter_map(below).collect();
        for name in &names {
            let path = format!("{section}.{name}");
            // An empty section is told by what it lacks.
            if matches!(self.values.get(&path), Some(Value::Table(_))) {
                self.values.remove(&path);
            }
        }
        names
    }

    /// The entries of a section that is a list of tables.
    pub(super) fn tables_in(&mut self, section: &str, keys: &[&str]) -> Vec<Table> {
        self.known.extend(keys.iter().map(|key| format!("{section}.<n>.{key}")));
        let Some(value) = self.values.remove(section) else { return Vec::new() };
        let tables = match value {
            Value::Array(entries) => entries.into_iter().map(table_of).collect(),
            _ => None,
        };
        if tables.is_none() {
            self.refuse(section, None, format!("expected entries that begin with [[{section}]]"));
        }
        tables.unwrap_or_default()
    }

    /// Whether the file holds a key, whatever its value.
    pub(super) fn holds(&self, path: &str) -> bool {
        self.values.contains_key(path)
    }

    /// The value of such a key.
    pub(super) fn value_below<T: Setting>(&mut self, path: &str) -> Option<T> {
        let value = self.values.remove(path)?;
        let read = T::from_value(&value);
        if read.is_none() {
            self.refuse(path, None, format!("expected {}", T::EXPECTED));
        }
        read
    }

    /// A variable that stands for no key.
    pub(super) fn variable(&self, name: &str) -> Option<&str> {
        self.environment.get(name)
    }

    /// A variable that the file names.
    pub(super) fn variable_of_process(&self, name: &str) -> Option<Zeroizing<Vec<u8>>> {
        self.environment.named(name)
    }

    /// A problem that only the caller can see.
    pub(super) fn problem(&mut self, key: &str, message: impl Into<String>) {
        let from = Some(variable_of(key)).filter(|name| self.environment.get(name).is_some());
        self.refuse(key, from, message.into());
    }

    /// Every key that was asked for.
    pub(super) fn known(&self) -> &[String] {
        &self.known
    }

    /// Reports what nobody asked for, and everything that was collected.
    pub(super) fn finish(mut self) -> Result<(), ConfigError> {
        let left: Vec<String> = self.values.keys().cloned().collect();
        for key in left {
            let is_section = self.known.iter().any(|known| known.starts_with(&format!("{key}.")));
            let message = match nearest(&key, self.known.iter().map(String::as_str)) {
                _ if is_section => "is a section and takes no value itself".to_owned(),
                Some(known) => format!("unknown key; did you mean {known}?"),
                None => "unknown key".to_owned(),
            };
            let is_empty_section =
                matches!(self.values.get(&key), Some(Value::Table(table)) if table.is_empty());
            if !(is_section && is_empty_section) {
                self.refuse(&key, None, message);
            }
        }
        self.look_for_mistyped_variables();
        if self.problems.is_empty() { Ok(()) } else { Err(ConfigError::Invalid(self.problems)) }
    }

    fn look_for_mistyped_variables(&mut self) {
        let mut known: Vec<String> = self.known.iter().map(|key| variable_of(key)).collect();
        known.extend(VARIABLES_OF_COMMANDS.map(str::to_owned));
        known.push("LOGLEVEL".to_owned());
        for name in self.environment.names() {
            if known.iter().any(|known| known == name) {
                continue;
            }
            let edits = |known: &&String| strsim::osa_distance(known, name);
            let similar = known.iter().filter(|known| edits(known) <= SIMILAR_EDITS_MAX);
            if let Some(similar) = similar.min_by_key(edits) {
                self.problems.push(ConfigProblem {
                    key: String::new(),
                    variable: Some(name.to_owned()),
                    message: format!("unknown variable; did you mean {similar}?"),
                });
            }
        }
    }

    fn refuse(&mut self, key: &str, variable: Option<String>, message: String) {
        self.problems.push(ConfigProblem { key: key.to_owned(), variable, message });
    }
}

fn table_of(value: Value) -> Option<Table> {
    match value {
        Value::Table(table) => Some(table),
        _ => None,
    }
}

/// The variable that goes before a key: `log.level` is `CORDON_LOG_LEVEL`.
fn variable_of(key: &str) -> String {
    format!("CORDON_{}", key.replace('.', "_").to_uppercase())
}

fn flatten(prefix: &str, table: Table, into: &mut BTreeMap<String, Value>) {
    for (name, value) in table {
        let path = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
        match value {
            Value::Table(table) if !table.is_empty() => flatten(&path, table, into),
            value => {
                into.insert(path, value);
            }
        }
    }
}

fn nearest<'k>(key: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    known
        .map(|known| (strsim::jaro_winkler(key, known), known))
        .filter(|(similar, _)| *similar > 0.85)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known)
}
