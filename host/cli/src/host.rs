//! A whole host: the parts wired, the scheduler and the API at work.
//!
//! Started by `serve`, by `demo` and by tests, all in the same way. It accepts connections only
//! once it can serve them, and stops in the opposite order: the API first, the store last.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use cordon_api::State;
use cordon_engine::service::plugins::{Adopters, Announced};
use cordon_engine::{Scheduler, Services};
use cordon_model::Secret;
use cordon_model::port::Clock;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpSocket;
use tokio::sync::Notify;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::config::Config;
use crate::plugin_folder::DiskFolder;
use crate::telemetry;
use crate::wire::{Wired, wire};

/// The file below the data directory that a first start writes the operator's key to.
pub const OPERATOR_KEY_FILE: &str = "operator.key";

/// Connections that the system holds until they are accepted.
const BACKLOG: u32 = 1024;

/// How often what was measured is folded into histograms, so that it does not pile up between
/// two looks at the metrics.
const UPKEEP: Duration = Duration::from_secs(5);

/// A running host. Dropped without [`Host::stop`] its tasks end at once, like in a crash: nothing
/// that was acknowledged is lost.
pub struct Host {
    address: SocketAddr,
    data_directory: PathBuf,
    wired: Wired,
    /// Loads strangers' plugins after a start, and reads the plugins folder whenever it is asked to.
    plugins: Part<()>,
    /// Asks for that; none: there is no such folder.
    folder_asked: Option<Arc<Notify>>,
    api: Part<anyhow::Result<()>>,
    scheduler: Part<()>,
    upkeep: Part<()>,
}

/// A task of the host, and how to end it.
struct Part<T> {
    stop: CancellationToken,
    task: AbortOnDropHandle<T>,
}

impl Host {
    /// Starts everything; returns when requests are answered.
    ///
    /// # Errors
    /// When a part cannot be opened or the address is taken. Nothing is left running.
    pub async fn start(config: Config, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let began = Instant::now();
        let metrics = telemetry::metrics()?;
        // Before anything is opened: a port in use is told at once, and leaves no trace. Nobody
        // can connect to it yet.
        let listen = config.listen;
        let socket = bind(listen).with_context(|| format!("cannot listen on {listen}"))?;
        let data_directory = config.data_directory.clone();
        let api = config.api.clone();
        let wired = wire(&config, socket.local_addr()?, clock).await?;
        let key_path = data_directory.join(OPERATOR_KEY_FILE);
        let keep = |key: &Secret| {
            write_operator_key(&key_path, key)?;
            tracing::info!(path = %key_path.display(), "the operator's key was made and written");
            anyhow::Ok(())
        };
        wired.services.first_start(keep).await?;
        // Known before anything runs that may use them; loaded while everything else is at work.
        let announced = wired.services.announce_plugins().await?;
        Box::pin(wired.services.adopt_connections(Adopters::BuiltIn)).await?;
        let folder = folder(&config).map(|folder| (folder, Arc::new(Notify::new())));
        let folder_asked = folder.as_ref().map(|(_, asked)| Arc::clone(asked));
        let services = wired.services.clone();
        let plugins = Part::start(|stop| async move {
            stop.run_until_cancelled(Box::pin(plugins(services, announced, folder))).await;
        });
        let scheduler = Part::start(|stop| Scheduler::new(wired.services.clone()).run(stop));
        let rendered = metrics.clone();
        let state = State::new(wired.services.clone(), api, move || rendered.render());
        let listener =
            socket.listen(BACKLOG).with_context(|| format!("cannot listen on {listen}"))?;
        let address = listener.local_addr()?;
        let api =
            Part::start(|stop| async move { Ok(cordon_api::serve(listener, state, stop).await?) });
        let upkeep = Part::start(|stop| upkeep(metrics, stop));
        let duration_ms = began.elapsed().as_millis();
        tracing::info!(%address, duration_ms, "listening");
        Ok(Self { address, data_directory, wired, plugins, folder_asked, api, scheduler, upkeep })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where the operator's key lies, unless the configuration gave its hash.
    pub fn operator_key_path(&self) -> PathBuf {
        self.data_directory.join(OPERATOR_KEY_FILE)
    }

    /// Has the plugins folder read again, after what is being read now. Returns at once.
    pub fn read_plugin_folder(&self) {
        match &self.folder_asked {
            Some(asked) => asked.notify_one(),
            None => tracing::warn!("there is no plugins folder to read: set plugins.directory"),
        }
    }

    /// Returns when a part ended that nobody stopped, with the reason. The host is of no use any
    /// more then, but for being stopped.
    pub async fn broken(&mut self) -> anyhow::Error {
        tokio::select! {
            ended = &mut self.api.task => match ended {
                Ok(Ok(())) => anyhow!("the API ended"),
                Ok(Err(error)) => error.context("the API ended"),
                Err(error) => anyhow!("the API broke: {error}"),
            },
            ended = &mut self.scheduler.task => match ended {
                Ok(()) => anyhow!("the scheduler ended"),
                Err(error) => anyhow!("the scheduler broke: {error}"),
            },
        }
    }

    /// Stops: no more connections, then no more work, then the store is closed.
    ///
    /// # Errors
    /// When a part broke, or the store could not be closed.
    pub async fn stop(self) -> anyhow::Result<()> {
        let api = self.api.stop().await;
        let scheduler = self.scheduler.stop().await;
        let plugins = self.plugins.stop().await;
        let upkeep = self.upkeep.stop().await;
        let Wired { store, runtime, services } = self.wired;
        // Ends the calls that are still running, and their threads.
        drop(services);
        let closed = spawn_blocking(move || {
            drop(runtime);
            store.close()
        });
        closed.await?.context("the store could not be closed")?;
        api.and_then(|served| served).context("the API")?;
        scheduler.context("the scheduler")?;
        plugins.context("loading plugins")?;
        upkeep.context("the upkeep of metrics")
    }
}

impl<T: Send + 'static> Part<T> {
    fn start<F>(run: impl FnOnce(CancellationToken) -> F) -> Self
    where
        F: Future<Output = T> + Send + 'static,
    {
        let stop = CancellationToken::new();
        let task: JoinHandle<T> = tokio::spawn(run(stop.clone()));
        Self { stop, task: AbortOnDropHandle::new(task) }
    }

    async fn stop(self) -> anyhow::Result<T> {
        self.stop.cancel();
        Ok(self.task.await?)
    }
}

/// Brings strangers' plugins to work: those that are installed, then those of the folder, then
/// those that were put there since.
async fn plugins(
    services: Services,
    announced: Announced,
    folder: Option<(DiskFolder, Arc<Notify>)>,
) {
    services.load_plugins(announced).await;
    if let Err(error) = services.adopt_connections(Adopters::All).await {
        tracing::error!(%error, "connections whose plugins are gone could not be looked at");
    }
    let Some((folder, asked)) = folder else { return };
    loop {
        services.read_plugin_folder(&folder).await;
        asked.notified().await;
    }
}

fn folder(config: &Config) -> Option<DiskFolder> {
    config.plugin_folder.clone().map(|directory| DiskFolder {
        directory,
        component_bytes_max: config.runtime.component_bytes_max,
        signature_bytes_max: config.engine.plugin_signature_bytes_max,
    })
}

fn bind(address: SocketAddr) -> std::io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A port whose last connections are still being wound up is free.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

async fn upkeep(metrics: PrometheusHandle, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(UPKEEP);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        metrics.run_upkeep();
    }
}

/// Writes the key where its owner alone can read it. A key that lies there belongs to a store
/// that is gone, or to a start that broke off before it was stored: this one has none.
fn write_operator_key(path: &Path, key: &Secret) -> anyhow::Result<()> {
    let write = || -> std::io::Result<()> {
        let directory = path.parent().unwrap_or(Path::new("."));
        // Made with mode 0600.
        let mut file = tempfile::NamedTempFile::new_in(directory)?;
        writeln!(file, "{}", key.expose())?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        std::fs::File::open(directory)?.sync_all()
    };
    write().with_context(|| {
        format!(
            "the operator's key cannot be written to {}; make the directory writable and start \
             again, or set operator.key_file",
            path.display()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn the_operators_key_is_readable_by_its_owner_alone_and_replaces_one_of_another_store() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(OPERATOR_KEY_FILE);
        for key in ["cordon_first", "cordon_second"] {
            write_operator_key(&path, &Secret::new(key.to_owned())).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap().trim(), key);
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1, "nothing else is left");
    }

    #[test]
    fn an_operators_key_that_cannot_be_written_is_told_with_its_remedy_and_without_the_key() {
        let path = Path::new("/proc/no-such-directory").join(OPERATOR_KEY_FILE);
        let error = write_operator_key(&path, &Secret::new("cordon_value".to_owned()));
        let error = format!("{:#}", error.unwrap_err());
        assert!(error.contains("operator.key_file"), "{error}");
        assert!(!error.contains("cordon_value"), "{error}");
    }
}
