//! The sandbox of a host without the host: the same admission, runtime and gate, for the commands
//! of a connector's author. Stores nothing; what it is handed is gone with the process.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use async_trait::async_trait;
use bytes::Bytes;
use cordon_egress::Gate;
use cordon_model::TenantId;
use cordon_model::connection::Connection;
use cordon_model::grant::EgressLimits;
use cordon_model::port::{
    Admission, AdmissionError, Candidate, CredentialsSource, Plugins, Secrets, SecretsError,
};
use cordon_model::secret::Credentials;
use cordon_model::tenant::{Allowance, Terms};
use cordon_runtime::Runtime;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::clock::SystemClock;
use crate::commands::compile_component;

/// The version of one that does not say its own: not shown.
pub(super) const NO_VERSION: &str = "0";

/// One component, admitted.
pub(super) struct Sandbox {
    pub(super) runtime: Runtime,
    pub(super) admission: Admission,
    /// Everything that came before it could be called: a look, compiling, the calls of admission.
    pub(super) admitted_in: Duration,
    secrets: Arc<HandedSecrets>,
}

/// How the sandbox differs from that of a host.
#[derive(Default)]
pub(super) struct Setting {
    /// Networks that may be dialed although they are not public.
    pub(super) development_networks: Vec<IpNet>,
    /// What is tried again is tried at once: the upstream is a cassette.
    pub(super) without_waiting: bool,
}

/// Networks that are not public and that a person may have, but for those of IPv6.
const OWN: [Ipv4Net; 9] = [
    Ipv4Net::new_assert(Ipv4Addr::new(10, 0, 0, 0), 8),
    Ipv4Net::new_assert(Ipv4Addr::new(100, 64, 0, 0), 10),
    Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8),
    Ipv4Net::new_assert(Ipv4Addr::new(172, 16, 0, 0), 12),
    Ipv4Net::new_assert(Ipv4Addr::new(192, 0, 2, 0), 24),
    Ipv4Net::new_assert(Ipv4Addr::new(192, 168, 0, 0), 16),
    Ipv4Net::new_assert(Ipv4Addr::new(198, 18, 0, 0), 15),
    Ipv4Net::new_assert(Ipv4Addr::new(198, 51, 100, 0), 24),
    Ipv4Net::new_assert(Ipv4Addr::new(203, 0, 113, 0), 24),
];
/// The same of IPv6; a network that is opened is no wider than [`OPENED_PREFIX`].
const OWN_V6: [Ipv6Net; 3] = [
    Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128),
    Ipv6Net::new_assert(Ipv6Addr::new(0x2001, 0x0db8, 0, 0, 0, 0, 0, 0), 32),
    Ipv6Net::new_assert(Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7),
];
const OPENED_PREFIX: u8 = 16;

impl Setting {
    /// For cassettes. Nothing is dialed, so whether an operator opened a network is no question;
    /// what is never opened stays closed. Nobody is waited for.
    pub(super) fn of_cassettes() -> anyhow::Result<Self> {
        let mut development_networks: Vec<IpNet> = OWN.map(IpNet::V4).into();
        for network in OWN_V6 {
            let parts = network.subnets(OPENED_PREFIX.max(network.prefix_len()))?;
            development_networks.extend(parts.map(IpNet::V6));
        }
        Ok(Self { development_networks, without_waiting: true })
    }
}

/// Credentials that the command was handed, for the connection that it runs.
#[derive(Default)]
struct HandedSecrets(Mutex<Credentials>);

#[async_trait]
impl Secrets for HandedSecrets {
    async fn credentials(&self, _: &Connection) -> Result<Credentials, SecretsError> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    fn source(&self, _: &Connection) -> CredentialsSource {
        CredentialsSource::None
    }
}

impl Sandbox {
    /// Admits a component as a host would.
    ///
    /// # Errors
    /// When a host would refuse it.
    pub(super) async fn admit(component: Bytes, setting: Setting) -> anyhow::Result<Self> {
        let mut options = cordon_runtime::Options {
            compiler: Some(compile_component::process()?),
            instances_max: 1,
            ..cordon_runtime::Options::default()
        };
        if setting.without_waiting {
            options.retry_base = Duration::ZERO;
            options.retry_after_max = Duration::ZERO;
        }
        let gate = cordon_egress::Options {
            development_networks: setting.development_networks,
            ..cordon_egress::Options::default()
        };
        let gate = Gate::new(gate).context("the egress gate")?;
        let secrets = Arc::new(HandedSecrets::default());
        let of_runtime = Arc::clone(&secrets) as Arc<dyn Secrets>;
        let runtime = Runtime::new(options, Arc::new(gate), of_runtime, Arc::new(SystemClock))?;
        let mut candidate = Candidate { scope: None, name: None, version: None, component };
        let mut began = Instant::now();
        let mut admitted = Plugins::admit(&runtime, candidate.clone()).await;
        if lacks_a_version(&admitted) {
            candidate.version = Some(NO_VERSION.to_owned());
            began = Instant::now();
            admitted = Plugins::admit(&runtime, candidate).await;
        }
        let admitted_in = began.elapsed();
        let admission = admitted.map_err(refusal)?;
        Ok(Self { runtime, admission, admitted_in, secrets })
    }

    /// What the component runs under: the tenant of a fresh host, without limits of its own.
    pub(super) fn terms() -> Terms {
        Terms {
            tenant: TenantId::default_tenant(),
            egress: EgressLimits::default(),
            allowance: Allowance::default(),
        }
    }

    /// Credentials for whatever runs from now on.
    pub(super) fn hand(&self, credentials: Credentials) {
        *self.secrets.0.lock().unwrap_or_else(PoisonError::into_inner) = credentials;
    }
}

fn lacks_a_version(admitted: &Result<Admission, AdmissionError>) -> bool {
    let Err(AdmissionError::Refused(problems)) = admitted else { return false };
    problems.iter().any(|problem| problem.code == "version_missing")
}

fn refusal(error: AdmissionError) -> anyhow::Error {
    match error {
        AdmissionError::Refused(problems) => {
            let messages: Vec<_> = problems.into_iter().map(|problem| problem.message).collect();
            anyhow!("a host would refuse it: {}", messages.join("; "))
        }
        other => anyhow!(other),
    }
}
