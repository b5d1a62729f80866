//! A whole host in the test's own process, on a directory that is removed with it.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cordon_cli::built_in::BuiltIn;
use cordon_cli::clock::SystemClock;
use cordon_cli::config::Config;
use cordon_cli::host::Host;
use cordon_model::port::Clock;
use serde_json::Value;
use tempfile::TempDir;

use super::client::Client;
pub(crate) use super::client::Response;

/// A connector that misbehaves on demand; see `tests/guests/scripted`.
pub(crate) const SCRIPTED: BuiltIn = BuiltIn {
    name: "scripted",
    version: "0.1.0",
    component: include_bytes!(concat!(env!("OUT_DIR"), "/scripted.wasm")),
    trusted: true,
};

/// A host. Dropped without `stop` it ends like one that crashed.
pub(crate) struct TestHost {
    directory: TempDir,
    config: Config,
    clock: Arc<dyn Clock>,
    host: Option<Host>,
}

impl TestHost {
    /// A host whose connectors may reach servers on this machine.
    pub(crate) async fn start() -> Self {
        Self::start_with(&["127.0.0.0/8", "::1/128"]).await
    }

    /// A host as an operator gets it: loopback is out of reach.
    pub(crate) async fn start_closed() -> Self {
        Self::start_with(&[]).await
    }

    async fn start_with(development_networks: &[&str]) -> Self {
        Self::start_configured(|config| {
            config.egress.development_networks =
                development_networks.iter().map(|network| network.parse().unwrap()).collect();
        })
        .await
    }

    /// A host with whatever else an operator may set.
    pub(crate) async fn start_configured(set: impl FnOnce(&mut Config)) -> Self {
        Self::start_at(Arc::new(SystemClock), set).await
    }

    /// The same with a clock of the test's.
    pub(crate) async fn start_at(clock: Arc<dyn Clock>, set: impl FnOnce(&mut Config)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut config = Config::new(directory.path().join("data"));
        config.listen.set_port(0);
        config.plugins.push(SCRIPTED);
        set(&mut config);
        let host = Host::start(config.clone(), Arc::clone(&clock)).await.unwrap();
        Self { directory, config, clock, host: Some(host) }
    }

    /// Stops gracefully and starts again on the same directory, on another port.
    pub(crate) async fn restart(&mut self) {
        self.stop().await;
        self.restart_stopped().await;
    }

    /// Starts again after a stop, on the same directory, on another port.
    pub(crate) async fn restart_stopped(&mut self) {
        let host = Host::start(self.config.clone(), Arc::clone(&self.clock)).await.unwrap();
        self.host = Some(host);
    }

    /// Stops gracefully; the directory stays.
    pub(crate) async fn stop(&mut self) {
        self.host.take().expect("it runs").stop().await.unwrap();
    }

    /// Stops gracefully and starts again on the same directory, configured in another way.
    pub(crate) async fn restart_configured(&mut self, set: impl FnOnce(&mut Config)) {
        set(&mut self.config);
        self.restart().await;
    }

    /// Where the host keeps everything.
    pub(crate) fn data_directory(&self) -> &Path {
        &self.config.data_directory
    }

    /// The operator, acting for the tenant `default`.
    pub(crate) fn operator(&self) -> Client {
        Client::new(&self.url(), Some(&self.operator_key()), Some("default"))
    }

    /// The operator, acting for nobody in particular.
    pub(crate) fn operator_without_tenant(&self) -> Client {
        Client::new(&self.url(), Some(&self.operator_key()), None)
    }

    /// Whoever holds this key, or none.
    pub(crate) fn client(&self, key: Option<&str>) -> Client {
        Client::new(&self.url(), key, None)
    }

    /// A new tenant, as the holder of a key with every scope.
    pub(crate) async fn tenant(&self, name: &str) -> Client {
        self.operator_without_tenant().tenant(name).await
    }

    /// See [`Client::wait_for_status`].
    pub(crate) async fn wait_for_status(&self, id: &str, status: &str) -> Value {
        self.operator().wait_for_status(id, status).await
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.host.as_ref().expect("it runs").address()
    }

    /// Every file that the host wrote, but the operator's key and the root key.
    pub(crate) fn stored_files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files = Vec::new();
        collect(self.directory.path(), &mut files);
        files
    }

    fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    fn operator_key(&self) -> String {
        let path = self.host.as_ref().expect("it runs").operator_key_path();
        fs::read_to_string(path).unwrap().trim().to_owned()
    }
}

fn collect(directory: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_none_or(|extension| extension != "key") {
            files.push((path.clone(), fs::read(&path).unwrap()));
        }
    }
}
