//! Where the host itself listens. Nothing is dialed there, whatever is opened or granted: a host that
//! opens loopback for its connectors must not open its own API to them by it.
//!
//! Known only once the host listens, so it is told afterwards. An address that leads back to the
//! host from outside (a translated one, a proxy in front of it) cannot be known here; there the API
//! answers to keys alone, like to everybody.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::{Arc, PoisonError, RwLock};

/// Shared by every guard of a gate.
#[derive(Debug, Clone, Default)]
pub(crate) struct OwnAddresses(Arc<RwLock<Vec<SocketAddr>>>);

impl OwnAddresses {
    /// The host listens here, too.
    pub(crate) fn add(&self, address: SocketAddr) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).push(address);
    }

    /// Whether the host listens at a port of an address.
    pub(crate) fn listen_at(&self, address: IpAddr, port: u16) -> bool {
        let listening = self.0.read().unwrap_or_else(PoisonError::into_inner);
        listening.iter().filter(|own| own.port() == port).any(|own| {
            let everywhere = own.ip().is_unspecified();
            own.ip().to_canonical() == address.to_canonical()
                || everywhere && is_of_this_machine(address)
        })
    }
}

/// The machine knows its addresses better than a list of them that was read once: only one of them
/// can be bound to. Asked for the port of the host alone, so next to never.
fn is_of_this_machine(address: IpAddr) -> bool {
    address.is_loopback() || UdpSocket::bind((address, 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listening(at: &str) -> OwnAddresses {
        let own = OwnAddresses::default();
        own.add(at.parse().unwrap());
        own
    }

    fn found(at: &str, dialed: &str) -> bool {
        let dialed: SocketAddr = dialed.parse().unwrap();
        listening(at).listen_at(dialed.ip(), dialed.port())
    }

    #[test]
    fn a_host_that_listens_at_one_address_is_found_there_alone() {
        assert!(found("127.0.0.1:7070", "127.0.0.1:7070"));
        assert!(found("127.0.0.1:7070", "[::ffff:127.0.0.1]:7070"));
        assert!(!found("127.0.0.1:7070", "127.0.0.1:7071"));
        assert!(!found("127.0.0.1:7070", "127.0.0.2:7070"));
        assert!(!found("127.0.0.1:7070", "[::1]:7070"));
        assert!(!OwnAddresses::default().listen_at([127, 0, 0, 1].into(), 7070));
    }

    #[test]
    fn a_host_that_listens_everywhere_is_found_at_every_address_of_its_machine() {
        for everywhere in ["0.0.0.0:7070", "[::]:7070"] {
            for own in ["127.0.0.1:7070", "127.9.9.9:7070", "[::1]:7070", "0.0.0.0:7070"] {
                assert!(found(everywhere, own), "{everywhere} {own}");
            }
            for other in ["127.0.0.1:80", "192.0.2.1:7070", "[2001:db8::1]:7070"] {
                assert!(!found(everywhere, other), "{everywhere} {other}");
            }
        }
    }
}
