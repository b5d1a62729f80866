//! `[secrets.<name>]`: credentials of connections that the operator keeps outside the host.
//!
//! A file is only named here; it is read when a connection uses it. A variable of the process is
//! read once, here. Each entry is opened to tenants by name: what is not opened does not exist for
//! a tenant. Called by [`super::check`].

use std::collections::BTreeMap;
use std::path::PathBuf;

use cordon_model::TenantId;
use cordon_model::secret::Credentials;
use cordon_secrets::{Opened, parse_credentials};

use super::setting::{Locations, Tenants, VariableName};
use super::source::Source;

/// One entry.
#[derive(Debug, Clone)]
pub struct SecretsEntry {
    /// Where the credentials are.
    pub kept: Kept,
    /// Who may use them, and under which other locations.
    pub opened: Opened,
}

/// Where the credentials of an entry are.
#[derive(Debug, Clone)]
pub enum Kept {
    /// In this file, which is read at every use.
    File(PathBuf),
    /// They were in a variable when the process started.
    Environment(Credentials),
}

/// The keys of an entry.
const KEYS: [&str; 4] = ["file", "env", "tenants", "locations"];

/// Takes every entry out of the source. What is wrong is in the source afterwards.
pub(super) fn check(source: &mut Source<'_>) -> BTreeMap<String, SecretsEntry> {
    let mut entries = BTreeMap::new();
    let mut claimed: BTreeMap<(TenantId, String), String> = BTreeMap::new();
    for name in source.names_in("secrets", &KEYS) {
        let section = format!("secrets.{name}");
        // The name is written into connections: it follows the rule of every key.
        if let Err(error) = name.parse::<TenantId>() {
            source.problem(&section, format!("cannot be the name of an entry: {error}"));
        }
        let kept = kept(source, &section);
        let tenants: Option<Tenants> = source.value_below(&format!("{section}.tenants"));
        let locations: Option<Locations> = source.value_below(&format!("{section}.locations"));
        let tenants = tenants.map_or_else(|| [TenantId::default_tenant()].into(), |list| list.0);
        let locations = locations.map(|list| list.0).unwrap_or_default();
        let opened = Opened { tenants, locations };
        claim(source, &name, &opened, &mut claimed);
        if let Some(kept) = kept {
            entries.insert(name, SecretsEntry { kept, opened });
        }
    }
    entries
}

fn kept(source: &mut Source<'_>, section: &str) -> Option<Kept> {
    let (file_key, env_key) = (format!("{section}.file"), format!("{section}.env"));
    let (has_file, has_env) = (source.holds(&file_key), source.holds(&env_key));
    let file: Option<PathBuf> = source.value_below(&file_key);
    let variable: Option<VariableName> = source.value_below(&env_key);
    match (has_file, has_env) {
        (true, true) => source.problem(&env_key, "set either this or file"),
        (false, false) => source.problem(section, "needs file or env"),
        (true, false) => return file.map(Kept::File),
        (false, true) => return from_variable(source, &env_key, &variable?).map(Kept::Environment),
    }
    None
}

fn from_variable(
    source: &mut Source<'_>,
    key: &str,
    variable: &VariableName,
) -> Option<Credentials> {
    let Some(text) = source.variable_of_process(&variable.0) else {
        source.problem(key, "the variable is not set");
        return None;
    };
    let parsed = parse_credentials(&text);
    if parsed.is_err() {
        let message = "the variable must hold a flat JSON object of strings and numbers";
        source.problem(key, message);
    }
    parsed.ok()
}

/// A location means one entry for each tenant, or nobody could say which.
fn claim(
    source: &mut Source<'_>,
    name: &str,
    opened: &Opened,
    claimed: &mut BTreeMap<(TenantId, String), String>,
) {
    for tenant in &opened.tenants {
        for location in &opened.locations {
            let taken = claimed.insert((tenant.clone(), location.clone()), name.to_owned());
            if let Some(other) = taken {
                let message =
                    format!("secrets.{other} holds one of these already, for the tenant {tenant}");
                source.problem(&format!("secrets.{name}.locations"), message);
            }
        }
    }
}
