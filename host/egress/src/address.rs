//! The address guard: one table for addresses written out and for answers of the name service.
//!
//! Everything outside global unicast is denied (IANA special-purpose registries, and platform
//! endpoints that sit in public space). The operator's development networks, and the private
//! networks that a connection was granted, open exactly the addresses they hold; link-local, multicast and metadata addresses are never opened.
//! Deliberately does not unwrap IPv4 from IPv6: such forms are refused as they are. Where the host
//! itself listens nobody is dialed, whatever is opened (`own`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use cordon_model::grant::PrivateNetwork;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::options::Error;
use crate::own::OwnAddresses;

/// Decides which addresses may be dialed.
#[derive(Debug, Clone)]
pub(crate) struct AddressGuard {
    open: Vec<IpNet>,
    own: OwnAddresses,
}

/// A class of addresses that is denied, in words for the operator.
pub(crate) type Class = &'static str;

/// Why an address is not dialed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Undialed {
    /// For what it is.
    #[error("{0}")]
    Class(Class),
    /// The host itself listens there.
    #[error("the host itself listens there")]
    Own,
}

impl Undialed {
    /// The stable word.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Class(_) => "address_denied",
            Self::Own => "own_address",
        }
    }
}

impl AddressGuard {
    /// A guard with these networks opened, but for where the host listens.
    pub(crate) fn new(open: Vec<IpNet>, own: OwnAddresses) -> Result<Self, Error> {
        match open.iter().find(|network| !may_be_opened(network)) {
            Some(network) => Err(Error::DevelopmentNetwork(*network)),
            None => Ok(Self { open, own }),
        }
    }

    /// The same guard with private networks opened, too.
    pub(crate) fn opening(&self, networks: &[PrivateNetwork]) -> Self {
        let networks = networks.iter().map(PrivateNetwork::network);
        let open = self.open.iter().copied().chain(networks).collect();
        Self { open, own: self.own.clone() }
    }

    /// The networks that are opened.
    pub(crate) fn open(&self) -> &[IpNet] {
        &self.open
    }

    /// Whether any network is opened.
    pub(crate) fn opens_any(&self) -> bool {
        !self.open.is_empty()
    }

    /// Whether an address lies in an opened network.
    pub(crate) fn opens(&self, address: IpAddr) -> bool {
        self.open.iter().any(|network| network.contains(&address)) && never(address).is_none()
    }

    /// Whether a port of an address may be dialed.
    pub(crate) fn check_port(&self, address: IpAddr, port: u16) -> Result<(), Undialed> {
        self.check(address).map_err(Undialed::Class)?;
        if self.own.listen_at(address, port) { Err(Undialed::Own) } else { Ok(()) }
    }

    /// Whether an address may be dialed at any port; otherwise what it is.
    pub(crate) fn check(&self, address: IpAddr) -> Result<(), Class> {
        if self.opens(address) {
            return Ok(());
        }
        match never(address).or_else(|| special(address)) {
            Some(class) => Err(class),
            None => Ok(()),
        }
    }
}

/// A network, not half the Internet, and not one of addresses that are never opened.
fn may_be_opened(network: &IpNet) -> bool {
    let narrow = match network {
        IpNet::V4(v4) => v4.prefix_len() >= 8,
        IpNet::V6(v6) => v6.prefix_len() >= 16,
    };
    narrow && never(network.network()).is_none() && never(network.broadcast()).is_none()
}

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(a: u16, b: u16, c: u16, prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), prefix)
}

/// Denied even inside a development network.
const NEVER_V4: [(Ipv4Net, Class); 6] = [
    (v4(0, 0, 0, 0, 8), "this network"),
    (v4(100, 100, 100, 200, 32), "platform metadata"),
    (v4(168, 63, 129, 16, 32), "platform metadata"),
    (v4(169, 254, 0, 0, 16), "link-local or metadata"),
    (v4(224, 0, 0, 0, 4), "multicast"),
    (v4(255, 255, 255, 255, 32), "broadcast"),
];

/// Denied even inside a development network. `fd00:ec2::/32` holds metadata endpoints.
const NEVER_V6: [(Ipv6Net, Class); 5] = [
    (v6(0, 0, 0, 128), "unspecified"),
    (v6(0xfd00, 0x0ec2, 0, 32), "platform metadata"),
    (v6(0xfd20, 0x00ce, 0, 32), "platform metadata"),
    (v6(0xfe80, 0, 0, 10), "link-local"),
    (v6(0xff00, 0, 0, 8), "multicast"),
];

/// Denied unless the operator opened it.
const SPECIAL_V4: [(Ipv4Net, Class); 12] = [
    (v4(10, 0, 0, 0, 8), "private"),
    (v4(100, 64, 0, 0, 10), "carrier-grade NAT"),
    (v4(127, 0, 0, 0, 8), "loopback"),
    (v4(172, 16, 0, 0, 12), "private"),
    (v4(192, 0, 0, 0, 24), "IETF protocol assignments"),
    (v4(192, 0, 2, 0, 24), "documentation"),
    (v4(192, 88, 99, 0, 24), "6to4 relay"),
    (v4(192, 168, 0, 0, 16), "private"),
    (v4(198, 18, 0, 0, 15), "benchmark"),
    (v4(198, 51, 100, 0, 24), "documentation"),
    (v4(203, 0, 113, 0, 24), "documentation"),
    (v4(240, 0, 0, 0, 4), "reserved"),
];

/// Denied unless the operator opened it: parts of 2000::/3 that are no global unicast.
const SPECIAL_V6: [(Ipv6Net, Class); 5] = [
    (v6(0x2001, 0, 0, 23), "IETF protocol assignments or Teredo"),
    (v6(0x2001, 0x0db8, 0, 32), "documentation"),
    (v6(0x2002, 0, 0, 16), "6to4"),
    (v6(0x2620, 0x004f, 0x8000, 48), "AS112"),
    (v6(0x3fff, 0, 0, 20), "documentation"),
];

/// All of global unicast.
const GLOBAL_V6: Ipv6Net = v6(0x2000, 0, 0, 3);

/// Whether an operator could open a network that holds an address.
pub(crate) fn can_be_opened(address: IpAddr) -> bool {
    never(address).is_none()
}

fn never(address: IpAddr) -> Option<Class> {
    match address {
        IpAddr::V4(ip) => find_v4(&NEVER_V4, ip),
        IpAddr::V6(ip) => find_v6(&NEVER_V6, ip),
    }
}

fn special(address: IpAddr) -> Option<Class> {
    match address {
        IpAddr::V4(ip) => find_v4(&SPECIAL_V4, ip),
        IpAddr::V6(ip) if !GLOBAL_V6.contains(&ip) => Some("not global unicast"),
        IpAddr::V6(ip) => find_v6(&SPECIAL_V6, ip),
    }
}

fn find_v4(table: &[(Ipv4Net, Class)], ip: Ipv4Addr) -> Option<Class> {
    table.iter().find(|(network, _)| network.contains(&ip)).map(|(_, class)| *class)
}

fn find_v6(table: &[(Ipv6Net, Class)], ip: Ipv6Addr) -> Option<Class> {
    table.iter().find(|(network, _)| network.contains(&ip)).map(|(_, class)| *class)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(open: &[&str], address: &str) -> bool {
        let open = open.iter().map(|n| n.parse().unwrap()).collect();
        AddressGuard::new(open, OwnAddresses::default())
            .unwrap()
            .check(address.parse().unwrap())
            .is_ok()
    }

    #[test]
    fn everything_outside_global_unicast_is_denied() {
        for address in [
            "0.0.0.0",
            "0.255.255.255",
            "10.0.0.0",
            "10.255.255.255",
            "100.64.0.0",
            "100.127.255.255",
            "100.100.100.200",
            "127.0.0.1",
            "127.255.255.255",
            "168.63.129.16",
            "169.254.0.0",
            "169.254.169.254",
            "169.254.255.255",
            "172.16.0.0",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.0.255",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.0",
            "192.168.255.255",
            "198.18.0.0",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.255",
            "224.0.0.1",
            "239.255.255.250",
            "240.0.0.0",
            "255.255.255.255",
            "::",
            "::1",
            "::2",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:93.184.215.14",
            "::ffff:0:127.0.0.1",
            "64:ff9b::808:808",
            "64:ff9b:1::1",
            "100::1",
            "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            "2001::1",
            "2001:20::1",
            "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff",
            "2001:db8::1",
            "2002:808:808::1",
            "2620:4f:8000::1",
            "3fff::1",
            "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff",
            "4000::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fdff::1",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!allowed(&[], address), "{address}");
        }
    }

    #[test]
    fn the_neighbors_of_denied_ranges_are_allowed() {
        for address in [
            "1.0.0.0",
            "9.255.255.255",
            "11.0.0.0",
            "93.184.215.14",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "168.63.129.15",
            "168.63.129.17",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2000::1",
            "2001:200::1",
            "2001:db7::1",
            "2001:db9::1",
            "2003::1",
            "2606:4700:4700::1111",
            "3ffe::1",
            "3fff:1000::1",
        ] {
            assert!(allowed(&[], address), "{address}");
        }
    }

    #[test]
    fn a_development_network_opens_exactly_its_addresses() {
        assert!(allowed(&["127.0.0.0/8"], "127.0.0.1"));
        assert!(!allowed(&["127.0.0.0/8"], "::1"));
        assert!(!allowed(&["127.0.0.0/8"], "::ffff:127.0.0.1"));
        assert!(allowed(&["10.20.0.0/16"], "10.20.255.255"));
        assert!(!allowed(&["10.20.0.0/16"], "10.21.0.0"));
        assert!(allowed(&["::1/128"], "::1"));
        assert!(!allowed(&["100.64.0.0/10"], "100.100.100.200"));
        assert!(!allowed(&["fd00::/16"], "fd00:ec2::254"));
    }

    #[test]
    fn half_the_internet_and_metadata_cannot_be_opened() {
        for network in [
            "0.0.0.0/0",
            "0.0.0.0/7",
            "::/0",
            "::/15",
            "169.254.0.0/16",
            "169.254.169.254/32",
            "168.63.129.16/32",
            "fe80::/10",
            "ff00::/8",
            "224.0.0.0/8",
        ] {
            let open = vec![network.parse().unwrap()];
            assert!(AddressGuard::new(open, OwnAddresses::default()).is_err(), "{network}");
        }
    }
}
