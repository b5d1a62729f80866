//! What every use case works with: the ports, the limits, and a way to wake the scheduler.

use std::sync::{Arc, RwLock};

use cordon_model::Timestamp;
use cordon_model::port::{
    Clock, Connectors, Egress, Packages, Plugins, Secrets, StateStore, WebhookSender,
};

use crate::deliveries::Deliveries;
use crate::service::plugins::FolderReport;
use crate::{Handle, Options};

/// The parts of the host that the application works with.
#[derive(Clone)]
pub struct Ports {
    /// What the host remembers.
    pub store: Arc<dyn StateStore>,
    /// Running connectors.
    pub connectors: Arc<dyn Connectors>,
    /// Strangers' plugins.
    pub plugins: Arc<dyn Plugins>,
    /// What may go out.
    pub egress: Arc<dyn Egress>,
    /// Messages to systems of a tenant.
    pub webhooks: Arc<dyn WebhookSender>,
    /// Where packages are put.
    pub packages: Arc<dyn Packages>,
    /// The credentials of connections.
    pub secrets: Arc<dyn Secrets>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// The use cases; each is a method in a file of `service/`.
#[derive(Clone)]
pub struct Services {
    pub(crate) ports: Ports,
    pub(crate) options: Options,
    pub(crate) scheduler: Handle,
    pub(crate) deliveries: Deliveries,
    /// What the operator's folder of plugins came to when it was last read.
    pub(crate) plugin_folder: Arc<RwLock<Option<FolderReport>>>,
}

impl Services {
    /// Pure: opens, connects and spawns nothing.
    pub fn new(ports: Ports, options: Options, scheduler: Handle) -> Self {
        let deliveries = Deliveries::new(options.deliveries_per_tenant_max);
        Self { ports, options, scheduler, deliveries, plugin_folder: Arc::default() }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.ports.clock.now()
    }

    pub(crate) fn store(&self) -> &dyn StateStore {
        &*self.ports.store
    }
}
