//! Names to addresses, vetted before anything is dialed.
//!
//! The dialer asks [`Guarded`] whenever it needs a new connection, and dials what it answers:
//! the vetted address is the dialed address, with one question per connection. Addresses written
//! out in a URL are no question for a name service; the gate checks them itself.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use async_trait::async_trait;
use tower::Service;

use crate::address::{AddressGuard, Undialed};
use crate::client::Name;
use crate::names::{Reach, reach};

/// Names to addresses. What comes out is vetted by the gate.
#[async_trait]
pub trait Resolve: Send + Sync {
    /// Every address of a host, which is lower case and has no trailing dot.
    ///
    /// # Errors
    /// When the name cannot be resolved.
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// The system's resolver.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

#[async_trait]
impl Resolve for SystemResolver {
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        // With the trailing dot, so that no search domain turns one name into another. Inner
        // names are looked up as they are: they may stand in the hosts file.
        let question = match reach(host) {
            Reach::Public => format!("{host}."),
            Reach::Local | Reach::Never => host.to_owned(),
        };
        let found = tokio::net::lookup_host((question, 0)).await?;
        Ok(found.map(|address| address.ip()).collect())
    }
}

/// Why an answer of the name service is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AnswerRefused {
    /// One address of it may not be dialed.
    #[error("the name leads to an address that is not dialed: {0}")]
    Address(Undialed),
    /// A name of an inner network that leads out of what the operator opened.
    #[error("the name belongs to an inner network and leads elsewhere")]
    Elsewhere,
    /// No address.
    #[error("the name has no address")]
    Empty,
}

impl AnswerRefused {
    /// The stable word.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Address(undialed) => undialed.code(),
            Self::Elsewhere => "host_reserved",
            Self::Empty => "no_address",
        }
    }
}

/// Why there are no addresses to dial.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoAddresses {
    /// What there is may not be dialed.
    #[error(transparent)]
    Refused(#[from] AnswerRefused),
    /// The name service does not know.
    #[error("the name cannot be resolved")]
    Unresolved(#[from] io::Error),
}

/// A resolver that answers with vetted addresses only.
#[derive(Clone)]
pub(crate) struct Guarded {
    resolver: Arc<dyn Resolve>,
    guard: Arc<AddressGuard>,
}

/// The same for one port: what the dialer asks.
#[derive(Clone)]
pub(crate) struct GuardedPort {
    names: Guarded,
    port: u16,
}

impl Guarded {
    /// Puts a guard before a resolver.
    pub(crate) fn new(resolver: Arc<dyn Resolve>, guard: Arc<AddressGuard>) -> Self {
        Self { resolver, guard }
    }

    /// For one port.
    pub(crate) fn at(&self, port: u16) -> GuardedPort {
        GuardedPort { names: self.clone(), port }
    }

    /// Every address of a name, if this port of all of them may be dialed. The name service is asked
    /// once.
    pub(crate) async fn addresses(
        &self,
        name: &str,
        port: u16,
    ) -> Result<Vec<IpAddr>, NoAddresses> {
        let name = name.to_ascii_lowercase();
        let mut found = self.resolver.resolve(&name).await?;
        vet(&self.guard, (&name, port), &mut found)?;
        Ok(found)
    }

    /// An address that is written out, if this port of it may be dialed.
    pub(crate) fn vetted(&self, address: IpAddr, port: u16) -> Result<IpAddr, NoAddresses> {
        self.guard.check_port(address, port).map_err(AnswerRefused::Address)?;
        Ok(address)
    }
}

impl Service<Name> for GuardedPort {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = NoAddresses;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, NoAddresses>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), NoAddresses>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let guarded = self.clone();
        Box::pin(async move {
            let found = guarded.names.addresses(name.as_str(), guarded.port).await?;
            // The dialer puts the port of the URL in the place of 0.
            let found: Vec<_> = found.into_iter().map(|ip| SocketAddr::new(ip, 0)).collect();
            Ok(found.into_iter())
        })
    }
}

/// One bad address refuses the whole answer: it is no answer of the name's owner. Only of
/// `localhost`, which is both families to most systems, what is not opened is left out.
pub(crate) fn vet(
    guard: &AddressGuard,
    (host, port): (&str, u16),
    found: &mut Vec<IpAddr>,
) -> Result<(), AnswerRefused> {
    if host == "localhost" && found.iter().any(|address| guard.opens(*address)) {
        found.retain(|address| guard.opens(*address));
    }
    if found.is_empty() {
        return Err(AnswerRefused::Empty);
    }
    let local = reach(host) != Reach::Public;
    for address in found {
        guard.check_port(*address, port).map_err(AnswerRefused::Address)?;
        if local && !guard.opens(*address) {
            return Err(AnswerRefused::Elsewhere);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::own::OwnAddresses;

    /// Where the host itself listens.
    const OWN: &str = "127.0.0.1:7070";

    fn guard(open: &[&str]) -> AddressGuard {
        let own = OwnAddresses::default();
        own.add(OWN.parse().unwrap());
        AddressGuard::new(open.iter().map(|n| n.parse().unwrap()).collect(), own).unwrap()
    }

    fn vetted(open: &[&str], host: &str, found: &[&str]) -> Result<(), AnswerRefused> {
        vetted_at(open, (host, 443), found)
    }

    fn vetted_at(open: &[&str], at: (&str, u16), found: &[&str]) -> Result<(), AnswerRefused> {
        let mut found: Vec<IpAddr> = found.iter().map(|a| a.parse().unwrap()).collect();
        vet(&guard(open), at, &mut found)
    }

    #[test]
    fn a_name_that_leads_to_where_the_host_listens_is_refused_at_that_port_alone() {
        let open = ["127.0.0.0/8"];
        let own = Err(AnswerRefused::Address(Undialed::Own));
        for name in ["localhost", "sandbox.internal", "api.acme.com"] {
            assert_eq!(vetted_at(&open, (name, 7070), &["127.0.0.1"]), own, "{name}");
            assert_eq!(vetted_at(&open, (name, 7071), &["127.0.0.1"]), Ok(()), "{name}");
            assert_eq!(vetted_at(&open, (name, 7070), &["127.0.0.2"]), Ok(()), "{name}");
        }
        let mixed = ["127.0.0.2", "127.0.0.1"];
        assert_eq!(vetted_at(&open, ("api.acme.com", 7070), &mixed), own, "one refuses all");
    }

    #[test]
    fn one_bad_address_refuses_the_whole_answer() {
        let public = ["93.184.215.14", "2606:4700:4700::1111"];
        assert_eq!(vetted(&[], "api.acme.com", &public), Ok(()));
        let mixed = ["93.184.215.14", "10.0.0.1"];
        let refused = Err(AnswerRefused::Address(Undialed::Class("private")));
        assert_eq!(vetted(&[], "api.acme.com", &mixed), refused);
        assert_eq!(vetted(&["10.0.0.0/8"], "api.acme.com", &mixed), Ok(()));
        assert_eq!(vetted(&[], "api.acme.com", &[]), Err(AnswerRefused::Empty));
    }

    #[test]
    fn an_inner_name_leads_only_into_opened_networks() {
        let open = ["10.20.0.0/16"];
        assert_eq!(vetted(&open, "users.corp.internal", &["10.20.9.9"]), Ok(()));
        let elsewhere = Err(AnswerRefused::Elsewhere);
        assert_eq!(vetted(&open, "users.corp.internal", &["93.184.215.14"]), elsewhere);
        assert_eq!(vetted(&open, "crm", &["93.184.215.14"]), elsewhere);
    }

    #[test]
    fn localhost_leads_to_the_opened_family_alone() {
        let both = ["::1", "127.0.0.1"];
        assert_eq!(vetted(&["127.0.0.0/8"], "localhost", &both), Ok(()));
        assert_eq!(
            vetted(&[], "localhost", &both),
            Err(AnswerRefused::Address(Undialed::Class("not global unicast")))
        );
        let guard = guard(&["127.0.0.0/8"]);
        let mut found = both.map(|a| a.parse().unwrap()).to_vec();
        vet(&guard, ("localhost", 443), &mut found).unwrap();
        assert_eq!(found, ["127.0.0.1".parse::<IpAddr>().unwrap()]);
    }
}
