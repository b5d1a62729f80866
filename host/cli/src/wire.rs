//! The one place where ports meet their implementations.
//!
//! Opens the store and the sandbox and admits the built-in plugins; serves nothing and starts no
//! task of the host. Called by [`crate::host`].

use std::fs::DirBuilder;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt as _;
use std::sync::Arc;

use anyhow::Context as _;
use cordon_egress::Gate;
use cordon_engine::{Handle, Ports, Services};
use cordon_model::port::{Clock, Secrets, StateStore};
use cordon_package::{Destination, Destinations, ZipPackages};
use cordon_runtime::Runtime;
use cordon_secrets::{EnvironmentSecrets, FileSecrets, VaultSecrets};
use cordon_store::RedbStore;
use cordon_turns::Processors;
use futures_util::future::try_join_all;
use tokio::task::spawn_blocking;

use crate::built_in::BuiltIn;
use crate::config::{Config, Kept};

/// Below the data directory: compiled plugins.
const CACHE_DIRECTORY: &str = "cache";
/// Below the data directory: packages of the destination `local`.
const PACKAGES_DIRECTORY: &str = "packages";

/// The parts that have to be closed, and what is made of them.
pub(crate) struct Wired {
    pub(crate) store: Arc<RedbStore>,
    pub(crate) runtime: Arc<Runtime>,
    pub(crate) services: Services,
}

/// Opens and connects every part of a host that listens here.
pub(crate) async fn wire(
    config: &Config,
    listening: SocketAddr,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<Wired> {
    // One for all parts: what a tenant does in one of them counts in all.
    let processors = Processors::of_the_machine();
    let options = cordon_store::Options {
        processors: processors.clone(),
        ..cordon_store::Options::new(&config.data_directory)
    };
    let store = Arc::new(spawn_blocking(|| RedbStore::open(options)).await??);
    let secrets: Arc<dyn Secrets> = Arc::new(secrets(config, &store));
    let packages = packages(config, &store, processors.clone())?;
    let gate = Gate::new(config.egress.clone()).context("egress.development_networks")?;
    // Before anything can be sent.
    gate.never_dial(listening);
    let gate = Arc::new(gate);
    let runtime = Arc::new(runtime(config, &store, &gate, &secrets, &clock, processors.clone())?);
    admit_all(&runtime, &config.plugins).await?;
    let ports = Ports {
        store: Arc::clone(&store) as Arc<dyn StateStore>,
        connectors: Arc::clone(&runtime) as _,
        plugins: Arc::clone(&runtime) as _,
        egress: Arc::clone(&gate) as _,
        webhooks: gate,
        packages: Arc::new(packages),
        secrets,
        clock,
    };
    let options = cordon_engine::Options {
        operator_key_hash: config.operator_key_hash,
        host: config.host_limits(),
        processors,
        ..config.engine.clone()
    };
    let services = Services::new(ports, options, Handle::default());
    Ok(Wired { store, runtime, services })
}

/// The vault goes before everything that the operator keeps elsewhere (BEHAVIOUR J2).
fn secrets(config: &Config, store: &Arc<RedbStore>) -> VaultSecrets {
    let (mut files, mut environment) = (FileSecrets::new(), EnvironmentSecrets::new());
    for (name, entry) in &config.secrets {
        let opened = entry.opened.clone();
        match &entry.kept {
            Kept::File(path) => files = files.with(name, opened, path.clone()),
            Kept::Environment(credentials) => {
                environment = environment.with(name, opened, credentials.clone());
            }
        }
    }
    VaultSecrets::new(Arc::clone(store) as Arc<dyn StateStore>)
        .with_provider(Box::new(files))
        .with_provider(Box::new(environment))
}

fn packages(
    config: &Config,
    store: &Arc<RedbStore>,
    processors: Processors,
) -> anyhow::Result<ZipPackages> {
    let local = Destination::local(config.data_directory.join(PACKAGES_DIRECTORY))?;
    let mut destinations = Destinations::new(local);
    for (name, directory) in &config.destinations {
        let destination = Destination::local(directory)
            .with_context(|| format!("destinations.{name}.directory"))?;
        destinations = destinations.with(name, destination);
    }
    let options = config.package.clone();
    Ok(ZipPackages::new(destinations, Arc::clone(store) as _, options, processors))
}

fn runtime(
    config: &Config,
    store: &RedbStore,
    gate: &Arc<Gate>,
    secrets: &Arc<dyn Secrets>,
    clock: &Arc<dyn Clock>,
    processors: Processors,
) -> anyhow::Result<Runtime> {
    let cache_directory = config.data_directory.join(CACHE_DIRECTORY);
    // What lies there is run as native code: nobody else may put anything there.
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&cache_directory)
        .with_context(|| format!("{} cannot be made", cache_directory.display()))?;
    let options = cordon_runtime::Options {
        cache_directory: Some(cache_directory),
        cache_key: store.derive_key("cordon compiled plugins v1"),
        processors,
        fingerprint_key: store.derive_key("cordon journal fingerprints v1"),
        ..config.runtime.clone()
    };
    Ok(Runtime::new(options, Arc::clone(gate), Arc::clone(secrets), Arc::clone(clock))?)
}

/// Side by side: without a cache each is compiled, which is most of a first start.
async fn admit_all(runtime: &Runtime, plugins: &[BuiltIn]) -> anyhow::Result<()> {
    try_join_all(plugins.iter().map(|plugin| admit(runtime, *plugin))).await?;
    Ok(())
}

async fn admit(runtime: &Runtime, plugin: BuiltIn) -> anyhow::Result<()> {
    let BuiltIn { name, version, component, trusted } = plugin;
    let admitted = runtime.admit(name, version, component, trusted).await;
    let admitted =
        admitted.with_context(|| format!("the built-in plugin {name} cannot be admitted"))?;
    tracing::debug!(plugin.digest = %admitted.reference.digest, name, "built-in plugin admitted");
    Ok(())
}
