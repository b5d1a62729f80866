//! Where a person wrote what is run, so that a problem is told at its place there: a cassette, or
//! the arguments of a recording and the file of its connection.

use std::net::IpAddr;
use std::path::Path;

use cordon_egress::{Gate, Options};
use cordon_model::Problem;
use ipnet::IpNet;
use serde_json::Value;
use url::{Host, Url};

/// The option of a recording that opens networks.
const OPENS: &str = "--development-network";

/// Where it was written.
#[derive(Clone, Copy)]
pub(super) enum Source<'a> {
    Cassette,
    /// Arguments, and this file for the connection.
    Arguments {
        connection: &'a Path,
    },
}

impl Source<'_> {
    /// A place in the connection.
    pub(super) fn of_connection(self, pointer: &str) -> String {
        match self {
            Self::Cassette => format!("/connection{pointer}"),
            Self::Arguments { connection } if pointer.is_empty() => {
                connection.display().to_string()
            }
            Self::Arguments { connection } => format!("{}: {pointer}", connection.display()),
        }
    }

    /// What the connector is asked for.
    pub(super) const fn of_action(self) -> &'static str {
        match self {
            Self::Cassette => "/action",
            Self::Arguments { .. } => "--action",
        }
    }

    /// The identities of a kind.
    pub(super) fn of_identities(self, kind: &str) -> String {
        match self {
            Self::Cassette => format!("/identities/{kind}"),
            Self::Arguments { .. } => format!("--identity {kind}"),
        }
    }

    /// Problems of a connection, each in a sentence with its place and the remedy.
    pub(super) fn sentences<'p>(
        self,
        problems: impl IntoIterator<Item = &'p Problem>,
        connection: &Value,
    ) -> String {
        let one = |problem: &Problem| {
            let message = match self {
                Self::Cassette => problem.message.clone(),
                Self::Arguments { .. } => of_recording(problem, connection),
            };
            format!("{}: {message}", self.of_connection(&problem.pointer))
        };
        problems.into_iter().map(one).collect::<Vec<_>>().join("; ")
    }
}

/// What opens networks, when a request of a recording was refused on its way.
pub(super) fn remedy(code: &str) -> Option<String> {
    matches!(code, "address_denied" | "host_reserved")
        .then(|| format!("{OPENS} opens a network that is not public"))
}

/// A recording has no operator who could open a network.
fn of_recording(problem: &Problem, connection: &Value) -> String {
    let written = connection.pointer(&problem.pointer).and_then(Value::as_str);
    let address = written.and_then(address);
    match (problem.code.as_str(), address.and_then(network)) {
        ("address_denied", Some(network)) => {
            format!("the address is not public; open its network with {OPENS} {network}")
        }
        ("address_denied", None) if address.is_none() => {
            format!("the address is not public; {OPENS} CIDR opens its network")
        }
        ("host_reserved", _) => format!(
            "names of inner networks are called in networks that are opened with {OPENS} CIDR, \
             and the platform's own services never"
        ),
        _ => problem.message.clone(),
    }
}

/// The address in a URL.
fn address(url: &str) -> Option<IpAddr> {
    match Url::parse(url).ok()?.host()? {
        Host::Ipv4(address) => Some(address.into()),
        Host::Ipv6(address) => Some(address.into()),
        Host::Domain(_) => None,
    }
}

/// What to open for an address; none: it is never opened.
fn network(address: IpAddr) -> Option<IpNet> {
    let prefix = match address {
        IpAddr::V4(v4) if v4.is_loopback() => 8,
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    };
    let network = IpNet::new(address, prefix).ok()?.trunc();
    let options = Options { development_networks: vec![network], ..Options::default() };
    Gate::new(options).is_ok().then_some(network)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(origin: &str, code: &str) -> String {
        let connection = json!({ "config": { "origin": origin } });
        let problem = Problem::error(code, "/config/origin", "as a host says it");
        let source = Source::Arguments { connection: Path::new("crm.json") };
        source.sentences([&problem], &connection)
    }

    #[test]
    fn a_recording_is_told_which_option_opens_the_network_of_an_address() {
        for (origin, network) in [
            ("http://127.0.0.1:9000", "127.0.0.0/8"),
            ("http://10.1.2.3", "10.1.2.3/32"),
            ("http://[::1]:80", "::1/128"),
        ] {
            let expected = format!(
                "crm.json: /config/origin: the address is not public; open its network with \
                 --development-network {network}"
            );
            assert_eq!(said(origin, "address_denied"), expected);
        }
        let general = said("api", "address_denied");
        assert!(general.ends_with("--development-network CIDR opens its network"), "{general}");
        let name = said("http://localhost", "host_reserved");
        assert!(name.contains("--development-network CIDR"), "{name}");
    }

    #[test]
    fn what_no_option_opens_is_told_as_a_host_tells_it() {
        for (origin, code) in [("http://169.254.169.254", "address_denied"), ("x", "other")] {
            assert_eq!(said(origin, code), "crm.json: /config/origin: as a host says it");
        }
    }
}
