//! `[plugins]`: what a component may be, the folder that plugins are read from, and whose signatures
//! count. Called by [`super::check`].

use std::collections::BTreeSet;
use std::time::Duration;

use cordon_engine::service::plugins::Publisher;
use cordon_model::plugin::PluginRef;
use toml::{Table, Value};

use super::Config;
use super::check::{GIB, KIB, MIB};
use super::source::Source;

/// The process that compiles gives way to everything else: on a busy machine it may take so many
/// times as long as its processor time.
const COMPILER_PATIENCE: u64 = 5;

/// The section of the publishers, which is a list.
const PUBLISHERS: &str = "plugins.publishers";

/// The keys of a publisher.
const KEYS: [&str; 3] = ["name", "public_key", "revoked"];

/// Takes the section out of the source. What is wrong is in the source afterwards.
pub(super) fn check(source: &mut Source<'_>, config: &mut Config) {
    let runtime = &mut config.runtime;
    source.number("plugins.component_bytes", MIB..=GIB, &mut runtime.component_bytes_max);
    source.number("plugins.function_bytes", 256 * KIB..=64 * MIB, &mut runtime.function_bytes_max);
    let memory = &mut runtime.compiler_memory_bytes_max;
    source.number("plugins.compiler_memory_bytes", 256 * MIB..=64 * GIB, memory);
    let seconds = &mut runtime.compiler_processor_seconds_max;
    source.number("plugins.compiler_seconds", 1..=3_600, seconds);
    source.number("plugins.compilations_max", 1..=64, &mut runtime.compilations_max);
    runtime.compiler_timeout = Duration::from_secs(*seconds * COMPILER_PATIENCE);
    config.api.component_bytes_max = runtime.component_bytes_max;
    source.number("plugins.per_tenant", 1..=10_000, &mut config.engine.plugins_max);
    config.plugin_folder = source.value("plugins.directory");
    let required = &mut config.engine.plugin_signatures_required;
    source.set("plugins.require_signatures", required);
    config.engine.plugin_publishers = publishers(source);
}

fn publishers(source: &mut Source<'_>) -> Vec<Publisher> {
    let (mut names, mut keys) = (BTreeSet::new(), BTreeSet::new());
    let mut publishers = Vec::new();
    for (n, table) in source.tables_in(PUBLISHERS, &KEYS).into_iter().enumerate() {
        let at = |key: &str| format!("{PUBLISHERS}[{n}].{key}");
        let Some(publisher) = publisher(source, table, &at) else { continue };
        if !names.insert(publisher.name.clone()) {
            source.problem(&at("name"), "another publisher has this name");
        } else if !keys.insert(publisher.key_id().to_owned()) {
            source.problem(&at("public_key"), "another publisher has this key");
        } else {
            publishers.push(publisher);
        }
    }
    publishers
}

fn publisher(
    source: &mut Source<'_>,
    mut table: Table,
    at: &impl Fn(&str) -> String,
) -> Option<Publisher> {
    let [name, public_key, revoked] = KEYS.map(|key| table.remove(key));
    for unknown in table.keys() {
        source.problem(&at(unknown), format!("unknown key; there are {}", KEYS.join(", ")));
    }
    let name = name.as_ref().and_then(Value::as_str).filter(|name| PluginRef::is_name(name));
    if name.is_none() {
        let message = "expected a name: 1 to 64 characters of a-z, 0-9, _ and -";
        source.problem(&at("name"), message);
    }
    let revoked = revoked.map_or(Some(false), |value| value.as_bool());
    if revoked.is_none() {
        source.problem(&at("revoked"), "expected true or false");
    }
    let public_key = public_key.as_ref().and_then(Value::as_str);
    let read = |key| Publisher::new(name.unwrap_or_default().to_owned(), key, revoked?);
    let is_key = |key: &&str| Publisher::new(String::new(), key, false).is_some();
    if public_key.filter(is_key).is_none() {
        let message = "expected a public key of minisign: the line that begins with RW";
        source.problem(&at("public_key"), message);
    }
    // Everything that is wrong was told of by now.
    name.and(public_key).and_then(read)
}
