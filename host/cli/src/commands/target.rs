//! Which host a command talks to, and with which key.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use cordon_model::Secret;

use crate::client::Client;
use crate::config::{DEFAULT_DATA_DIRECTORY, DEFAULT_LISTEN, Environment};
use crate::host::OPERATOR_KEY_FILE;

/// Which host, and as whom.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Host")]
pub(super) struct Target {
    /// The host's address [env: CORDON_SERVER] [default: http://127.0.0.1:7070]
    #[arg(long, global = true, value_name = "URL")]
    server: Option<String>,
    /// A file that holds the API key [env: CORDON_KEY_FILE, or the key itself in CORDON_KEY]
    /// [default: cordon-data/operator.key, for a host on this machine]
    #[arg(long, global = true, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// The tenant, for an operator's key [env: CORDON_TENANT]
    #[arg(long, global = true, value_name = "TENANT")]
    tenant: Option<String>,
}

impl Target {
    /// A client for it.
    pub(super) fn client(&self, environment: &Environment) -> anyhow::Result<Client> {
        let server = match self.server.as_deref().or_else(|| environment.get("CORDON_SERVER")) {
            Some(server) => server.to_owned(),
            None => format!("http://{DEFAULT_LISTEN}"),
        };
        let tenant = self.tenant.as_deref().or_else(|| environment.get("CORDON_TENANT"));
        let key = self.key(&server, environment)?;
        Client::new(&server, key, tenant.map(str::to_owned))
    }

    fn key(&self, server: &str, environment: &Environment) -> anyhow::Result<Option<Secret>> {
        if let Some(file) = &self.key_file {
            return read_key(file).map(Some);
        }
        if let Some(file) = environment.get("CORDON_KEY_FILE") {
            return read_key(Path::new(file)).map(Some);
        }
        if let Some(key) = environment.get("CORDON_KEY") {
            return Ok(Some(Secret::new(key.to_owned())));
        }
        let file = Path::new(DEFAULT_DATA_DIRECTORY).join(OPERATOR_KEY_FILE);
        // The key of this directory's host is shown to nobody but a host on this machine.
        if is_on_this_machine(server) && file.exists() {
            return read_key(&file).map(Some);
        }
        Ok(None)
    }
}

fn read_key(file: &Path) -> anyhow::Result<Secret> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("the key file {} cannot be read", file.display()))?;
    Ok(Secret::new(text.trim().to_owned()))
}

fn is_on_this_machine(server: &str) -> bool {
    let Ok(uri) = server.parse::<http::Uri>() else { return false };
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_key_is_for_hosts_on_this_machine_only() {
        for own in ["http://127.0.0.1:7070", "http://localhost", "http://[::1]:7070/"] {
            assert!(is_on_this_machine(own), "{own}");
        }
        for other in
            ["http://localhost@evil.example", "https://cordon.example", "127.0.0.1.evil", ""]
        {
            assert!(!is_on_this_machine(other), "{other}");
        }
    }
}
