//! Private addresses that may be granted: networks of an organization's own.
//!
//! Loopback is opened by the operator's development networks alone; link-local, multicast and
//! metadata addresses are never opened.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::InvalidGrant;

/// A network whose addresses may be dialed although they are private.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PrivateNetwork(IpNet);

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> IpNet {
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix))
}

const fn v6(a: u16, b: u16, prefix: u8) -> IpNet {
    IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, 0), prefix))
}

/// What an organization may use inside (RFC 1918, RFC 6598, RFC 4193).
const PRIVATE: [IpNet; 5] = [
    v4(10, 0, 0, 0, 8),
    v4(172, 16, 0, 0, 12),
    v4(192, 168, 0, 0, 16),
    v4(100, 64, 0, 0, 10),
    v6(0xfc00, 0, 7),
];

/// Metadata services of platforms among them. A wider network may hold one: the gate never dials
/// it all the same.
const METADATA: [IpNet; 3] =
    [v4(100, 100, 100, 200, 32), v6(0xfd00, 0x0ec2, 32), v6(0xfd20, 0x00ce, 32)];

impl PrivateNetwork {
    /// The network.
    pub const fn network(&self) -> IpNet {
        self.0
    }

    /// Whether all of another network lies in it.
    pub fn covers(&self, other: &Self) -> bool {
        self.0.contains(&other.0)
    }

    /// Whether an address lies in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address)
    }

    /// What lies in both; none: nothing.
    pub fn intersect(&self, other: &Self) -> Option<Self> {
        if self.covers(other) { Some(*other) } else { other.covers(self).then_some(*self) }
    }

    /// The network of one address; none: the address is not one that can be granted.
    pub fn of_address(address: IpAddr) -> Option<Self> {
        Self::checked(address.into()).ok()
    }

    fn checked(network: IpNet) -> Result<Self, InvalidGrant> {
        let widest = match network {
            IpNet::V4(_) => 8,
            IpNet::V6(_) => 16,
        };
        if network.prefix_len() < widest {
            return Err(InvalidGrant::TooWide);
        }
        if network.trunc() != network {
            return Err(InvalidGrant::HostBits);
        }
        let is_in = |nets: &[IpNet]| nets.iter().any(|net| net.contains(&network));
        if is_in(&PRIVATE) && !is_in(&METADATA) {
            Ok(Self(network))
        } else {
            Err(InvalidGrant::NotPrivate)
        }
    }
}

impl fmt::Display for PrivateNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for PrivateNetwork {
    type Err = InvalidGrant;

    fn from_str(text: &str) -> Result<Self, InvalidGrant> {
        let network: IpNet = text.parse().map_err(|_| InvalidGrant::Network)?;
        // Leading zeros are octal to some readers.
        if network.to_string() == text {
            Self::checked(network)
        } else {
            Err(InvalidGrant::Network)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(text: &str) -> Option<InvalidGrant> {
        text.parse::<PrivateNetwork>().err()
    }

    #[test]
    fn a_private_network_can_be_granted() {
        for text in
            ["10.20.0.0/16", "10.0.0.0/8", "10.20.3.4/32", "192.168.1.0/24", "fd12:3456::10/128"]
        {
            assert_eq!(reason(text), None, "{text}");
            assert_eq!(text.parse::<PrivateNetwork>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_not_private_or_too_much_is_refused() {
        use InvalidGrant as No;
        for (text, expected) in [
            ("0.0.0.0/0", No::TooWide),
            ("::/0", No::TooWide),
            ("fc00::/7", No::TooWide),
            ("10.20.3.4/16", No::HostBits),
            ("127.0.0.0/8", No::NotPrivate),
            ("::1/128", No::NotPrivate),
            ("169.254.0.0/16", No::NotPrivate),
            ("169.254.169.254/32", No::NotPrivate),
            ("fe80::/16", No::NotPrivate),
            ("224.0.0.0/8", No::NotPrivate),
            ("93.184.215.0/24", No::NotPrivate),
            ("172.0.0.0/8", No::NotPrivate),
            ("::ffff:10.0.0.0/104", No::NotPrivate),
            ("fd00:ec2::254/128", No::NotPrivate),
            ("100.100.100.200/32", No::NotPrivate),
            ("10.0.0.0", No::Network),
            ("10.0.0.0/33", No::Network),
            ("010.0.0.0/8", No::Network),
            ("", No::Network),
        ] {
            assert_eq!(reason(text), Some(expected), "{text}");
        }
    }
}
